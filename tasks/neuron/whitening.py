"""Whitening: what makes of the features centred ones of unit variance without correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.neuron.factor import Factor, factorised, second_moments
from tasks.neuron.moments import Array, Moments

STEADY = 1e8  # variance inflation below which a correlation matrix shows its directions; they are its own up to there


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


def whitening(m: Moments, *, bias: bool = True, factor: Factor | None = None) -> Whitening:
    """Return the whitening of the features in the moments of (features…, target).

    Without bias nothing is centred: the second moments are those about zero. Columns that the factor drops take no
    part.

    Args:
        m: Moments of (n, d + 1) columns, the target last.
        bias: Whether the model has a bias.
        factor: Of the same moments, where it is known.
    """
    factor = factor or factorised(m, bias=bias)
    kept, d = factor.kept, len(factor.centre)
    second = second_moments(m, bias=bias).rounded / m.total
    deviation = np.sqrt(np.maximum(np.diag(second), 0.0))
    scale = np.zeros(d)
    scale[kept] = deviation[kept]
    matrix = np.zeros((d, factor.rank))
    if factor.rank:
        inverse = 1 / scale[kept]
        values, vectors = _directions(
            factor, second[np.ix_(kept, kept)] * np.outer(inverse, inverse), inverse
        )
        matrix[kept] = inverse[:, None] * vectors / np.sqrt(values)
    mean = float(m.mean[-1]) if bias else 0.0
    return Whitening(factor.centre, matrix, scale, mean, _target_scale(m, float(deviation[-1])))


def _directions(factor: Factor, correlation: Array, inverse: Array) -> tuple[Array, Array]:
    """Return variances (r,) and directions (r, r) of the kept columns, divided by their deviations.

    The singular values of the root are not squared, so that nearly dependent columns keep their direction.
    """
    if factor.inflation.max() < STEADY:
        values, vectors = np.linalg.eigh(correlation)
        return values, vectors
    _, sizes, directions = np.linalg.svd(factor.root[:, factor.kept] * inverse / np.sqrt(factor.total))
    return sizes**2, directions.T


def _target_scale(m: Moments, deviation: float) -> float:
    """Return the target's deviation, or 1 for a constant one, for which what is left is rounding."""
    size = float(m.lengths[-1]) / m.total**0.5
    return deviation if deviation > 4 * np.finfo(np.float64).eps * size else 1.0
