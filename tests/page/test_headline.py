"""The first screen answers what happened and what to compare it with."""

from tasks.outputs.result import ResidualPattern
from tests.page.examples import before, result_of
from tests.page.reading import row, tables, text_of


def test_the_first_screen_answers_and_shows_what_happened() -> None:
    """The answers, then RMSE, versus the mean and the previous run, R², least squares: in this order."""
    text = text_of(result_of())
    first = text[: text.index("## ")]
    assert first.startswith("# Linear regression of y\n\n**Can I use it?** Yes: ")
    assert "\n\n**What changed?** It is the first run" in first
    assert "\n\n**What to do?** Nothing" in first
    assert [cells[:2] for cells in tables(first)[0][2:]] == [
        ["RMSE, test", "**0.5812**"],
        ["versus the mean", "**36.6 ×**"],
        ["since the previous run", "**–**"],
        ["R², test", "**0.9988**"],
        ["least squares", "**indistinguishable**"],
    ]
    assert row(first, "RMSE, test")[2] == "200 rows (95 %: 0.55 to 0.614); train: 0.5739"
    assert row(first, "versus the mean")[2] == "smaller than the 21.3 of predicting the training mean"


def test_several_things_to_do_are_points() -> None:
    patterns = [ResidualPattern(name="fan", correlation=0.4), ResidualPattern(name="curve", correlation=0.4)]
    text = text_of(result_of().model_copy(update={"patterns": patterns}))
    assert "**What to do?** 2 points:\n\n- The residuals grow" in text


def test_the_error_is_compared_with_the_previous_run() -> None:
    """By the share of what it was, and whether that is chance."""
    now = result_of()
    worse = before(now, 0.6)
    assert row(text_of(result_of(), past=[worse]), "since the previous run")[1:] == [
        "**-3.1 %**",
        "within chance (95 %: -10 to +4.7 %); from 0.6 in the run of 2026-11-22 00:00",
    ]
    assert row(text_of(result_of(), past=[now]), "since the previous run")[1] == "**the same**"


def test_without_a_test_part_the_report_says_so() -> None:
    """No row of the tables is about a test that was not held."""
    text = text_of(result_of(held_out=False))
    assert "no rows were held out" in text
    assert row(text, "RMSE, train")[1] == "**0.5739**"
    assert not [cells for block in tables(text) for cells in block if cells[0].endswith("test")]
