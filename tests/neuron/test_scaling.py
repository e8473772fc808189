"""The units of the training: into them and back, at the precision that float32 allows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.moments import moments
from tasks.neuron.scaling import Coordinates, raw, standardised, whitened
from tasks.neuron.whitening import Whitening, whitening
from tests.neuron.examples import random_problem


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("units", [whitened, lambda white: standardised(white, [False] * 4)])
def test_what_is_transformed_back_predicts_the_same(
    units: Callable[[Whitening], Coordinates], bias: bool
) -> None:
    """Raw weights predict in target units what the weights of the training predict in theirs."""
    x, y = random_problem(2, 50, 3)
    at = units(whitening(moments(np.column_stack([x, y])), bias=bias))
    written = np.empty((4, 50), np.float32)
    at.write([*x.T, y], written)
    w, b = np.array([0.3, -0.7, 1.1]), 0.25 if bias else 0.0
    raw, offset = at.inverse_transform(w, b)
    expected = at.target_mean + at.target_scale * (written[:3].T @ w + b)
    np.testing.assert_allclose(x @ raw + offset, expected, rtol=1e-5)
    np.testing.assert_allclose(at.target_mean + at.target_scale * written[3], y, rtol=1e-5)
    assert bias or offset == 0


def test_raw_units_change_nothing() -> None:
    """Weights and bias come back as they were, and columns are written as they are."""
    x, y = random_problem(4, 20, 2)
    units, written = raw(2), np.empty((3, 20), np.float32)
    units.write([*x.T, y], written)
    np.testing.assert_array_equal(written, np.vstack([x.T, y]).astype(np.float32))
    weights, bias = units.inverse_transform(np.array([2.0, -3.0]), 5.0)
    assert (weights.tolist(), bias) == ([2.0, -3.0], 5.0)


@given(st.integers(-30, 30))
def test_columns_of_any_size_fit_into_float32(exponent: int) -> None:
    """They are whitened, or multiplied by a power of two, which rounds nothing."""
    x, y = random_problem(5, 50, 1)
    x = x * 10.0**exponent
    units = standardised(whitening(moments(np.column_stack([x, y]))), [False, False])
    if units.factors is not None:
        assert np.frexp(units.factors)[0].tolist() == [0.5]
    written = np.empty((2, 50), np.float32)
    units.write([*x.T, y], written)
    assert 2**-21 < written[0].std() < 2**21


def test_float32_columns_are_centred_at_a_float32_number() -> None:
    """Rows far from zero, stored as float32, lose no more by centring than by having been stored."""
    x = (1e6 + np.arange(64.0)).astype(np.float32)
    white = whitening(moments(np.column_stack([x, x]).astype(np.float64)))
    units = standardised(white, [True, True])
    assert units.centre[0] == np.float32(units.centre[0])
    written = np.empty((2, 64), np.float32)
    units.write([x, x], written)
    np.testing.assert_array_equal(np.diff(written[0]), 1)


def test_the_reach_is_the_longest_whitened_row() -> None:
    x, y = random_problem(6, 300, 3)
    white = whitening(moments(np.column_stack([x, y])))
    expected = (((x - white.centre) @ white.matrix) ** 2).sum(axis=1).max()
    for units in (whitened(white), standardised(white, [False] * 4)):
        written = np.empty((4, 300), np.float32)
        units.write([*x.T, y], written)
        assert units.reach(written) == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_no_row_reaches_further_than_the_ranges_say(seed: int) -> None:
    """The bound holds, and with one column it is met."""
    for features in (1, 4):
        x, y = random_problem(seed, 300, features)
        white = whitening(moments(np.column_stack([x, y])))
        longest = (((x - white.centre) @ white.matrix) ** 2).sum(axis=1).max()
        for units in (whitened(white), standardised(white, [False] * (features + 1))):
            bound = units.reach_within(x.min(axis=0), x.max(axis=0))
            assert bound >= longest * (1 - 1e-12)
            assert features > 1 or bound == pytest.approx(longest, rel=1e-6)
