"""Least squares, the reference that every training is measured against.

`solve_moments` needs the moments of the rows and nothing else, so it serves data of any size; `solve` takes the moments
of rows in memory first. With the precision that `all_moments` gives to moments, the weights are the exact solution of
the stored numbers to 13 digits or more, up to a condition number of about 1e9. Columns that `factor` drops get weight
0: the weights of a fit that is compared with this one are moved to the same solution, see `Factor.moved`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.double_double import Array, Pair, add, multiply, pair, product, subtract, total
from tasks.neuron.factor import EPSILON, Factor, factorised, power_of_two, second_moments
from tasks.neuron.moments import Moments
from tasks.neuron.parts import Batch, MemoryPart, all_moments

REFINEMENTS = 2  # the first brings what LAPACK's factor lost, the second confirms it
ROUNDED = 8.0  # residuals up to so many units of the stored numbers' rounding say nothing of the data


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """Hold a least-squares fit of d weights and a bias, in the data's units.

    Attributes:
        weights: (d,), 0 where dropped.
        bias: 0 when fitted without.
        unit_errors: (d,) standard errors for a residual deviation of 1, √(diag of the inverse Gram matrix); NaN where
            dropped.
        bias_unit_error: The same for the bias; NaN without bias.
        residual_sum: Σ(target − prediction)², each row by its weight.
        factor: Of the features.
        target_mean: Mean of the target, also without bias.
        target_rms: Root mean square of the target about its mean; about zero without bias.
        rounding: Root mean square of what rounding the stored numbers can make of residuals.
    """

    weights: Array
    bias: float
    unit_errors: Array
    bias_unit_error: float
    residual_sum: float
    factor: Factor
    target_mean: float
    target_rms: float
    rounding: float

    @property
    def rows(self) -> int:
        """Return the number of rows n."""
        return self.factor.rows

    @property
    def has_bias(self) -> bool:
        """Return whether a bias was fitted."""
        return self.factor.has_bias

    @property
    def rank(self) -> int:
        """Return the number of weights that were fitted."""
        return self.factor.rank

    @property
    def dropped(self) -> tuple[int, ...]:
        """Return the columns that are constant or depend on those before them."""
        return self.factor.dropped

    @property
    def parameters(self) -> int:
        """Return the number of fitted parameters: rank, and one for the bias."""
        return self.rank + self.has_bias

    @property
    def degrees_of_freedom(self) -> int:
        """Return the rows less the fitted parameters, at least 0."""
        return max(self.rows - self.parameters, 0)

    @property
    def residual_deviation(self) -> float:
        """Return s, the residual standard deviation; NaN without degrees of freedom."""
        freedom = self.degrees_of_freedom
        return float(np.sqrt(self.residual_sum / freedom)) if freedom else float("nan")

    @property
    def standard_errors(self) -> Array:
        """Return the (d,) standard errors of the weights; NaN where dropped, or without degrees of freedom."""
        return self.residual_deviation * self.unit_errors

    @property
    def bias_standard_error(self) -> float:
        """Return the standard error of the bias; NaN without bias, or without degrees of freedom."""
        return self.residual_deviation * self.bias_unit_error

    @property
    def is_exact(self) -> bool:
        """Return whether nothing is left of the target but the rounding of the stored numbers."""
        return not self.residual_deviation > ROUNDED * self.rounding

    def excess(self, weights: Array, bias: float) -> float:
        """Return by how much Σ(target − prediction)² of other weights (d,) and bias exceeds the least one.

        With δ the difference of the weights: ‖root·δ‖² + n·(δ_bias + centre·δ)², n being the sum of the rows' weights.
        """
        delta = weights - self.weights
        middle = bias - self.bias + float(self.factor.centre @ delta)
        return float(np.square(self.factor.root @ delta).sum()) + self.factor.total * middle**2


def solve(
    features: ArrayLike, targets: ArrayLike, *, bias: bool = True, weights: ArrayLike | None = None
) -> LeastSquares:
    """Return the least-squares fit of rows in memory.

    Args:
        features: (n, d) finite numbers.
        targets: (n,) finite numbers.
        bias: Whether to fit a bias.
        weights: (n,) of precision, > 0, as R's `lm` takes them: a row's variance is s²/weight. All are 1 by default.

    Raises:
        ValueError: If the shapes do not fit or a value is not finite.
    """
    x, y = checked(features, targets)
    own = None if weights is None else checked_weights(weights, len(y))
    return solve_moments(all_moments([MemoryPart(Batch([*x.T], y, own))]), bias=bias)


def solve_moments(m: Moments, *, bias: bool = True, factor: Factor | None = None) -> LeastSquares:
    """Return the least-squares fit from moments of (features…, target).

    The weights are W·Wᵀ·b with the factor's inverse W and the products b of features and target, improved by what is
    left of the normal equations, all in double-double arithmetic and in units near 1.

    Args:
        m: Of the features and the target.
        bias: Whether to fit a bias.
        factor: Of the same moments, where it is known.
    """
    factor = factor or factorised(m, bias=bias)
    kept, last = factor.kept, len(m.shift) - 1
    second = second_moments(m, bias=bias)
    units = np.append(factor.scale, power_of_two(np.sqrt(np.maximum(second.high[-1:, -1], 0.0))))
    scaled = Pair(second.high * units * units[:, None], second.low * units * units[:, None])
    inner = scaled.at(*np.ix_(kept, kept)) if kept.size else pair(np.zeros((0, 0)))
    weights = _solved(inner, scaled.at(kept, last), factor.exact_inverse)

    chosen = np.append(kept, last)
    error = Pair(np.append(-weights.high, 1.0), np.append(-weights.low, 0.0))
    left = product(scaled.at(*np.ix_(chosen, chosen)), error)
    residual_sum = max(float(total(multiply(left, error)).rounded), 0.0) / float(units[-1]) ** 2

    in_units = Pair(*(part * units[kept] / units[-1] for part in weights))
    means = m.mean_pair
    middle = total(multiply(means.at(kept), in_units))
    offset = float(subtract(means.at(last), middle).rounded) if bias else 0.0
    full = np.zeros(last)
    full[kept] = in_units.rounded
    errors, bias_error = _unit_errors(factor, means)
    return LeastSquares(
        weights=full,
        bias=offset,
        unit_errors=errors,
        bias_unit_error=bias_error,
        residual_sum=residual_sum,
        factor=factor,
        target_mean=float(m.mean[-1]),
        target_rms=float(np.sqrt(max(float(second.high[-1, -1]), 0.0) / m.total)),
        rounding=_rounding(m, full),
    )


def checked(features: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    """Return features (n, d) and targets (n,) as float64, or say what is wrong with them."""
    x, y = np.asarray(features), np.asarray(targets)
    for name, array in (("features", x), ("targets", y)):
        if array.dtype.kind not in "fiub":
            message = f"`{name}` must be numbers, got {array.dtype}; encode or convert them first"
            raise ValueError(message)
    if x.ndim != 2 or 0 in x.shape:
        message = (
            f"`features` must be a table (n, d) with at least one row and one column, got shape {x.shape}"
        )
        raise ValueError(message)
    if y.shape != x.shape[:1]:
        message = (
            f"`targets` must have shape ({len(x)},), one for each row of `features`, got shape {y.shape}"
        )
        raise ValueError(message)
    x, y = x.astype(np.float64, copy=False), y.astype(np.float64, copy=False)
    for name, array in (("features", x), ("targets", y)):
        if not np.isfinite(array).all():
            message = f"`{name}` holds values that are not finite; drop or repair those rows first"
            raise ValueError(message)
    return x, y


def checked_weights(weights: ArrayLike, rows: int) -> Array:
    """Return weights (n,) as float64, or say what is wrong with them."""
    w = np.asarray(weights, np.float64)
    if w.shape != (rows,) or not (np.isfinite(w) & (w > 0)).all():
        message = f"`weights` must be {rows} positive numbers, one for each row; leave rows of weight 0 out"
        raise ValueError(message)
    return w


def _solved(inner: Pair, cross: Pair, inverse: Pair) -> Pair:
    """Solve inner·w = cross, inverse·inverseᵀ being near the inverse of `inner`."""
    weights = pair(np.zeros_like(cross.high))
    for _ in range(REFINEMENTS):
        rest = subtract(cross, product(inner, weights))
        weights = add(weights, product(inverse, product(inverse.transposed, rest)))
    return weights


def _unit_errors(factor: Factor, means: Pair) -> tuple[Array, float]:
    """Return the standard errors of the weights (d,) and of the bias for a residual deviation of 1."""
    errors = np.full(len(factor.centre), np.nan)
    errors[factor.kept] = np.linalg.norm(factor.inverse[factor.kept], axis=1)
    if not factor.has_bias:
        return errors, float("nan")
    # var(bias) / s² = 1/n + ‖Wᵀ·mean‖²: far from zero, the sum over the columns cancels most of its terms.
    scaled = Pair(*(part * factor.scale[factor.kept] for part in means.at(factor.kept)))
    reach = product(factor.exact_inverse.transposed, scaled).rounded
    return errors, float(np.sqrt(1 / factor.total + np.square(reach).sum()))


def _rounding(m: Moments, weights: Array) -> float:
    """Return √Σ(ε·‖x_j‖·w_j)², the target among the columns, per row: how far rounding moves a residual."""
    return EPSILON * float(np.linalg.norm(m.lengths * np.append(weights, 1.0)) / np.sqrt(m.rows))
