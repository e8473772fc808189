"""Ridge regression, exactly, from moments: of a least-squares fit, of a path of penalties, and its error by folds.

The features are standardised by all training rows, v = w·scale with their root mean squares about the mean (about zero
without bias), and the bias is not penalised; as scikit-learn's `Ridge(alpha=l2)` does after `StandardScaler`:

    min ‖y − Xv‖² + l2·‖v‖²        v = V·Λ/(Λ + l2)·Vᵀ·v_ols,    XᵀX = VΛVᵀ

The map from least squares to ridge contracts every direction. A fit that is trained towards least squares is therefore
carried over by it, and lies no farther from ridge than it did from least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.least_squares import LeastSquares, solve_moments
from tasks.neuron.moments import Array, Moments, column_moments, merge
from tasks.neuron.parts import Part, batch_of, batches_of

FOLDS = 10  # by which a penalty is chosen
BLOCK = 8192  # rows whose leverage is computed at a time
MET = 1 - 1e-10  # leverage from which a row is met exactly
RELATIVE = np.logspace(-6, 3, 37)  # penalties of the path, per row: from next to none to next to no weights


@dataclass(frozen=True, slots=True, eq=False)
class FoldErrors:
    """Hold the root mean squared errors (folds,) over rows that each fold's fit has not seen, and their weights."""

    rmse: Array
    rows: Array

    @property
    def pooled(self) -> float:
        """Return the root mean squared error over all rows."""
        return float(np.sqrt(np.average(self.rmse**2, weights=self.rows)))

    @property
    def deviation(self) -> float:
        """Return the standard deviation of the folds' errors."""
        return float(self.rmse.std(ddof=1))


def shrunk(
    m: Moments, weights: Array, bias: float, l2: float, *, has_bias: bool = True
) -> tuple[Array, float]:
    """Carry a fit (d,) and its bias from least squares over to ridge.

    Args:
        m: Moments of (features…, target).
        weights: (d,) of any solution of least squares, or near it.
        bias: In units of the target.
        l2: Penalty, > 0.
        has_bias: Whether a bias is fitted; without, it stays 0.
    """
    return _carried(m, weights, bias, l2, _spectrum(m, m, has_bias=has_bias), has_bias=has_bias)


def ridge(reference: LeastSquares, m: Moments, l2: float) -> LeastSquares:
    """Return the ridge fit in the place of least squares: its weights, bias and residuals; errors are not known."""
    weights, bias = shrunk(m, reference.weights, reference.bias, l2, has_bias=reference.has_bias)
    return replace(
        reference,
        weights=weights,
        bias=bias,
        residual_sum=reference.residual_sum + reference.excess(weights, bias),
    )


