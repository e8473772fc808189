"""Least squares, the reference that every training is measured against.

`solve` reads the rows: QR of the centred, scaled columns in float64, then iterative refinement with residuals
in extended precision. `solve_moments` needs the Gram matrix only, so it serves data of any size, at half the
digits: its error grows with the square of the condition number. Both drop a column that is constant or
depends on the columns before it, and give it weight 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.neuron.moments import Array, Moments

EPSILON = float(np.finfo(np.float64).eps)
REFINEMENTS = 8
BLOCK = 65536  # rows at a time in extended precision, which takes twice the memory


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """Hold a least-squares fit of d weights and a bias, in the data's units.

    Attributes:
        weights: (d,), 0 where dropped.
        bias: 0 when fitted without.
        standard_errors: (d,), s·√(diag of the inverse Gram matrix), s² = residual_sum / degrees_of_freedom;
            NaN where dropped, or without degrees of freedom.
        bias_standard_error: The same for the bias; NaN without bias.
        residual_sum: Σ(target − prediction)².
        degrees_of_freedom: Rows less fitted parameters, at least 0.
        rank: Number of weights that were fitted.
        dropped: Columns that are constant or depend on the columns before them.
        rows: Number of rows n.
        centre: (d,) feature means; zeros without bias.
        scatter: (d, d) Σ(x − centre)(x − centre)ᵀ.
        target_mean: Mean of the target, also without bias.
        target_rms: Root mean square of the target about its mean; about zero without bias.
        has_bias: Whether a bias was fitted.
    """

    weights: Array
    bias: float
    standard_errors: Array
    bias_standard_error: float
    residual_sum: float
    degrees_of_freedom: int
    rank: int
    dropped: tuple[int, ...]
    rows: int
    centre: Array
    scatter: Array
    target_mean: float
    target_rms: float
    has_bias: bool

    @property
    def parameters(self) -> int:
        """Return the number of fitted parameters: rank, and one for the bias."""
        return self.rank + self.has_bias

    @property
    def residual_deviation(self) -> float:
        """Return s, the residual standard deviation; NaN without degrees of freedom."""
        return (
            float(np.sqrt(self.residual_sum / self.degrees_of_freedom))
            if self.degrees_of_freedom
            else float("nan")
        )


def solve(features: ArrayLike, targets: ArrayLike, *, bias: bool = True) -> LeastSquares:
    """Return the least-squares fit, from the rows.

    Args:
        features: (n, d) finite numbers.
        targets: (n,) finite numbers.
        bias: Whether to fit a bias.

    Raises:
        ValueError: If the shapes do not fit or a value is not finite.
    """
    x, y = checked(features, targets)
    centre = _mean(x) if bias else np.zeros(x.shape[1])
    target_centre = float(_mean(y[:, None])[0]) if bias else 0.0
    centred = x - centre
    norms = np.linalg.norm(centred, axis=0)
    # What centring leaves of a constant column is its rounding.
    live = np.flatnonzero(norms > 4 * EPSILON * np.linalg.norm(x, axis=0))
    q, r = np.linalg.qr(centred[:, live] / norms[live])
    chosen = _independent(r, max(x.shape) * EPSILON)
    q_chosen, r = np.linalg.qr(r[:, chosen])
    kept, q = live[chosen], q @ q_chosen
    scaled, residuals = _refined(x, y, centre, target_centre, norms, kept, q, r)
    weights = np.zeros(x.shape[1])
    weights[kept] = scaled / norms[kept]
    residual_sum, residual_mean = _residuals(residuals, bias=bias)
    offset = target_centre - _dot(centre[kept], scaled / norms[kept]) + residual_mean if bias else 0.0
    root = np.linalg.inv(r) / norms[kept][:, None]
    target_rms = float(np.sqrt(np.mean((y - target_centre) ** 2)))
    scatter = centred.T @ centred
    return _assembled(
        weights,
        offset,
        root,
        residual_sum,
        kept,
        len(x),
        centre,
        scatter,
        float(y.mean()),
        target_rms,
        bias=bias,
    )


def solve_moments(m: Moments, *, bias: bool = True) -> LeastSquares:
    """Return the least-squares fit from the moments of (features…, target), by Cholesky factorisation."""
    full = m.scatter if bias else m.gram
    mean = m.mean if bias else np.zeros_like(m.shift)
    scatter, cross, total = full[:-1, :-1], full[:-1, -1], float(full[-1, -1])
    centre = mean[:-1]
    norms = np.sqrt(np.maximum(np.diag(scatter), 0.0))
    live = np.flatnonzero(norms > 4 * EPSILON * np.sqrt(np.maximum(np.diag(m.gram)[:-1], 0.0)))
    correlation = scatter[np.ix_(live, live)] / np.outer(norms[live], norms[live])
    # A pivot of the Gram matrix is the square of one of the rows and carries the rounding of the products.
    root, chosen = _cholesky(correlation, 64 * max(len(centre), 1) * EPSILON)
    kept = live[chosen]
    inverse = np.linalg.inv(root).T
    scaled = inverse @ (inverse.T @ (cross[kept] / norms[kept]))
    weights = np.zeros(len(centre))
    weights[kept] = scaled / norms[kept]
    error = np.append(-weights, 1.0)
    residual_sum = max(float(error @ full @ error), 0.0)
    offset = float(mean[-1]) - _dot(centre[kept], weights[kept]) if bias else 0.0
    rms = float(np.sqrt(max(total, 0.0) / m.rows))
    root = inverse / norms[kept][:, None]
    return _assembled(
        weights, offset, root, residual_sum, kept, m.rows, centre, scatter, float(m.mean[-1]), rms, bias=bias
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


def _mean(table: Array) -> Array:
    """Return the column means (d,), summed in extended precision: a constant column centres to zeros."""
    total = sum(
        (table[i : i + BLOCK].sum(axis=0, dtype=np.longdouble) for i in range(0, len(table), BLOCK)),
        start=np.longdouble(0),
    )
    return np.asarray(total / len(table), dtype=np.float64)


def _independent(r: Array, tolerance: float) -> NDArray[np.intp]:
    """Return the columns of the unit-norm triangle (d, d) that do not depend on those before them.

    The distance of a column from the span of those kept is the pivot |r_jj|; a dropped column's direction is
    noise, so that the triangle is made again without it.
    """
    chosen = np.arange(r.shape[1])
    triangle = r
    while True:
        pivots = np.zeros(len(chosen))
        diagonal = np.abs(np.diag(triangle))
        pivots[: len(diagonal)] = diagonal  # more columns than rows: the rest has no pivot
        weak = np.flatnonzero(pivots <= tolerance)
        if not weak.size:
            return chosen
        chosen = np.delete(chosen, weak[0])
        triangle = np.asarray(np.linalg.qr(r[:, chosen], mode="r"))


def _cholesky(gram: Array, tolerance: float) -> tuple[Array, NDArray[np.intp]]:
    """Return the Cholesky factor (r, r) of a unit-diagonal Gram matrix's independent columns, and which."""
    size = len(gram)
    rows = np.zeros((size, size))
    chosen: list[int] = []
    for j in range(size):
        rank = len(chosen)
        head = np.zeros(rank)
        for i, column in enumerate(chosen):  # forward substitution
            head[i] = (gram[column, j] - rows[i, :i] @ head[:i]) / rows[i, i]
        pivot = gram[j, j] - head @ head
        if pivot > tolerance:
            rows[rank, :rank], rows[rank, rank] = head, np.sqrt(pivot)
            chosen.append(j)
    return rows[: len(chosen), : len(chosen)], np.asarray(chosen, dtype=np.intp)


