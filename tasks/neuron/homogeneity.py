"""Whether two samples come from one distribution, by their counts in common cells: chi-square, PSI, and Holm's rule.

The cells may be those of one sample's quantiles: that leaves the test's level, for many rows, as it is (K. Pearson's
statistic with random cells: D. S. Moore and M. C. Spruill, Annals of Statistics 3 (1975), 599).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Rows that a cell should hold by chance in either sample: below it the chi-square distribution is no good guide.
EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Homogeneity:
    """How far two samples are apart.

    Attributes:
        psi: The population stability index, Σ (q − p)·ln(q / p) over the cells' shares p and q; 0 for equal ones.
        p: Of the chi-square test that both come from one distribution; None where they leave a single cell.
    """

    psi: float
    p: float | None


def homogeneity(first: ArrayLike, second: ArrayLike) -> Homogeneity:
    """Compare two samples of at least one row each.

    Cells with few rows are pooled with those after them. Half a row is added to each cell for the PSI, so that an empty
    one counts as rare and not as impossible.

    Args:
        first: (k,) rows in each cell, neighbours side by side.
        second: (k,) those of the other sample.
    """
    pooled = _pooled(np.stack([np.asarray(first, np.float64), np.asarray(second, np.float64)]))
    rows, cells = pooled.sum(axis=1, keepdims=True), pooled.shape[1]
    shares = (pooled + 0.5) / (rows + 0.5 * cells)
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    if cells < 2:
        return Homogeneity(0.0, None)
    expected = rows * pooled.sum(axis=0) / rows.sum()
    return Homogeneity(psi, chi_square_tail(float(((pooled - expected) ** 2 / expected).sum()), cells - 1))


def chi_square_tail(x: float, degrees: int) -> float:
    """Return P(χ² > x) for whole degrees of freedom from 1 on.

    In closed form, since a cached run does without SciPy: M. Abramowitz and I. Stegun, Handbook of Mathematical
    Functions (1964), 26.4.4 and 26.4.5.
    """
    if x <= 0:
        return 1.0
    half, odd = x / 2, degrees % 2
    powers = [k + odd / 2 for k in range(degrees // 2)]
    terms = [math.exp(k * math.log(half) - half - math.lgamma(k + 1)) for k in powers]
    return min(1.0, math.fsum([*terms, math.erfc(math.sqrt(half)) if odd else 0.0]))


def holm(p: Sequence[float | None], level: float) -> list[bool]:
    """Say which tests reject, with at most `level` for the chance that any does so wrongly; None never rejects.

    S. Holm, Scandinavian Journal of Statistics 6 (1979), 65.
    """
    known = sorted((value, place) for place, value in enumerate(p) if value is not None)
    rejected = [False] * len(p)
    for tried, (value, place) in enumerate(known):
        if value > level / (len(known) - tried):
            break
        rejected[place] = True
    return rejected


def _pooled(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Pool neighbouring cells of (2, k) counts until each is expected to have `EXPECTED` rows in either sample."""
    rows = counts.sum(axis=1)
    smaller = rows.min() / rows.sum()
    cells: list[NDArray[np.float64]] = []
    open_cell = np.zeros(2)
    for cell in counts.T:
        open_cell = open_cell + cell
        if open_cell.sum() * smaller >= EXPECTED:
            cells.append(open_cell)
            open_cell = np.zeros(2)
    if not cells:
        return open_cell[:, np.newaxis]
    cells[-1] = cells[-1] + open_cell
    return np.stack(cells, axis=1)
