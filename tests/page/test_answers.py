"""The first screen answers three questions, and is green only where nothing speaks against the fit."""

from typing import Any

import pytest

from tasks.outputs.result import Gain, ResidualPattern, Result
from tasks.page.answers import answers
from tests.page.examples import before, reference_fit, result_of

CHANCE = Gain(p=0.31, significant=False)


def with_test(result: Result, **changes: Any) -> Result:
    """Change the scores of the test rows."""
    assert result.metrics.test
    test = result.metrics.test.model_copy(update=changes)
    return result.model_copy(update={"metrics": result.metrics.model_copy(update={"test": test})})


def test_a_sound_fit_is_green_with_nothing_to_do() -> None:
    found = answers(result_of(), None)
    assert found.grade == "good"
    assert found.usable == (
        "Yes: the test RMSE of 0.5812 (95 %: 0.55 to 0.614) is below the 21.3 of predicting the mean, beyond chance."
    )
    assert found.advice == []


def test_noise_is_never_green() -> None:
    """A fit that does worse than the mean is red, however near to least squares it is; one within chance is amber."""
    worse = answers(with_test(result_of(), rmse=21.4, low=20.0, high=22.0), None)
    assert worse.grade == "bad"
    assert "is no better than the 21.3 of predicting the mean" in worse.usable
    assert worse.advice[0].startswith("Predict the mean instead")

    chance = answers(result_of().model_copy(update={"gain": CHANCE}), None)
    assert chance.grade == "doubtful"
    assert chance.usable.endswith("but that may be chance (p = 0.31).")


def test_two_test_rows_decide_nothing() -> None:
    found = answers(with_test(result_of(), rows=2), None)
    assert (found.grade, found.usable.partition(":")[0]) == ("doubtful", "In doubt")
    assert found.advice == ["The test has 2 rows: hold out or collect more before you judge by it."]


def test_an_error_that_is_hardly_known_is_said() -> None:
    found = answers(with_test(result_of(), low=0.3, high=0.9), None)
    assert found.advice == ["The test RMSE is known to a factor of 3 only: hold out or collect more rows."]


def test_without_a_test_part_nothing_is_green() -> None:
    found = answers(result_of(held_out=False), None)
    assert found.grade == "doubtful"
    assert "no rows were held out" in found.usable
    assert "`test_fraction`" in found.advice[0]


def test_a_training_that_has_not_settled_is_amber() -> None:
    verdict = result_of().verdict.model_copy(update={"converged": False, "text": "use the default preset"})
    found = answers(result_of().model_copy(update={"verdict": verdict}), None)
    assert found.grade == "doubtful"
    assert found.advice == ["The training is not at least squares: use the default preset."]


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (ResidualPattern(name="fan", correlation=0.4), "The residuals grow with the prediction (a fan)"),
        (ResidualPattern(name="fan", correlation=-0.4), "The residuals shrink with the prediction"),
        (ResidualPattern(name="curve", correlation=0.4), "The residuals curve"),
    ],
)
def test_patterns_in_the_residuals_are_said(pattern: ResidualPattern, words: str) -> None:
    found = answers(result_of().model_copy(update={"patterns": [pattern]}), None)
    assert found.advice[0].startswith(words)


def test_wide_error_bands_are_said_where_most_weights_have_them() -> None:
    wide = result_of().model_copy(update={"least_squares": reference_fit({"x": 2.0, "z": -3.0}, 5.0, 9.0)})
    assert answers(wide, None).advice == [
        "The error bands of 2 of 2 weights include zero: collect more rows, or leave out columns."
    ]


def test_a_result_of_an_earlier_release_is_in_doubt() -> None:
    """It says nothing of chance."""
    old = result_of().model_copy(update={"gain": None})
    assert answers(old, None).grade == "doubtful"


def test_what_changed_is_said_against_the_previous_run() -> None:
    now = result_of()
    assert answers(now, None).changed.startswith("It is the first run of its name")
    assert answers(now, before(now, 0.6)).changed == (
        "The RMSE went from 0.6 in the run of 2026-11-22 00:00 to 0.5812: -3.1 %, within chance (95 %: -10 to +4.7 %)."
    )
