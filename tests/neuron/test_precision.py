"""How many slices rows are cut into: as many as the condition of their columns asks for, and no more."""

import numpy as np
import pytest

from tasks.neuron.moments import MOST_SLICES, Moments, column_moments
from tasks.neuron.precision import slices_needed


def plain_moments(x: np.ndarray) -> Moments:
    """Return moments in plain float64, with a target."""
    return column_moments([*x.T, np.arange(float(len(x)))], slices=1)


def pair_at(distance: float) -> np.ndarray:
    """Return two columns that differ by so much of their own size; κ is about 2 / distance."""
    x = np.random.default_rng(0).normal(size=(1000, 2))
    return np.column_stack([x[:, 0], x[:, 0] + distance * x[:, 1]])


@pytest.mark.parametrize(("distance", "slices"), [(1.0, 1), (1e-2, 2), (1e-3, 2), (1e-5, 3), (1e-7, 4)])
def test_slices_grow_with_the_condition(distance: float, slices: int) -> None:
    """2 log₂ κ + 46 ≤ 53 + 20·(slices − 1)."""
    x = pair_at(distance)
    scaled = (x - x.mean(axis=0)) / x.std(axis=0)
    condition = np.linalg.cond(scaled)
    assert slices_needed(plain_moments(x)) == slices
    assert 2 * np.log2(condition) + 46 <= 53 + 20 * (slices - 1)
    assert slices == 1 or 2 * np.log2(condition) + 46 > 53 + 20 * (slices - 2)


def test_sizes_and_offsets_ask_for_nothing() -> None:
    """Columns are scaled and centred first."""
    x = np.random.default_rng(1).normal(size=(500, 2)) * [1e-6, 1e9] + [0.0, 5e9]
    assert slices_needed(plain_moments(x)) == 1


def test_where_rounding_hides_the_condition_the_most_are_needed() -> None:
    x = np.random.default_rng(2).normal(size=(500, 1))
    assert slices_needed(plain_moments(np.hstack([x, x]))) == MOST_SLICES


def test_constant_columns_do_not_count() -> None:
    assert slices_needed(plain_moments(np.full((50, 2), 3.0))) == 1
    x = np.column_stack([np.random.default_rng(3).normal(size=50), np.full(50, 3.0)])
    assert slices_needed(plain_moments(x)) == 1
