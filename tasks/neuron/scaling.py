"""The units that are trained in, and the way there and back.

Features are u = (x − centre)·basis, the target is t = (y − target_mean) / target_scale: float64 arithmetic, then
rounded to float32. A gradient step in whitened units, w ← w − η·g, is in these units u = z·A⁻¹ the step
w ← w − η·AAᵀ·g: the metric AAᵀ stands for the whitening, which then costs a product a batch in place of one a row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array
from tasks.neuron.whitening import Whitening

MODERATE = 20  # powers of two by which columns may differ from 1 in size: float32 has room for 126
TINY = 1e-300  # in place of 0 in a logarithm
STEEPEST = (
    1e8  # largest eigenvalue of a metric for which float32 columns keep enough of the smallest direction
)


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """Hold the map from raw units to the k inputs of the training.

    Attributes:
        centre: (d,) subtracted from the features.
        basis: (d, k); where only `factors` count it is their diagonal matrix.
        factors: (d,) that the centred features are multiplied by; None where they are multiplied by `basis`.
        metric: (k, k) symmetric, by which gradients are multiplied; None for the identity.
        entry: (k, r), the weights here that belong to r whitened weights.
        target_mean: Subtracted from the target.
        target_scale: By which it is divided then.
        weight_scale: By which the rows' weights are multiplied, so that their mean is 1; None where they have none.
    """

    centre: Array
    basis: Array
    factors: Array | None
    metric: Array | None
    entry: Array
    target_mean: float
    target_scale: float
    weight_scale: float | None = None

    @property
    def height(self) -> int:
        """Return how many numbers a converted row has: k inputs, the target, and maybe the weight."""
        return int(self.basis.shape[1]) + 1 + (self.weight_scale is not None)

    def write(self, columns: Iterable[NDArray[Any]], out: NDArray[np.float32]) -> None:
        """Write columns (n,) in the order of `Batch.stored`, converted, to `out` (height, n).

        Where only `factors` count, a column is asked for when it is its turn, and may be the row of `out` itself.
        """
        if self.factors is not None:
            origins, factors = [*self.centre, self.target_mean], [*self.factors, 1 / self.target_scale]
            if self.weight_scale is not None:
                origins, factors = [*origins, 0.0], [*factors, self.weight_scale]
            for column, origin, factor, row in zip(columns, origins, factors, out, strict=True):
                _affine(column, origin, factor, row)
        else:
            every, inputs = list(columns), self.basis.shape[1]
            features, (target, *weights) = every[: len(self.centre)], every[len(self.centre) :]
            _affine(target, self.target_mean, 1 / self.target_scale, out[inputs])
            for each in weights:
                _affine(each, 0.0, self.weight_scale or 1.0, out[-1])
            centred = [
                np.subtract(c, origin, dtype=np.float64)
                for c, origin in zip(features, self.centre, strict=True)
            ]
            out[:inputs] = self.basis.T @ np.stack(centred)

    def reach(self, written: NDArray[np.float32]) -> float:
        """Return max ‖z‖² over the whitened rows z of what `write` has written (height, n).

        With weights w of mean 1 it is max w·(1 + ‖z‖²) − 1: as far as a row that weighs 1 would have to lie to pull so
        hard, the bias included.
        """
        inputs = written[: self.basis.shape[1]]
        z = inputs if self.metric is None else self.entry.T.astype(np.float32) @ inputs
        lengths = np.einsum("ij,ij->j", z, z)
        if self.weight_scale is not None:
            lengths = written[-1] * (1 + lengths) - 1
        return float(lengths.max(initial=0.0))

    def reach_within(self, lowest: Array, highest: Array) -> float:
        """Return a bound of max ‖z‖² over all rows whose features lie between these (d,).

        With δ the largest distances from the centre and z = (x − centre)·M, ‖z‖² ≤ δᵀ|MMᵀ|δ.
        """
        matrix = self.basis @ self.entry
        furthest = np.maximum(np.abs(lowest - self.centre), np.abs(highest - self.centre))
        return float(furthest @ np.abs(matrix @ matrix.T) @ furthest)

    def inverse_transform(self, weights: Array, bias: float) -> tuple[Array, float]:
        """Return raw weights (d,) and bias, in float64."""
        raw = self.target_scale * (self.basis @ weights)
        return raw, self.target_mean + self.target_scale * bias - float(self.centre @ raw)


def raw(features: int) -> Coordinates:
    """Return the units of the data."""
    return Coordinates(
        np.zeros(features), np.eye(features), np.ones(features), None, np.eye(features), 0.0, 1.0
    )


def whitened(white: Whitening) -> Coordinates:
    """Return whitened units: exact for any correlation, at d·r products a row."""
    entry = np.eye(white.matrix.shape[1])
    return Coordinates(white.centre, white.matrix, None, None, entry, white.target_mean, white.target_scale)


def standardised(white: Whitening, single: Sequence[bool]) -> Coordinates:
    """Return centred, scaled columns and the metric that whitens; whitened units where that would lose digits.

    Args:
        white: Of the same data.
        single: (d + 1,) whether a column is stored as float32. It is then centred in float32, at a float32 number:
            that rounds no more than storing the result does.
    """
    exact = np.append(white.centre, white.target_mean)
    *origins, mean = np.where(single, exact.astype(np.float32), exact)
    factors = _power(white.scale)
    entry = white.matrix / factors[:, None]
    metric = entry @ entry.T
    if np.linalg.norm(metric, 2) > STEEPEST:
        return whitened(white)
    scale = 1 / float(_power(np.array([white.target_scale]))[0])
    return Coordinates(np.array(origins), np.diag(factors), factors, metric, entry, float(mean), scale)


def _power(scale: Array) -> Array:
    """Return the factors (d,) that bring columns near 1: powers of two, which round nothing, or 1 if it is not far."""
    near = (scale == 0) | (np.abs(np.log2(np.maximum(scale, TINY))) < MODERATE)
    return np.asarray(np.where(near, 1.0, np.exp2(-np.round(np.log2(np.maximum(scale, TINY))))))


def _affine(column: NDArray[Any], origin: float, factor: float, out: NDArray[np.float32]) -> None:
    """Write (column − origin)·factor, rounded to float32 once it is centred: a pass over the column, or two."""
    if column.dtype == np.float32 and origin != np.float32(origin):
        column = column.astype(np.float64)
    if factor == 1:
        np.subtract(column, float(origin), out=out, casting="same_kind")
    else:
        centred = np.subtract(column, float(origin))
        np.multiply(centred, factor, out=out, casting="same_kind")
