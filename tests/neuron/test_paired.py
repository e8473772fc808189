"""Two models on the same rows: the interval of their difference covers the truth, and knows when it knows nothing."""

import math

import numpy as np
import pytest
from scipy import stats

from tasks.neuron.paired import (
    FEW,
    ErrorGain,
    PairedErrors,
    _students_quantile,
    error_gain,
    paired_rows,
    paired_units,
)


def compared(noise: np.ndarray, first: np.ndarray, second: np.ndarray, level: float = 0.95) -> ErrorGain:
    return error_gain(paired_rows(noise, first, second), level)


def test_many_rows_have_the_interval_of_the_paired_differences() -> None:
    """As SciPy's normal interval of the mean, on the scale of the RMSE."""
    rng = np.random.default_rng(0)
    noise, first, second = rng.normal(size=(3, 500))
    found = compared(noise, first, second)
    difference = (noise - first) ** 2 - (noise - second) ** 2
    scale = found.first + found.second
    low, high = stats.norm.interval(0.95, difference.mean(), stats.sem(difference))
    assert found.gain == pytest.approx(difference.mean() / scale)
    assert (found.low, found.high) == pytest.approx((low / scale, high / scale))
    assert found.method == "normal"


def test_parts_merge_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(3, 90))
    whole = paired_rows(*rows)
    for cut in (1, 40, 89):
        merged = paired_rows(*rows[:, :cut]) + paired_rows(*rows[:, cut:])
        assert error_gain(merged, 0.99).low == pytest.approx(error_gain(whole, 0.99).low)
    assert error_gain(PairedErrors() + whole, 0.99) == error_gain(whole, 0.99)


@pytest.mark.parametrize("units", [12, pytest.param(40, marks=pytest.mark.slow), 150])
def test_the_interval_covers_a_difference_of_nothing(units: int) -> None:
    """Over 400 draws of skewed differences whose mean is zero, 95 % intervals miss it in 10 % at most."""
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(400):
        a, b = rng.exponential(size=(2, units))
        found = error_gain(paired_rows(np.zeros(units), np.sqrt(a), np.sqrt(b)), 0.95)
        missed += not found.low <= 0 <= found.high
    assert missed <= 40


def test_rows_of_a_group_count_as_one_unit() -> None:
    """A hundred copies of eight rows know no more than the eight; as units of their own they would claim to."""
    rng = np.random.default_rng(3)
    noise, first, second = rng.normal(size=(3, 8))
    difference = (noise - first) ** 2 - (noise - second) ** 2
    one = error_gain(paired_rows(noise, first, second), 0.95)
    totals = ((noise - first) ** 2).sum() * 100, ((noise - second) ** 2).sum() * 100
    grouped = error_gain(paired_units(difference * 100, np.full(8, 100), *totals, 0), 0.95)
    assert (grouped.low, grouped.high) == pytest.approx((one.low, one.high))
    alone = compared(np.tile(noise, 100), np.tile(first, 100), np.tile(second, 100))
    assert alone.high - alone.low < (one.high - one.low) / 2


def test_the_same_rows_give_the_same_interval() -> None:
    noise, first, second = np.random.default_rng(4).normal(size=(3, 20))
    assert compared(noise, first, second) == compared(noise, first, second)


def test_one_row_says_nothing_of_chance() -> None:
    found = compared(np.array([1.0]), np.array([2.0]), np.array([1.0]))
    assert (found.gain, found.low, found.high, found.method) == (1.0, -math.inf, math.inf, "none")


def test_two_rows_say_next_to_nothing() -> None:
    found = compared(np.zeros(2), np.array([2.0, 3.0]), np.ones(2))
    assert found.low == -math.inf


def test_rows_without_a_finite_error_are_counted_apart() -> None:
    """NaN and what leaves float64's range."""
    found = paired_rows(np.zeros(4), np.array([1.0, np.nan, 1e200, 2.0]), np.ones(4))
    assert (found.rows, found.unknown, found.units) == (2, 2, 2)
    with pytest.raises(ValueError, match="no row has a finite error"):
        error_gain(paired_rows(np.zeros(1), np.array([np.inf]), np.ones(1)), 0.9)


def test_equal_models_do_not_differ() -> None:
    for rows in (5, FEW + 1):
        same = np.random.default_rng(5).normal(size=rows)
        found = compared(np.zeros(rows), same, same)
        assert (found.gain, found.low, found.high) == (0.0, 0.0, 0.0)


def test_a_row_of_weight_three_is_a_unit_of_three_rows() -> None:
    """The same RMSE and, of few units, the same interval; whatever the weights' unit is."""
    rng = np.random.default_rng(6)
    noise, first, second = rng.normal(size=(3, 30))
    weights = rng.integers(1, 5, 30).astype(float)
    errors = weights * (noise - first) ** 2, weights * (noise - second) ** 2
    grouped = error_gain(
        paired_units(errors[0] - errors[1], weights, errors[0].sum(), errors[1].sum(), 0), 0.95
    )
    paired = paired_rows(noise, first, second, weights)
    assert (paired.rows, paired.units) == (30, 30)
    assert error_gain(paired, 0.95) == grouped
    scaled = error_gain(paired_rows(noise, first, second, 1e-3 * weights), 0.95)
    assert (scaled.gain, scaled.low, scaled.high) == pytest.approx((grouped.gain, grouped.low, grouped.high))


def test_weighted_parts_merge_to_the_whole() -> None:
    rng = np.random.default_rng(7)
    target, first, second = rng.normal(size=(3, 300))
    weights = rng.exponential(size=300)
    whole = error_gain(paired_rows(target, first, second, weights), 0.99)
    parts = [slice(40), slice(40, None)]
    one, other = (paired_rows(target[some], first[some], second[some], weights[some]) for some in parts)
    merged = error_gain(one + other, 0.99)
    assert (merged.low, merged.first) == pytest.approx((whole.low, whole.first))


def test_equal_weights_change_nothing() -> None:
    """To the last bit, where they are 1 and many."""
    target, first, second = np.random.default_rng(8).normal(size=(3, 400))
    weighted = paired_rows(target, first, second, np.ones(400))
    assert error_gain(weighted, 0.95) == error_gain(paired_rows(target, first, second), 0.95)


@pytest.mark.parametrize("life", [2.0, 8.0, 60.0])
def test_the_interval_of_a_few_heavy_rows_covers_a_difference_of_nothing(life: float) -> None:
    """Of 300 rows the last ones count most: 95 % intervals miss zero in some 5 % of 1,000 draws, in 7 % at most."""
    rng, missed = np.random.default_rng(9), 0
    weights = 0.5 ** (np.arange(300)[::-1] / life)
    for _ in range(1000):
        first, second = rng.normal(size=(2, 300))
        found = error_gain(paired_rows(np.zeros(300), first, second, weights), 0.95)
        missed += not found.low <= 0 <= found.high
    assert missed <= 70


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 57, 98])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
def test_students_quantile_is_scipys(degrees: int, level: float) -> None:
    exact = stats.t.ppf(1 - (1 - level) / 2, degrees)
    assert _students_quantile(level, degrees) == pytest.approx(exact, rel=1e-9)
