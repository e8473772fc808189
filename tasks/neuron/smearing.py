"""Predictions of a target whose logarithm was fitted, back in its own units.

exp of a fit to log y is a median where errors are symmetric, and too low on average. Smearing makes it a mean without
assuming a distribution: E[y|x] is about exp(ŷ)·S with S = Σ exp(residual) / n over the training rows (N. Duan,
"Smearing Estimate: A Nonparametric Retransformation Method", JASA 78 (1983), 605-610). It holds where the errors of
log y do not depend on x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, Part
from tasks.neuron.workers import spread


@dataclass(frozen=True, slots=True)
class TargetScale:
    """Say how encoded targets and sums of weights become values in the target's own units.

    Attributes:
        smearing: S, by which exp is multiplied; None where the target itself was fitted.
    """

    smearing: float | None = None

    def values(self, targets: NDArray[np.generic]) -> Array:
        """Return encoded targets (m,) in their own units."""
        numbers = np.asarray(targets, np.float64)
        return numbers if self.smearing is None else np.exp(numbers)

    def predictions(self, fitted: Array) -> Array:
        """Return predictions (m,) in the target's own units; infinite where they leave float64's range."""
        if self.smearing is None:
            return fitted
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(fitted) * self.smearing)


@dataclass(frozen=True, slots=True)
class Smeared:
    """Hold S and the mean of the target in its own units."""

    factor: float
    mean: float


def smeared(parts: Sequence[Part], weights: Array, bias: float) -> Smeared:
    """Return S and the target's mean over all training rows, which count by their weights, in one pass.

    Args:
        parts: All rows, with log y as the target.
        weights: (d,) of the fit.
        bias: Of the fit.

    Raises:
        ValueError: An exponential leaves float64's range.
    """

    def sums(batch: Batch) -> Array:
        target = np.asarray(batch.target, np.float64)
        own = np.ones_like(target) if batch.weights is None else batch.weights
        with np.errstate(over="ignore"):
            residuals = np.exp(target - (batch.matrix @ weights + bias))
            return np.array([own @ residuals, own @ np.exp(target), own.sum()])

    found = np.zeros(3)
    for some in spread(sums, chain.from_iterable(part.batches() for part in parts)):
        found = found + some
    if not np.isfinite(found).all():
        raise ValueError(
            "`log_target`: exp of a residual or a target is too large for a float; give another unit"
        )
    return Smeared(float(found[0] / found[2]), float(found[1] / found[2]))