def _refined(
    x: Array,
    y: Array,
    centre: Array,
    target_centre: float,
    norms: Array,
    kept: NDArray[np.intp],
    q: Array,
    r: Array,
) -> tuple[NDArray[np.longdouble], NDArray[np.longdouble]]:
    """Return scaled weights (r,) and residuals (n,) after refinement.

    Solves the augmented system [I A; Aᵀ 0][e; w] = [y; 0] again for its own residual, computed in extended
    precision: Å. Björck, "Iterative refinement of linear least squares solutions I", 1967. Where long double
    is only 64 bits wide this is a plain second look.
    """
    weights: NDArray[np.longdouble] = np.zeros(len(kept), dtype=np.longdouble)
    errors: NDArray[np.longdouble] = np.zeros(len(x), dtype=np.longdouble)
    previous = np.inf
    for _ in range(REFINEMENTS):
        upper = np.empty(len(x))
        lower = np.zeros(len(kept), dtype=np.longdouble)
        for start in range(0, len(x), BLOCK):
            rows = slice(start, start + BLOCK)
            a = (x[rows][:, kept].astype(np.longdouble) - centre[kept]) / norms[kept]
            upper[rows] = (y[rows].astype(np.longdouble) - target_centre) - errors[rows] - a @ weights
            lower -= a.T @ errors[rows]
        h = np.linalg.solve(r.T, lower.astype(np.float64))
        projection = q.T @ upper
        step = np.linalg.solve(r, projection - h)
        size = float(np.abs(step).max(initial=0.0))
        if size > previous / 2:  # no longer contracting
            break
        weights += step
        errors += (upper - q @ projection) + q @ h
        previous = size
        if size <= EPSILON**1.2 * float(np.abs(weights).max(initial=0.0)):  # nothing left to gain
            break
    return weights, errors


def _residuals(errors: NDArray[np.longdouble], *, bias: bool) -> tuple[float, float]:
    """Return the residual sum of squares and the residual mean, which is rounding and belongs to the bias."""
    mean = errors.mean() if bias else np.longdouble(0)
    return float(((errors - mean) ** 2).sum()), float(mean)


def _dot(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float((a.astype(np.longdouble) * b).sum())


def _assembled(
    weights: Array,
    offset: float,
    root: Array,
    residual_sum: float,
    kept: NDArray[np.intp],
    rows: int,
    centre: Array,
    scatter: Array,
    target_mean: float,
    target_rms: float,
    *,
    bias: bool,
) -> LeastSquares:
    """Add the standard errors; `root` (r, r) times its transpose is the kept columns' inverse Gram matrix."""
    freedom = max(rows - len(kept) - bias, 0)
    s = float(np.sqrt(residual_sum / freedom)) if freedom else float("nan")
    errors = np.full(len(weights), np.nan)
    errors[kept] = s * np.sqrt((root**2).sum(axis=1))
    # var(bias) / s² = 1/n + mᵀ(AᵀA)⁻¹m with the feature means m
    bias_error = s * float(np.sqrt(1 / rows + ((root.T @ centre[kept]) ** 2).sum())) if bias else float("nan")
    dropped = tuple(int(j) for j in np.setdiff1d(np.arange(len(weights)), kept))
    return LeastSquares(
        weights=weights,
        bias=offset,
        standard_errors=errors,
        bias_standard_error=bias_error,
        residual_sum=residual_sum,
        degrees_of_freedom=freedom,
        rank=len(kept),
        dropped=dropped,
        rows=rows,
        centre=centre,
        scatter=scatter,
        target_mean=target_mean,
        target_rms=target_rms,
        has_bias=bias,
    )
