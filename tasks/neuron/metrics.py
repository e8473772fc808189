"""How good a fit is: errors over the rows whose target is present, and the distance from least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array
from tasks.neuron.recipe import Recipe

INDISTINGUISHABLE = 0.01  # D: the fit adds a hundredth of the risk that sampling the rows has
SINGLE = 1e-6  # relative accuracy that float32 training can be asked for: 8 units of rounding


@dataclass(frozen=True, slots=True)
class ErrorSummary:
    """Hold the errors of predictions over `rows` rows; rmse and mae in target units."""

    rows: int
    rmse: float
    mae: float
    r2: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Hold the distance from least squares: z in standard errors, D in sampling risks, and what they mean."""

    z: float
    D: float
    converged: bool
    text: str


@dataclass(frozen=True, slots=True)
class Errors:
    """Hold the sums that errors are made of, over rows whose target is present; those of parts merge.

    Attributes:
        rows: Number of rows n.
        squares: Σ(target − prediction)².
        absolutes: Σ|target − prediction|.
        mean: Mean of the targets.
        scatter: Σ(target − mean)².
        lowest: Smallest target.
        highest: Largest target.
        weight: Sum of the weights by which the rows count in the other sums; None where all count as one.
    """

    rows: int
    squares: float
    absolutes: float
    mean: float
    scatter: float
    lowest: float
    highest: float
    weight: float | None = None

    @property
    def total(self) -> float:
        """Return the sum of the weights: the number of rows where they have none."""
        return self.rows if self.weight is None else self.weight

    @property
    def scores(self) -> ErrorSummary:
        """Return rmse = √(squares / n), mae = absolutes / n, r2 = 1 − squares / scatter (NaN: constant target)."""
        constant = self.lowest == self.highest or not self.scatter  # whose squares are too small for a float
        return self._summary(math.nan if constant else 1 - self.squares / self.scatter)

    @property
    def scores_about_zero(self) -> ErrorSummary:
        """Return the same with r2 = 1 − squares / Σ target², which R and NIST use for a model without bias."""
        total = self.scatter + self.total * self.mean**2
        return self._summary(1 - self.squares / total if total else math.nan)

    def _summary(self, r2: float) -> ErrorSummary:
        return ErrorSummary(self.rows, math.sqrt(self.squares / self.total), self.absolutes / self.total, r2)


def errors(targets: ArrayLike, predictions: ArrayLike, weights: ArrayLike | None = None) -> Errors:
    """Return the sums over predictions (n,) against targets (n,), NaN where a target is missing.

    With weights (n,) each row counts by its own: of whole numbers the errors are those of repeated rows.

    Raises:
        ValueError: If the shapes differ, no target is present, or a prediction is not finite.

    >>> errors([1.0, 2.0, float("nan")], [1.0, 4.0, 9.0]).scores
    ErrorSummary(rows=2, rmse=1.4142135623730951, mae=1.0, r2=-7.0)
    """
    if weights is not None:
        return _weighted_errors(targets, predictions, np.asarray(weights, np.float64))
    y, p = _present(targets, predictions)
    gaps, mean = y - p, float(y.mean())
    return Errors(
        rows=len(y),
        squares=float(np.sum(gaps**2)),
        absolutes=float(np.sum(np.abs(gaps))),
        mean=mean,
        scatter=float(np.sum((y - mean) ** 2)),
        lowest=float(y.min()),
        highest=float(y.max()),
    )


def _weighted_errors(targets: ArrayLike, predictions: ArrayLike, weights: Array) -> Errors:
    w = weights[~np.isnan(np.asarray(targets, np.float64))]
    y, p = _present(targets, predictions)
    gaps, mean = y - p, float(np.average(y, weights=w))
    return Errors(
        rows=len(y),
        squares=float(w @ gaps**2),
        absolutes=float(w @ np.abs(gaps)),
        mean=mean,
        scatter=float(w @ (y - mean) ** 2),
        lowest=float(y.min()),
        highest=float(y.max()),
        weight=float(w.sum()),
    )


def merged(a: Errors, b: Errors) -> Errors:
    """Return the sums over the rows of both: T. F. Chan, G. H. Golub and R. J. LeVeque, 1979."""
    total, gap = a.total + b.total, b.mean - a.mean
    return Errors(
        rows=a.rows + b.rows,
        squares=a.squares + b.squares,
        absolutes=a.absolutes + b.absolutes,
        mean=a.mean + gap * b.total / total,
        scatter=a.scatter + b.scatter + gap**2 * a.total * b.total / total,
        lowest=min(a.lowest, b.lowest),
        highest=max(a.highest, b.highest),
        weight=None if a.weight is None or b.weight is None else a.weight + b.weight,
    )


def rounding_errors(targets: ArrayLike) -> Errors:
    """Return the sums over targets (n,) against themselves rounded to one decimal: an RMSE of about 0.1/√12."""
    y = np.asarray(targets, dtype=np.float64)
    return errors(y, np.round(y, 1))


