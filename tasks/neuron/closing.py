"""A closing full-batch epoch, for what mini-batches and float32 cannot reach.

One step of gradient descent on all rows, in whitened units at the rate ½, with residuals in float64: as the whitened
Hessian is 2·I, it is Newton's step, and lands on least squares but for rounding, wherever it starts. A single
influential row, rare flags, one epoch, or noise of 1e-6 of the target leave the mini-batches short of D ≤ 0.01; there,
and only there, it is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from tasks.neuron.factor import Factor
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, Part
from tasks.neuron.workers import Runner, spread

BLOCK = 8192  # rows that are whitened at a time


def full_batch_step(
    parts: Sequence[Part], factor: Factor, weights: Array, bias: float, across: Runner = spread
) -> tuple[Array, float]:
    """Return weights (d,) and bias after a Newton step on all rows.

    With Q = (x − centre)·inverse and residuals e, the weights move by inverse·Qᵀe, the prediction at the centre by the
    mean of e.

    Args:
        parts: All rows.
        factor: Of their features.
        weights: (d,) in raw units, 0 for columns that the factor drops.
        bias: In target units.
        across: Runs a function over the parts.
    """
    middle = bias + float(factor.centre @ weights) if factor.has_bias else 0.0
    gradient, total = np.zeros(factor.rank), 0.0
    for sums in across(partial(_sums, factor, weights, middle), parts):
        for some, errors in sums:
            gradient, total = gradient + some, total + errors

    moved = weights + factor.inverse @ gradient
    if not factor.has_bias:
        return moved, 0.0
    return moved, middle + total / factor.rows - float(factor.centre @ moved)


def _sums(factor: Factor, weights: Array, middle: float, part: Part) -> list[tuple[Array, float]]:
    """Return Qᵀe (r,) and Σe of each batch of a part: added up in the order of all batches, however these are dealt."""

    def summed(batch: Batch) -> tuple[Array, float]:
        gradient, total = np.zeros(factor.rank), 0.0
        for start in range(0, batch.rows, BLOCK):
            some = batch.cut(start, start + BLOCK)
            centred = some.matrix - factor.centre
            errors = some.target - middle - centred @ weights
            gradient += (centred @ factor.inverse).T @ errors
            total += float(errors.sum())
        return gradient, total

    return list(spread(summed, part.batches()))
