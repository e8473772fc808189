"""Dealing rows: exact sizes, disjoint, complete, seeded; and remedies that hold when they are followed."""

import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tasks.table.errors import BadTable
from tasks.table.partition import held_out, partition

ROWS = st.integers(1, 500)
FRACTIONS = st.floats(0, 1, exclude_max=True)


@given(ROWS, FRACTIONS, st.integers(0, 2**63 - 1))
def test_parts_are_disjoint_complete_ordered_and_of_exact_size(rows: int, fraction: float, seed: int) -> None:
    """Every row is in exactly one part, and the test part has round(fraction * rows) of them."""
    tests = round(fraction * rows)
    assume(tests < rows and (tests > 0 or fraction == 0))
    train, test = partition(rows, fraction, seed)
    assert train.dtype == test.dtype == np.int64
    assert len(test) == tests
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(rows))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(test) > 0)


def test_same_seed_deals_the_same_rows_and_another_seed_others() -> None:
    """The seed alone decides."""
    first, again, other = (partition(1000, 0.2, seed)[1] for seed in (7, 7, 8))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_row_is_equally_likely_to_be_held_out() -> None:
    """Over 2,000 seeds each of 10 rows is in a test part of 3 about 600 times (sd 20)."""
    counts = np.bincount(np.concatenate([partition(10, 0.3, seed)[1] for seed in range(2000)]), minlength=10)
    assert np.all(np.abs(counts - 600) < 100)


def test_fraction_zero_trains_on_all_rows() -> None:
    """No test part is asked for, so none is missed."""
    train, test = partition(5, 0.0, seed=0)
    assert train.tolist() == [0, 1, 2, 3, 4]
    assert test.tolist() == []


@pytest.mark.parametrize(
    ("rows", "fraction", "parameters", "text"),
    [
        (
            20,
            0.01,
            3,
            (
                "`test_fraction` of 0.01 leaves no test rows out of 20; "
                "raise it to 0.05, set it to 0, or use at least 51 rows"
            ),
        ),
        (
            1,
            0.2,
            1,
            "`test_fraction` of 0.2 leaves no test rows out of 1; set it to 0, or use at least 3 rows",
        ),
        (
            20,
            0.9,
            3,
            (
                "`test_fraction` of 0.9 leaves 2 training rows out of 20 for 3 parameters; "
                "lower it to 0.85 or use more rows"
            ),
        ),
        (
            3,
            0.4,
            3,
            (
                "`test_fraction` of 0.4 leaves 2 training rows out of 3 for 3 parameters; "
                "set it to 0 or use more rows"
            ),
        ),
        (2, 0.2, 3, "2 rows cannot determine 3 parameters; add rows"),
        (0, 0.2, 1, "0 rows cannot determine 1 parameter; add rows"),
        (10, 1.0, 1, "`test_fraction` of 1 is not between 0 and 1; 0.2 holds out every fifth row"),
        (10, float("nan"), 1, "`test_fraction` of nan is not between 0 and 1; 0.2 holds out every fifth row"),
    ],
)
def test_a_fraction_that_cannot_be_had_says_what_can(
    rows: int, fraction: float, parameters: int, text: str
) -> None:
    """The message names the value, what it leaves, and the remedy."""
    with pytest.raises(BadTable, match=f"^{re.escape(text)}$"):
        partition(rows, fraction, 0, parameters=parameters)


@given(st.integers(1, 300), st.floats(1e-4, 0.9999), st.integers(1, 20))
def test_following_the_remedy_works(rows: int, fraction: float, parameters: int) -> None:
    """Every fraction and number of rows that a message proposes is accepted."""
    try:
        partition(rows, fraction, 0, parameters=parameters)
    except BadTable as error:
        for proposed in re.findall(r"(?:raise|lower) it to ([\d.e-]+)", str(error)):
            partition(rows, float(proposed), 0, parameters=parameters)
        if "set it to 0" in str(error):
            partition(rows, 0.0, 0, parameters=parameters)
        for enough in re.findall(r"at least ([\d,]+) rows", str(error)):
            assert len(partition(int(enough.replace(",", "")), fraction, 0)[1]) >= 1


@given(st.integers(1, 300), st.data())
def test_rows_that_come_in_batches_hold_exactly_the_tests_asked_for(rows: int, data: st.DataObject) -> None:
    """However they are cut."""
    tests = left = data.draw(st.integers(0, rows))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    left, found = rows, 0
    while left:
        size = data.draw(st.integers(1, left))
        mask = held_out(size, left, tests - found, rng)
        assert mask.shape == (size,)
        left, found = left - size, found + int(mask.sum())
    assert found == tests


def test_every_row_of_every_batch_is_equally_likely_to_be_held_out() -> None:
    """Over 2,000 seeds each of 10 rows in batches of 4 and 6 is among 3 test rows about 600 times (sd 20)."""
    counts = np.zeros(10)
    for seed in range(2000):
        rng = np.random.default_rng(seed)
        first = held_out(4, 10, 3, rng)
        counts += np.concatenate([first, held_out(6, 6, 3 - int(first.sum()), rng)])
    assert np.all(np.abs(counts - 600) < 100)


def test_more_rows_than_can_be_drawn_exactly_still_add_up() -> None:
    """Above 10⁹ rows a batch's share is binomial, within what the remaining rows allow."""
    mask = held_out(1000, 2 * 10**9, 4 * 10**8, np.random.default_rng(0))
    assert 140 < mask.sum() < 260
    assert held_out(1000, 10**9 + 5, 10**9 + 5, np.random.default_rng(0)).all()
