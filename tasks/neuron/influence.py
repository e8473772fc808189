"""How much each row can pull at a fit, and how much it does: leverage, standardised residuals, Cook's distance.

R. D. Cook and S. Weisberg, "Residuals and Influence in Regression", 1982; the figures of R's `plot.lm`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Hold what m of the training rows do to a fit.

    Attributes:
        fitted: (m,) predictions, in the target's units.
        residuals: (m,) target − prediction.
        leverage: (m,) the diagonal of the hat matrix, between 0 and 1.
        standardised: (m,) residual / (s·√(1 − leverage)); NaN for a row that the fit cannot miss.
        cook: (m,) standardised²·leverage / (k·(1 − leverage)) with k fitted parameters.
    """

    fitted: Array
    residuals: Array
    leverage: Array
    standardised: Array
    cook: Array


def influence(
    reference: LeastSquares, features: Array, targets: Array, weights: Array, bias: float, deviation: float
) -> Influence:
    """Return the influence of some of the rows that a reference was fitted to.

    Args:
        reference: Least squares on all training rows; gives the leverage.
        features: (m, d) of some of them.
        targets: (m,).
        weights: (d,) of the fit whose residuals are looked at.
        bias: Of that fit.
        deviation: Its residual standard deviation s, √(residual sum of squares / degrees of freedom).
    """
    h = reference.factor.leverage(features)
    fitted = features @ weights + bias
    residuals = targets - fitted
    room = np.where(h < 1 - 1e-10, 1 - h, np.nan)  # a row of leverage 1 is met exactly, whatever its target
    standardised = residuals / (deviation * np.sqrt(room)) if deviation > 0 else np.full_like(h, np.nan)
    cook = standardised**2 * h / (max(reference.parameters, 1) * room)
    return Influence(fitted, residuals, h, standardised, cook)


def residual_deviation(rmse: float, rows: int, parameters: int) -> float:
    """Return s, √(n·RMSE² / (n − k)); NaN without degrees of freedom."""
    freedom = rows - parameters
    return rmse * math.sqrt(rows / freedom) if freedom > 0 else math.nan
