"""Tables whose numbers are hard: what a run says of them, from the file to the result."""

from typing import Any

import pytest

from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs.result import Result
from tasks.table.errors import BadTable
from tests.paths import ROOT

pytestmark = pytest.mark.usefixtures("prefect_server")

NUMBERS = ROOT / "tests" / "data" / "numbers"


def fitted(settings: Settings, name: str, target: str, **training: Any) -> Result:
    """Fit a table of tests/data/numbers, holding no row out."""
    changes = {
        "input": {"data": str(NUMBERS / f"{name}.csv"), "target": target},
        "split": {"test_fraction": 0},
        "training": training,
    }
    return regression(Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes)))


def test_dependent_columns_are_one_solution_and_named_together(settings: Settings) -> None:
    """A column that is the sum of two: its weight is 0 in fit and reference, and the note names all three."""
    result = fitted(settings, "houses", "price")
    columns = ["first_floor", "second_floor", "living_area"]
    assert result.least_squares.undetermined == [columns]
    assert result.model.weights["living_area"] == result.least_squares.weights["living_area"] == 0
    assert any(all(repr(name) in note for name in columns) for note in result.notes)
    assert result.verdict.converged
    assert result.verdict.z is not None
    for name in ("first_floor", "second_floor", "quality"):
        error = result.least_squares.standard_errors[name]
        assert error is not None
        gap = abs(result.model.weights[name] - result.least_squares.weights[name]) / error
        assert gap <= result.verdict.z * (1 + 1e-9)


def test_r2_without_a_bias_is_the_certified_one(settings: Settings) -> None:
    """NIST's NoInt1, with the definition that it is by."""
    scores = fitted(settings, "no-intercept", "y", bias=False).metrics.train
    assert scores.r2 == pytest.approx(0.999365492298663, abs=1e-12)
    assert scores.r2_about == "zero"


def test_nearly_a_copy_is_told_apart_or_excluded_and_never_trained_longer(settings: Settings) -> None:
    """The verdict holds for both columns together; the advice is to exclude one."""
    result = fitted(settings, "nearly-a-copy", "y")
    assert result.verdict.converged
    assert "epochs" not in result.verdict.text
    assert any(
        "'c' nearly depends on the others" in note and "`exclude` one" in note for note in result.notes
    )
    assert result.metrics.train.rmse < 0.31423


def test_the_closing_epoch_is_reported(settings: Settings) -> None:
    """One epoch is too few for this table by mini-batches alone: D before and after are said."""
    verdict = fitted(settings, "houses", "price", epochs=1, batch_size=8).verdict
    assert verdict.D is not None
    assert verdict.D_before is not None
    assert verdict.D < 1e-6
    assert verdict.D_before > 0.01
    assert "a closing full-batch epoch (a Newton step) took D from " in verdict.text


def test_a_target_too_large_to_square_is_refused_before_training(settings: Settings) -> None:
    """By name, with the remedy."""
    with pytest.raises(
        BadTable, match=r"^column 'y' has values of up to \S+e\+200, too large to square; give it in another"
    ):
        fitted(settings, "target-1e200", "y")
