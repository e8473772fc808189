"""The closing full-batch step is Newton's: it lands on least squares, wherever it starts."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.neuron import closing
from tasks.neuron.closing import full_batch_step
from tasks.neuron.factor import factorised
from tasks.neuron.moments import Array, moments
from tasks.neuron.parts import Batch, MemoryPart
from tests.neuron.examples import doubled, random_problem, shifted


def step(x: Array, y: Array, weights: Array, bias: float, *, has_bias: bool = True) -> tuple[Array, float]:
    """Make one step on the rows, which come in three parts."""
    pairs = zip(np.array_split(x, 3), np.array_split(y, 3), strict=True)
    rows = [MemoryPart(Batch([*a.T], b)) for a, b in pairs]
    factor = factorised(moments(np.column_stack([x, y])), bias=has_bias)
    return full_batch_step(rows, factor, weights, bias)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("start", [0.0, 1.0, -1e3])
def test_one_step_lands_on_least_squares(monkeypatch: pytest.MonkeyPatch, bias: bool, start: float) -> None:
    """From anywhere, also where a part is cut into several blocks."""
    monkeypatch.setattr(closing, "BLOCK", 64)
    x, y = random_problem(1, 500, 3)
    weights, found = step(x, y, np.full(3, start), start if bias else 0.0, has_bias=bias)
    design = np.column_stack([x, np.ones(500)]) if bias else x
    expected = np.linalg.lstsq(design, y)[0]
    np.testing.assert_allclose(weights, expected[:3], rtol=1e-6)
    np.testing.assert_allclose(x @ weights + found, design @ expected, rtol=1e-6, atol=1e-6)
    assert bias or found == 0


def test_a_further_step_stays_there() -> None:
    """But for rounding, of columns far from zero too."""
    x, y = shifted(*random_problem(2, 400, 2))
    near = step(x, y, *step(x, y, np.zeros(2), 0.0))
    again = step(x, y, *near)
    np.testing.assert_allclose(again[0], near[0], rtol=1e-7)
    predictions = [x @ weights + bias for weights, bias in (near, again)]
    np.testing.assert_allclose(predictions[0], predictions[1], rtol=1e-6, atol=1e-6)


def test_dropped_columns_keep_their_zero() -> None:
    """Of two equal columns the second one is dropped, and the step lands on the same predictions."""
    x, y = doubled(*random_problem(3, 300, 2))
    weights, bias = step(x, y, np.zeros(4), 0.0)
    assert [*weights[[1, 3]]] == [0.0, 0.0]
    expected = np.linalg.lstsq(np.column_stack([x[:, ::2], np.ones(300)]), y)[0]
    np.testing.assert_allclose([*weights[::2], bias], expected, rtol=1e-7)
