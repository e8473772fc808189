"""How much each row can pull at a fit, and how much it does: leverage, standardised residuals, Cook's distance.

R. D. Cook and S. Weisberg, "Residuals and Influence in Regression", 1982; the figures of R's `plot.lm`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """Hold what m of the training rows do to a fit.

    Attributes:
        fitted: (m,) predictions, in the target's units.
        residuals: (m,) target − prediction, times √weight.
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
    reference: LeastSquares, rows: Batch, weights: Array, bias: float, deviation: float
) -> Influence:
    """Return the influence of some of the rows that a reference was fitted to.

    Args:
        reference: Least squares on all training rows; gives the leverage.
        rows: Some of them, m.
        weights: (d,) of the fit whose residuals are looked at.
        bias: Of that fit.
        deviation: Its residual standard deviation s, √(residual sum of squares / degrees of freedom).
    """
    matrix = rows.matrix
    h = reference.factor.leverage(matrix)
    fitted = matrix @ weights + bias
    residuals = np.asarray(rows.target, np.float64) - fitted
    if (roots := rows.roots) is not None:
        h, residuals = np.minimum(h * roots**2, 1.0), residuals * roots
    room = np.where(h < 1 - 1e-10, 1 - h, np.nan)  # a row of leverage 1 is met exactly, whatever its target
    standardised = residuals / (deviation * np.sqrt(room)) if deviation > 0 else np.full_like(h, np.nan)
    cook = standardised**2 * h / (max(reference.parameters, 1) * room)
    return Influence(fitted, residuals, h, standardised, cook)


def residual_deviation(rmse: float, rows: int, parameters: int, total: float | None = None) -> float:
    """Return s, √(W·RMSE² / (n − k)) with W the sum of the weights, or n; NaN without degrees of freedom."""
    freedom = rows - parameters
    return rmse * math.sqrt((rows if total is None else total) / freedom) if freedom > 0 else math.nan