def fold_of_rows(rows: int, folds: int, part: int = 0, seed: int = 0) -> NDArray[np.int64]:
    """Deal the rows of a part to folds, evenly and in random order; return each row's fold (rows,), from 0."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2, part)))
    return rng.permutation(rows) % folds


def fold_moments(parts: Sequence[Part], folds: int, seed: int = 0) -> list[Moments]:
    """Return the moments of each fold, by one pass; the rows of a part are dealt evenly, in random order.

    Raises:
        ValueError: If there are fewer rows than folds.
    """
    found: list[Moments | None] = [None] * folds
    for number, part in enumerate(parts):
        codes, start = fold_of_rows(part.rows, folds, number, seed), 0
        for batch in batches_of(part):
            own = codes[start : start + batch.rows]
            start += batch.rows
            for fold in np.unique(own).tolist():
                known, mine = found[fold], own == fold
                some = batch_of([column[mine] for column in batch.stored], weighted=batch.weighted)
                added = column_moments(some.columns, known.shift if known else None, weights=some.weights)
                found[fold] = merge(known, added) if known else added
    whole = [each for each in found if each is not None]
    if len(whole) < folds:
        raise ValueError(
            f"{folds} folds need as many training rows, and there are {sum(each.rows for each in whole)}; "
            "lower `cross_validate`, or set `l2` to a number"
        )
    return whole


def leave_one_out(parts: Sequence[Part], m: Moments, reference: LeastSquares, l2: float) -> float:
    """Return the root mean squared error of rows that are each predicted by a fit to all others, by one pass.

    No row is left out in truth: without it its error is e / (1 − h), h being its leverage, wᵢ·(1/n + zᵢᵀ(Λ + l2)⁻¹zᵢ)
    with z the standardised rows along the eigenvectors (D. M. Allen's PRESS, Technometrics 16 (1974), 125-127). NaN
    where a row has leverage 1.

    Args:
        parts: All rows.
        m: Their moments.
        reference: Least squares, or ridge where there is a penalty.
        l2: The penalty; 0 for none.
    """
    factor, total = reference.factor, 0.0
    scale, values, vectors = _spectrum(m, m, has_bias=reference.has_bias)
    loadings = vectors / scale[:, None] / np.sqrt(values + l2) if l2 else factor.inverse
    at_centre = 1 / m.total if reference.has_bias else 0.0
    for part in parts:
        for batch in batches_of(part):
            for start in range(0, batch.rows, BLOCK):
                some = batch.cut(start, start + BLOCK)
                matrix, own = some.matrix, 1.0 if some.weights is None else some.weights
                h = own * (at_centre + np.square((matrix - factor.centre) @ loadings).sum(axis=1))
                errors = some.target - (matrix @ reference.weights + reference.bias)
                left = errors / np.where(h < MET, 1 - h, np.nan)
                total += float(np.sum(own * left**2))
    return float(np.sqrt(total / m.total))


def path(folds: Sequence[Moments], penalties: Array, *, bias: bool = True) -> list[FoldErrors]:
    """Return the errors of ridge by folds for each penalty (p,); of least squares for a penalty of 0.

    Args:
        folds: Moments of each.
        penalties: On features standardised by all rows.
        bias: Whether to fit a bias.
    """
    whole = reduce(merge, folds)
    rmse = np.empty((len(penalties), len(folds)))
    for number, held in enumerate(folds):
        training = reduce(merge, [each for each in folds if each is not held])
        for place, (weights, offset) in enumerate(_solutions(training, whole, penalties, bias=bias)):
            rmse[place, number] = _rmse(held, weights, offset)
    rows = np.array([each.total for each in folds])
    return [FoldErrors(each, rows) for each in rmse]


def _solutions(
    training: Moments, whole: Moments, penalties: Array, *, bias: bool
) -> list[tuple[Array, float]]:
    """Return weights (d,) and bias for each penalty, fitted to some rows and standardised by all."""
    plain, spectrum = solve_moments(training, bias=bias), _spectrum(training, whole, has_bias=bias)
    return [
        _carried(training, plain.weights, plain.bias, l2, spectrum, has_bias=bias)
        if l2
        else (plain.weights, plain.bias)
        for l2 in penalties.tolist()
    ]


def _carried(
    m: Moments,
    weights: Array,
    bias: float,
    l2: float,
    spectrum: tuple[Array, Array, Array],
    *,
    has_bias: bool,
) -> tuple[Array, float]:
    """Shrink a fit (d,) along the eigenvectors of `_spectrum`, and move its bias along."""
    scale, values, vectors = spectrum
    carried = vectors @ (values / (values + l2) * (vectors.T @ (weights * scale))) / scale
    return carried, bias + float(m.mean[:-1] @ (weights - carried)) if has_bias else 0.0


def _spectrum(m: Moments, whole: Moments, *, has_bias: bool) -> tuple[Array, Array, Array]:
    """Return scales (d,) by all rows, and eigenvalues (d,) and vectors (d, d) of the standardised features' XᵀX."""
    squares = np.diag(whole.scatter if has_bias else whole.gram)[:-1] / whole.total
    scale = np.sqrt(np.where(squares > 0, squares, 1.0))  # a constant column's weight is 0 whatever its scale
    gram = (m.scatter if has_bias else m.gram)[:-1, :-1]
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    return scale, np.maximum(values, 0.0), vectors


def _rmse(rows: Moments, weights: Array, bias: float) -> float:
    """Return √(Σ(y − ŷ)²/n) of rows that only their moments are known of."""
    gap = np.append(weights, -1.0)
    squares = float(gap @ rows.scatter @ gap) + rows.total * (float(rows.mean @ gap) + bias) ** 2
    return float(np.sqrt(max(squares, 0.0) / rows.total))
