"""The terminal's summary is short, aligned and plain."""

from tasks.page.answers import answers
from tasks.page.summary import summary
from tasks.page.text import visible
from tests.page.examples import HOSTILE, result_of


def test_the_summary_is_a_few_aligned_lines() -> None:
    """Weights beside truth and least squares, errors, their baseline, the verdict, the report's path."""
    assert summary(result_of()).splitlines() == [
        "y         estimate  true  least squares",
        "x           2.0014     2        2.00141",
        "z          -2.9986    -3       -2.99859",
        "bias        5.0123     5         5.0124",
        "RMSE      train 0.5739 (800 rows), test 0.5812 (200 rows)",
        "baseline  train 21.3 (800 rows), test 21.3 (200 rows): RMSE of predicting the training mean",
        "fit       largest distance from least squares 0.0043 standard errors, D = 6e-6",
        "report    artifacts/runs/20261123T004051-39451abf/report.html",
    ]


def test_the_three_answers_are_lines() -> None:
    result = result_of(held_out=False)
    found = answers(result, None)
    lines = summary(result.model_copy(update={"answers": found})).splitlines()
    assert lines[-4:-1] == [
        f"usable?   {found.usable}",
        f"changed?  {found.changed}",
        f"to do     {found.advice[0]}",
    ]


def test_many_weights_are_cut_to_eight() -> None:
    """The report has the others; the bias stays."""
    lines = summary(result_of([f"f{i}" for i in range(200)], known=False)).splitlines()
    assert lines[0].split() == ["y", "estimate", "least", "squares"]
    assert [line.split()[0] for line in lines[1:11]] == [*(f"f{i}" for i in range(8)), "…", "bias"]
    assert "… and 192 more" in lines
    assert "… and" not in summary(result_of([f"f{i}" for i in range(8)]))


def test_the_rounding_error_is_told_from_the_models() -> None:
    """The tutorial's figure is there for its recipe only, under the genuine error."""
    lines = summary(result_of(held_out=False).model_copy(update={"rounding_rmse": 0.02887})).splitlines()
    assert lines[4:6] == [
        "RMSE      train 0.5739 (800 rows)",
        "          0.02887: rounding error of the targets (not a model error)",
    ]
    assert "rounding" not in summary(result_of())


def test_notes_are_few() -> None:
    """Three notes are shown, the others counted."""
    text = summary(result_of(notes=[f"column `{i}` was left out" for i in range(9)]))
    assert text.count("was left out") == 3
    assert "… and 6 more notes in the report" in text


def test_no_name_reaches_the_terminal_raw() -> None:
    """Escape sequences, line breaks and half surrogates are shown as code points; long names are cut."""
    text = summary(
        result_of([HOSTILE, "z"], target=HOSTILE, text=HOSTILE, notes=[HOSTILE], undetermined=True)
    )
    assert all(line == visible(line) for line in text.splitlines())
    assert len(text.splitlines()) == 9
    assert max(map(len, text.encode().decode().splitlines()[:4])) < 70
