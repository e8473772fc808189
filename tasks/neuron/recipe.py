"""The two recipes for training: the tutorial's, on raw inputs, and the calibrated one.

`tutorial`: raw inputs, a constant learning rate of 0.02, each batch's mean gradient.

`calibrated`: centre and whiten the inputs, standardise the target, and decay the learning rate; every row
weighs the same. Whitening is already the linear algebra of least squares; what is left to SGD is to find the
whitened weights, which it does to a hundredth of a standard error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.statistics import Array, Moments

Recipe: TypeAlias = Literal["calibrated", "tutorial"]

TUTORIAL_RATE = 0.02
FINAL_RATE = 0.003  # of the schedule, times steps per epoch: the last epoch averages over the whole table
SAMPLE = 4096  # rows that suffice for the stable limit: fourth moments, to a few per cent


class Diverged(ArithmeticError):
    """Say that training left the stable range.

    Attributes:
        epoch: 1-based epoch at which the loss or the weights left all bounds.
        learning_rate: The (first) learning rate.
        stable_limit: Where the stable range of constant rates ends for these data.
    """

    def __init__(self, epoch: int, learning_rate: float, stable_limit: float) -> None:
        """Keep the figures, also as `args`, so that the exception survives pickling."""
        super().__init__(epoch, learning_rate, stable_limit)
        self.epoch = epoch
        self.learning_rate = learning_rate
        self.stable_limit = stable_limit

    def __str__(self) -> str:
        """Return what happened, the limit and the remedy, on one line."""
        return (
            f"diverged at epoch {self.epoch}; "
            f"the stable range for this data ends at {self.stable_limit:.3g}; "
            f"lower `learning_rate` (now {float(f'{self.learning_rate:.3g}')}) or use the default preset"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Hold the map from raw to whitened units, z = (x − centre)·matrix, t = (y − target_mean) / target_scale.

    Attributes:
        centre: (d,) feature means; zeros without bias.
        matrix: (d, r), r ≤ d: null directions are dropped.
        target_mean: Mean of the target; 0 without bias.
        target_scale: Root mean square of the target about its mean (about zero without bias), > 0.
    """

    centre: Array
    matrix: Array
    target_mean: float
    target_scale: float

    def apply(self, features: ArrayLike) -> Array:
        """Return the whitened rows (n, r) of raw features (n, d)."""
        whitened: Array = (np.asarray(features, dtype=np.float64) - self.centre) @ self.matrix
        return whitened

    def apply_target(self, targets: ArrayLike) -> Array:
        """Return the standardised targets (n,)."""
        standard: Array = (np.asarray(targets, dtype=np.float64) - self.target_mean) / self.target_scale
        return standard

    def fold_back(self, weights: ArrayLike, bias: float) -> tuple[Array, float]:
        """Return raw weights (d,) and bias from whitened weights (r,) and bias, in float64."""
        raw: Array = self.target_scale * (self.matrix @ np.asarray(weights, dtype=np.float64))
        return raw, self.target_mean + self.target_scale * bias - float(self.centre @ raw)


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
    return Whitening(mean[:-1], matrix, float(mean[-1]), float(deviation[-1]) or 1.0)


def starting_rate(rows: int, rank: int, batch_size: int, leverage: float, *, bias: bool = True) -> float:
    """Return the calibrated recipe's first learning rate.

    0.5 for a single batch, where the whitened Hessian is 2·I and one step is Newton's. For mini-batches the
    smaller of 0.5/(1 + (rank + 2)/B), half the mean-square stable limit of Gaussian rows, and B/(1 +
    leverage), which keeps one row far out from overshooting in its batch: heavy-tailed inputs blow up without
    it.

    Args:
        rows: Number of rows n.
        rank: Number of whitened inputs.
        batch_size: B.
        leverage: max ‖z‖² over the whitened rows.
        bias: Whether the model has a bias, which adds 1 to a row's leverage.
    """
    if rows <= batch_size:
        return 0.5
    return min(0.5 / (1 + (rank + 2) / batch_size), batch_size / max(bias + leverage, 1.0))


def final_rate(first: float, steps_per_epoch: int) -> float:
    """Return the learning rate at which the schedule ends: 0.003 / steps per epoch, never above the first."""
    return min(first, FINAL_RATE / steps_per_epoch)


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return the batches of an epoch, the short last one included."""
    return math.ceil(rows / batch_size)


def stable_limit(features: ArrayLike, batch_size: int, *, bias: bool = True) -> float:
    """Return where the stable range of constant learning rates ends for mini-batch SGD on these features.

    A step is w ← w − η·h(w − w*), up to noise, with h = (2/B)·Σxxᵀ over the batch and H = E[h]. The second
    moment C = E[(w − w*)(w − w*)ᵀ] follows, for batches drawn at random,

        C ← C − η(HC + CH) + η²·M(C),   M(C) = (1 − 1/B)·HCH + (4/B)·E[x xᵀC x xᵀ].

    It stays bounded for η < 1/ρ(L⁻¹M), L(C) = HC + CH: both maps keep positive matrices positive, so the
    spectral radius ρ is found by power iteration from the identity (Perron–Frobenius). For a full batch, M(C)
    = HCH, this is 2/λmax(H). The x are rows with a 1 appended for the bias. Above 4096 rows an evenly spaced
    sample of them is used.

    Args:
        features: (n, d).
        batch_size: B.
        bias: Whether the model has a bias.

    Returns:
        The limit; infinite when all features are 0 and there is no bias.
    """
    x = np.asarray(features, dtype=np.float64)
    rows = len(x)
    x = x[:: max(1, math.ceil(rows / SAMPLE))]
    if bias:
        x = np.column_stack([x, np.ones(len(x))])
    values, vectors = np.linalg.eigh(2 / len(x) * (x.T @ x))
    live = values > np.finfo(np.float64).eps * len(values) * max(float(values[-1]), 0.0)
    if not live.any():
        return math.inf
    z, h = x @ vectors[:, live], values[live]
    noise = 0.0 if rows <= batch_size else 1 / batch_size
    c, radius = np.eye(len(h)), 0.0
    for _ in range(200):
        fourth = 4 / len(z) * (z.T * np.einsum("ni,ij,nj->n", z, c, z, optimize=True)) @ z
        c = ((1 - noise) * np.outer(h, h) * c + noise * fourth) / np.add.outer(h, h)
        previous, radius = radius, float(np.linalg.norm(c))
        c /= radius
        if abs(radius - previous) <= 1e-6 * radius:
            break
    return 1 / radius
