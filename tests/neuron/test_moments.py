"""Moments equal NumPy's, keep their digits far from zero, and merge in any order."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.neuron.moments import Moments, merge, moments


def parts_of(seed: int, cuts: list[int], offset: float) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a table (n, 3) far from zero, and the same rows cut into parts."""
    table = np.random.default_rng(seed).normal(size=(200, 3)) * [1e-3, 1.0, 1e4] + offset
    return table, [part for part in np.split(table, sorted(set(cuts))) if len(part)]


def merged(parts: list[np.ndarray]) -> Moments:
    """Return the moments of all parts, merged from the left."""
    total = moments(parts[0])
    for part in parts[1:]:
        total = merge(total, moments(part))
    return total


def test_moments_equal_numpy() -> None:
    """Mean, covariance, scatter and Gram matrix are NumPy's, over several blocks and in float32 too."""
    table = np.random.default_rng(0).normal(3, 2, size=(20000, 4))
    m = moments(table)
    assert m.rows == 20000
    np.testing.assert_allclose(m.mean, table.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(m.covariance, np.cov(table.T, bias=True), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(m.scatter, m.covariance * 20000, rtol=1e-15)
    np.testing.assert_allclose(m.gram, table.T @ table, rtol=1e-13)
    single = table.astype(np.float32)
    np.testing.assert_allclose(moments(single).mean, single.astype(np.float64).mean(axis=0), rtol=1e-14)


def test_moments_keep_their_digits_far_from_zero() -> None:
    """A variance of 1 at an offset of 10⁹ keeps 12 digits, where the textbook formula has none."""
    noise = np.random.default_rng(1).integers(-3, 4, size=(5000, 1)).astype(np.float64)
    exact = float(noise.var())
    m = moments(noise + 1e9)
    assert m.covariance[0, 0] == pytest.approx(exact, rel=1e-12)
    halves = merge(moments(noise[:1] + 1e9), moments(noise[1:] + 1e9))
    assert halves.covariance[0, 0] == pytest.approx(exact, rel=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 10**6),
    st.lists(st.integers(1, 199), max_size=8),
    st.sampled_from([0.0, 1.0, -1e6]),
    st.randoms(),
)
def test_merge_does_not_depend_on_order_or_number_of_parts(
    seed: int, cuts: list[int], offset: float, shuffle: random.Random
) -> None:
    """Parts merged in any order agree with each other to the last bits, and with the whole to rounding."""
    table, parts = parts_of(seed, cuts, offset)
    forward = merged(parts)
    shuffle.shuffle(parts)
    backward = merged(parts)
    whole = moments(table)
    assert forward.rows == backward.rows == whole.rows == 200
    size = np.sqrt(np.outer(np.diag(whole.scatter), np.diag(whole.scatter)))
    np.testing.assert_array_max_ulp(forward.mean, backward.mean, 1)
    # The last bit of an entry that cancels is smaller than that of the variances: compare in their scale.
    np.testing.assert_allclose(forward.scatter / size, backward.scatter / size, rtol=0, atol=3e-16)
    np.testing.assert_allclose(forward.mean, whole.mean, rtol=1e-13, atol=1e-12)
    np.testing.assert_allclose(forward.scatter / size, whole.scatter / size, rtol=0, atol=1e-12)


def test_merge_is_exact_for_far_apart_parts() -> None:
    """Integers are summed without error, even in parts whose means are 10⁸ apart."""
    a, b = np.array([[1.0], [2.0]]), np.array([[1e8], [1e8 + 3]])
    m = merge(moments(a), moments(b))
    total = [1, 2, 10**8, 10**8 + 3]
    assert m.gram[0, 0] == float(sum(v * v for v in total))
    assert m.mean[0] == sum(total) / 4
    assert m.scatter[0, 0] == (4 * sum(v * v for v in total) - sum(total) ** 2) / 4


@pytest.mark.parametrize("table", [np.zeros(3), np.zeros((0, 2)), np.zeros((2, 0))])
def test_moments_refuse_what_is_not_a_table(table: np.ndarray) -> None:
    """The error names the field, the rule and the shape."""
    with pytest.raises(ValueError, match=r"`table` must be a table \(n, k\) with at least one row"):
        moments(table)


def test_moments_refuse_values_that_are_not_finite() -> None:
    """A NaN is not summed into everything silently."""
    with pytest.raises(ValueError, match="not finite"):
        moments([[1.0], [np.nan]])


def test_merge_refuses_other_columns() -> None:
    """Two tables of different width do not merge."""
    with pytest.raises(ValueError, match="moments of 1 and of 2 columns cannot be merged"):
        merge(moments([[1.0]]), moments([[1.0, 2.0]]))
