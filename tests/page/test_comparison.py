"""Two runs are compared by the error that counts."""

import math

import pytest

from tasks.outputs.result import Result, RunFile, Stage
from tasks.page.comparison import change, compared, scored_rows, started
from tests.page.examples import before, result_of


def with_interval(result: Result, low: float | None, high: float | None) -> Result:
    """Say how far the test error is known."""
    assert result.metrics.test
    test = result.metrics.test.model_copy(update={"low": low, "high": high})
    return result.model_copy(update={"metrics": result.metrics.model_copy(update={"test": test})})


def test_a_change_has_its_sign_its_share_and_whether_it_is_chance() -> None:
    now = result_of()
    assert compared(before(now, 0.6), now) == "-3.1 %, within chance"
    sure, past = with_interval(now, 0.57, 0.59), with_interval(before(now, 0.7), 0.69, 0.71)
    assert compared(past, sure) == "-17 %, beyond chance"


def test_the_intervals_of_both_errors_count() -> None:
    """The logarithms' half widths add up as independent ones do: √(0.03² + 0.04²) = 0.05."""
    now = with_interval(result_of(), math.exp(-0.03), math.exp(0.03))
    past = with_interval(before(now), math.exp(-0.04), math.exp(0.04))
    found = change(before(past, now.rmse * 2), now)
    assert found
    assert (
        found.chance
        == f"beyond chance (95 %: {50 * math.exp(-0.05) - 100:+.2g} to {50 * math.exp(0.05) - 100:+.2g} %)"
    )


def test_without_an_interval_nothing_is_said_of_chance() -> None:
    now = with_interval(result_of(), None, None)
    assert compared(before(now, 0.6), now) == "-3.1 %"


def test_an_error_of_zero_has_no_share() -> None:
    now = result_of()
    assert compared(before(now, 0.0), now) == "+0.581"
    assert compared(now, before(now, 0.0)) == "-0.581"
    assert compared(before(now, 0.0), before(now, 0.0)) == "the same"


def test_an_error_that_did_not_change_is_the_same() -> None:
    """Not '+0': the last bits differ between machines."""
    now = result_of()
    assert compared(before(now, now.rmse * (1 + 1e-9)), now) == "the same"


def test_a_runs_start_is_in_its_name() -> None:
    assert started(result_of()) == "2026-11-23 00:40"


def test_without_a_test_part_the_training_rows_count() -> None:
    assert scored_rows(result_of()) == "test rows"
    assert scored_rows(result_of(held_out=False)) == "training rows"


@pytest.mark.parametrize("held_out", [True, False])
def test_on_whose_rows_the_errors_are_is_said(held_out: bool) -> None:
    """By the files that `split` left; of a run that does not list them nothing is claimed."""
    now = result_of(held_out=held_out)
    part = "test" if held_out else "train"
    past = dealt(before(now, 0.6) if held_out else now, **{part: "aa"})
    same, other = (dealt(now, **{"test": "ab", "train": "ab", part: digest}) for digest in ("aa", "bb"))
    rows = "test rows" if held_out else "training rows"
    assert sentence(past, same).endswith(f", on the same {rows}")
    assert sentence(past, other).endswith(f", each on its own {rows}")
    assert rows not in sentence(past, now)


def sentence(past: Result, now: Result) -> str:
    found = change(past, now)
    assert found
    return found.sentence


def dealt(result: Result, **digests: str) -> Result:
    """Have a run list the files of its parts, with these digests."""
    files = [
        RunFile(path=f"split/0123/{part}-00000.parquet", sha256=digest, bytes=1)
        for part, digest in digests.items()
    ]
    split = Stage(state="ran", reason="", seconds=1, files=files)
    return result.model_copy(update={"stages": {"split": split}})
