"""The weights as a picture: in standard deviations, the most certain first."""

import pytest

from tasks.page.coefficients import coefficients
from tasks.page.figures.effects import MOST_DRAWN, PLOT, effects
from tests.page.examples import HOSTILE, plot_data, result_of
from tests.page.figures.pictures import pixels


def test_effects_are_in_standard_deviations() -> None:
    """Weight × the feature's deviation / the target's; the interval and the truth on the same scale."""
    result = result_of()
    wide = [column.model_copy(update={"sd": 11.54}) for column in result.profile[:-1]]
    first, second = effects(coefficients(result), [*wide, result.profile[-1]])
    assert (first.name, second.name) == ("z", "x")
    assert first.estimate == pytest.approx(-2.9986 * 2)
    assert first.true == pytest.approx(-6)
    assert first.high - first.low == pytest.approx(2 * 2 * 1.96295 * 0.0035, rel=1e-4)


def test_many_weights_are_cut_to_the_most_certain() -> None:
    """Twenty of two hundred are drawn, and both captions say so; eight are in the alternative text."""
    drawing = PLOT.draw(plot_data(result_of([f"f{i}" for i in range(200)])))
    assert drawing
    assert f"the {MOST_DRAWN} of 200 weights with the largest |t|" in drawing.caption
    assert "f199 " in drawing.alt
    assert "and 12 more, as in the table" in drawing.alt
    assert pixels(drawing.image).shape[0] < 1000
    assert len(drawing.image) < 40_000


def test_weights_without_an_interval_are_not_drawn() -> None:
    """Nothing is known about them; a constant feature has no effect to scale."""
    assert PLOT.draw(plot_data(result_of(undetermined=True))) is None
    result = result_of()
    constant = [result.profile[0].model_copy(update={"sd": 0.0}), *result.profile[1:]]
    assert [effect.name for effect in effects(coefficients(result), constant)] == ["z"]


def test_any_name_is_drawn() -> None:
    drawing = PLOT.draw(plot_data(result_of([HOSTILE, "$x_{"], target=HOSTILE)))
    assert drawing
    assert pixels(drawing.image).size
