"""The first screen answers what happened and what to compare it with."""

from tests.page.examples import before, result_of
from tests.page.reading import row, tables, text_of


def test_the_first_screen_says_what_happened() -> None:
    """Verdict, RMSE, against the mean and the run before, R², stages: in this order."""
    text = text_of(result_of())
    first = text[: text.index("## ")]
    assert first.startswith("# Linear regression of y\n\n**Verdict.** largest distance")
    assert [cells[:2] for cells in tables(first)[0][2:]] == [
        ["RMSE, test", "**0.5812**"],
        ["versus the mean", "**36.6 ×**"],
        ["since the previous run", "**–**"],
        ["R², test", "**0.9988**"],
        ["stages", "**1 cached, 1 ran**"],
    ]
    assert row(first, "RMSE, test")[2] == "200 rows; train: 0.5739 on 800 rows"
    assert row(first, "versus the mean")[2] == "smaller than the 21.3 of predicting the training mean"


def test_the_error_is_compared_with_the_previous_run() -> None:
    """By the difference of the RMSE and its share of what it was."""
    now = result_of()
    worse = before(now, 0.6)
    assert row(text_of(result_of(), past=[worse]), "since the previous run")[1:] == [
        "**-0.0188 (-3.1 %)**",
        "from 0.6 in the run of 2026-11-22 00:00",
    ]
    assert row(text_of(result_of(), past=[now]), "since the previous run")[1] == "**the same**"


def test_without_a_test_part_the_report_says_so() -> None:
    """No row of the tables is about a test that was not held."""
    text = text_of(result_of(held_out=False))
    assert "No rows were held out" in text
    assert row(text, "RMSE, train")[1] == "**0.5739**"
    assert not [cells for block in tables(text) for cells in block if cells[0].endswith("test")]