def verdict(
    weights: ArrayLike,
    bias: float,
    reference: LeastSquares,
    *,
    recipe: Recipe = "calibrated",
    name: str = "least squares",
) -> Agreement:
    """Compare a fit with least squares on the same rows.

    With δ the difference of weights and bias, X the rows with a 1 appended, k fitted parameters and s² the
    residual variance:

        z = max |δⱼ| / SEⱼ        D = δᵀXᵀXδ / (k·s²)

    D is the excess risk in units of the sampling risk k·s²/n; D ≤ 0.01 is indistinguishable. Where columns
    depend on each other only the sum of their effects is determined: δ of a dropped column is first moved to
    the kept ones. Where least squares leaves nothing but rounding, s is no yardstick, and (10⁻⁵ of the target's
    root mean square)² takes the place of the sampling risk, so that D ≤ 0.01 means equal to 10⁻⁶.

    Args:
        weights: (d,).
        bias: Of the fit.
        reference: Least squares on the same rows.
        recipe: That was trained with; decides on the remedy.
        name: What the reference is called.

    Raises:
        ValueError: If the weights do not fit the reference or are not finite.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != reference.weights.shape:
        message = (
            f"`weights` must have shape {reference.weights.shape}, as in the reference, got shape {w.shape}"
        )
        raise ValueError(message)
    if not (np.isfinite(w).all() and np.isfinite(bias)):
        message = f"the fit is not finite: weights {w.tolist()}, bias {bias}"
        raise ValueError(message)
    z, d = _gap(w, bias, reference), distance(w, bias, reference)
    return Agreement(z, d, d <= INDISTINGUISHABLE, _text(z, d, reference, recipe, name))


def distance(weights: Array, bias: float, reference: LeastSquares) -> float:
    """Return D, see `verdict`."""
    return reference.excess(weights, bias) / (max(reference.parameters, 1) * _yardstick(reference) ** 2)


def _yardstick(reference: LeastSquares) -> float:
    """Return the residual deviation s, or what takes its place in an exact fit."""
    if not reference.is_exact:
        return reference.residual_deviation
    size = reference.target_rms or abs(reference.target_mean) or 1.0
    return math.sqrt(reference.factor.total / max(reference.parameters, 1)) * 10 * SINGLE * size


def _gap(weights: Array, bias: float, reference: LeastSquares) -> float:
    """Return max |δⱼ| / SEⱼ over kept weights and bias."""
    factor, s = reference.factor, _yardstick(reference)
    moved, shifted = factor.moved(weights, bias)
    target, offset = factor.moved(reference.weights, reference.bias)
    gaps = (np.abs(moved - target) / (s * reference.unit_errors))[factor.kept]
    if reference.has_bias:
        gaps = np.append(gaps, abs(shifted - offset) / (s * reference.bias_unit_error))
    return float(gaps.max(initial=0.0))


def _text(z: float, d: float, reference: LeastSquares, recipe: Recipe, name: str) -> str:
    """State the figures, what they mean and, where needed, the remedy."""
    rounding = "in units of float32 rounding: "
    unit = f"the data are fitted exactly, {rounding}" if reference.is_exact else ""
    if reference.is_exact and not reference.degrees_of_freedom:
        unit = f"{reference.rows} rows determine {reference.parameters} parameters exactly, {rounding}"
    if d <= INDISTINGUISHABLE:
        figures = f"{unit}D = {d:.2g} ≤ {INDISTINGUISHABLE}"
        return f"indistinguishable from {name}: {figures}, at most {z:.2g} standard errors away"
    figures = f"{unit}D = {d:.3g} > {INDISTINGUISHABLE}"
    if recipe == "tutorial":
        remedy = "a constant learning rate keeps wobbling around it; use the default preset"
        return f"{z:.2g} standard errors away from {name}: {figures}; {remedy}"
    remedy = "float64 cannot hold the weights closer: centre the columns, or `exclude` one of those that nearly agree"
    return f"not converged: {figures}, up to {z:.2g} standard errors away; {remedy}"


def _present(targets: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    """Return the rows whose target is present, both (n,), or say what is wrong with them."""
    y, p = np.asarray(targets, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    if y.ndim != 1 or y.shape != p.shape:
        message = f"`targets` and `predictions` must have the same shape (n,), got {y.shape} and {p.shape}"
        raise ValueError(message)
    present = ~np.isnan(y)
    if not present.all():  # which would copy them
        y, p = y[present], p[present]
    if not y.size:
        message = "no row has a target, so there is nothing to compare the predictions with"
        raise ValueError(message)
    if not np.isfinite(p).all():
        message = "`predictions` holds values that are not finite; the model cannot be scored"
        raise ValueError(message)
    return y, p
