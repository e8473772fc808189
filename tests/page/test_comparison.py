"""Two runs are compared by the error that counts."""

from tasks.page.comparison import compared, scored_rows, started
from tests.page.examples import before, result_of


def test_a_change_has_its_sign_and_its_share() -> None:
    now = result_of()
    assert compared(before(now, 0.6), now) == "-0.0188 (-3.1 %)"
    assert compared(now, before(now, 0.6)) == "+0.0188 (+3.2 %)"


def test_an_error_of_zero_has_no_share() -> None:
    now = result_of()
    assert compared(before(now, 0.0), now) == "+0.581"
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
