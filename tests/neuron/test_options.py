"""The settings of a training: what cannot be used is refused, by name and value."""

import math

import pytest

from tasks.neuron.options import Options

REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "recipe": ({"recipe": "adam"}, "`recipe` must be one of calibrated, tutorial, got 'adam'"),
    "initializer": (
        {"initializer": "zeros"},
        "`initializer` must be one of glorot_uniform, uniform, got 'zeros'",
    ),
    "no epoch": ({"epochs": 0}, "`epochs` must be at least 1, got 0"),
    "no row": ({"batch_size": -3}, "`batch_size` must be at least 1, got -3"),
    **{
        f"a rate of {rate}": (
            {"learning_rate": rate},
            f"`learning_rate` must be a positive number, got {rate}; leave it to the recipe",
        )
        for rate in (0.0, -1.0, math.inf, math.nan)
    },
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused(case: str) -> None:
    given, text = REFUSED[case]
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Options(**given)  # type: ignore[arg-type]
    assert str(caught.value) == text


def test_the_rate_may_be_left_to_the_recipe() -> None:
    assert Options().learning_rate is None
    assert Options(learning_rate=1e-9).learning_rate == 1e-9
