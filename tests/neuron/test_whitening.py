"""Whitening: unit variance, no correlation, and no more directions than the rows have."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.neuron.moments import moments
from tasks.neuron.whitening import Whitening, whitening
from tests.neuron.examples import random_problem


def rows_of(white: Whitening, x: np.ndarray) -> np.ndarray:
    """Return the whitened rows (n, r)."""
    rows: np.ndarray = (x - white.centre) @ white.matrix
    return rows


@pytest.mark.parametrize("bias", [True, False])
def test_whitened_rows_are_white(bias: bool) -> None:
    """Second moments are the identity, about the mean or, without bias, about zero; the target's is 1."""
    x, y = random_problem(1, 500, 4)
    white = whitening(moments(np.column_stack([x, y])), bias=bias)
    z, t = rows_of(white, x), (y - white.target_mean) / white.target_scale
    np.testing.assert_allclose(z.T @ z / 500, np.eye(4), atol=1e-9)
    assert np.mean(t**2) == pytest.approx(1)
    if bias:
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-10)
        assert t.mean() == pytest.approx(0, abs=1e-12)
    else:
        assert not white.centre.any()
        assert white.target_mean == 0


def test_null_directions_are_dropped() -> None:
    """Constant columns, copies and sums take no whitened input; badly scaled columns keep theirs."""
    x, y = random_problem(3, 100, 2)
    wide = np.column_stack([x[:, 0] * 1e-9, np.full(100, 0.1), x[:, 1] * 1e9, x[:, 0] * 5, x.sum(axis=1)])
    white = whitening(moments(np.column_stack([wide, y])))
    assert white.matrix.shape == (5, 2)
    assert np.isfinite(rows_of(white, wide)).all()


def test_a_constant_target_keeps_its_units() -> None:
    """Its scale is 1, not 0."""
    assert whitening(moments([[1.0, 5.0], [2.0, 5.0]])).target_scale == 1
