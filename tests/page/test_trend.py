"""The trend compares runs of one kind: a picture, a table of the newest, and what changed in the settings."""

from tasks.page.blocks import Heading, Paragraph, Picture, TableBlock
from tasks.page.trend import trend
from tests.page.examples import before, result_of

PICTURE = Picture("trend.svg", "RMSE", "A line.")


def test_the_first_run_has_nothing_to_compare_with() -> None:
    heading, paragraph = trend([], result_of(), [])
    assert isinstance(heading, Heading)
    assert isinstance(paragraph, Paragraph)
    assert "nothing to compare with" in str(paragraph.text)


def test_the_section_has_the_picture_the_newest_runs_and_the_changed_settings() -> None:
    """Five runs of ten; a worse error after a change of a setting is no alarm."""
    now = result_of()
    other = before(now, 0.7).model_copy(update={"settings": {**now.settings, "repeats": 7}})
    _, picture, table, settings = trend([before(now)] * 8 + [other], now, [PICTURE])
    assert picture is PICTURE
    assert isinstance(table, TableBlock)
    assert [row[1:] for row in table.rows[:3]] == [
        ["1,000", "0.5812", "-17 %, beyond chance", "yes"],
        ["1,000", "0.7", "+20 %, beyond chance", "yes"],
        ["1,000", "0.5812", "the same", "yes"],
    ]
    assert len(table.rows) == 5
    assert settings == Paragraph("Settings changed since the previous run: repeats 7 → 1.")


def test_equal_settings_are_said_to_be_equal() -> None:
    *_, settings = trend([before(result_of())], result_of(), [])
    assert settings == Paragraph("Settings changed since the previous run: none.")


def test_failed_runs_are_named_before_a_first_run_too() -> None:
    *_, first = trend([], result_of(), [PICTURE], ["20261122T120000-00000001, OSError: disk full"])
    assert first == Paragraph("Failed before it: 20261122T120000-00000001, OSError: disk full.")
    *_, later = trend([before(result_of())], result_of(), [PICTURE], ["x, y"])
    assert later == Paragraph("Failed since the previous run: x, y.")
