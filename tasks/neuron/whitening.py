"""Whitening: what makes of the features centred ones of unit variance without correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.neuron.moments import Array, Moments


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Hold the map from raw to whitened units, z = (x − centre)·matrix, t = (y − target_mean) / target_scale.

    Attributes:
        centre: (d,) feature means; zeros without bias.
        matrix: (d, r), r ≤ d: null directions are dropped.
        scale: (d,) root mean squares of the features about the centre; 0 for a constant one.
        target_mean: Mean of the target; 0 without bias.
        target_scale: Root mean square of the target about its mean (about zero without bias), > 0.
    """

    centre: Array
    matrix: Array
    scale: Array
    target_mean: float
    target_scale: float


def whitening(m: Moments, *, bias: bool = True) -> Whitening:
    """Return the whitening of the features in the moments of (features…, target).

    The covariance is scaled to a correlation first, so that the columns' units do not decide what counts as
    null. Without bias nothing is centred: the second moments are those about zero.

    Args:
        m: Moments of (n, d + 1) columns, the target last.
        bias: Whether the model has a bias.
    """
    second = (m.scatter if bias else m.gram) / m.rows
    mean = m.mean if bias else np.zeros_like(m.shift)
    size = np.sqrt(np.maximum(np.diag(m.gram), 0.0) / m.rows)
    deviation = np.sqrt(np.maximum(np.diag(second), 0.0))
    epsilon = np.finfo(np.float64).eps
    deviation[deviation <= 4 * epsilon * size] = 0.0  # a constant column: what is left is rounding
    scale = deviation[:-1]
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    values, vectors = np.linalg.eigh(second[:-1, :-1] * np.outer(inverse, inverse))
    kept = values > 64 * len(scale) * epsilon * max(float(values[-1]), 0.0)
    matrix = inverse[:, None] * vectors[:, kept] / np.sqrt(values[kept])
    return Whitening(mean[:-1], matrix, scale, float(mean[-1]), float(deviation[-1]) or 1.0)
