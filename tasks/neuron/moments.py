"""Mergeable first and second moments of a table, in double-double precision.

One pass over the rows gives a `Moments`: row count, sums and Gram matrix about a shift. It is all that means,
covariance, whitening, least squares and residual sums need, and two of them merge, so that parts of a table
can be read anywhere.

The Gram matrix of 2¹⁷ rows is made of a few float64 matrix products of the shifted rows. Everything that is
added afterwards, across those and across parts, is carried as an unevaluated pair high + low (about 106
bits), so that the order of the merges does not reach the figures: it changes bits near the 100th, and the
results are rounded to 53.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
DoubleDouble: TypeAlias = tuple[Array, Array]

BLOCK = 8192  # rows of one matrix product: k columns of it stay in the second-level cache
BLOCKS = 16  # that are added up in float64 before the sum goes into a pair


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Hold the sums of k columns and of their products, about a shift.

    Attributes:
        rows: Number of rows n.
        shift: (k,) reference point, close to the mean.
        sums: (k,) Σ(x − shift), and its low part.
        products: (k, k) Σ(x − shift)(x − shift)ᵀ, and its low part.
    """

    rows: int
    shift: Array
    sums: Array
    sums_low: Array
    products: Array
    products_low: Array

    @property
    def mean(self) -> Array:
        """Return the (k,) means, in the columns' units."""
        high, low = _add(
            (self.shift, np.zeros_like(self.shift)), _divide((self.sums, self.sums_low), self.rows)
        )
        return high + low

    @property
    def scatter(self) -> Array:
        """Return the (k, k) centred sums of products.

        Σ(x − mean)(x − mean)ᵀ = Σssᵀ − (Σs)(Σs)ᵀ/n with s = x − shift.
        """
        sums = (self.sums, self.sums_low)
        square = _divide(_outer(sums, sums), self.rows)
        high, low = _add((self.products, self.products_low), (-square[0], -square[1]))
        return high + low

    @property
    def gram(self) -> Array:
        """Return the (k, k) sums of products about zero, Σxxᵀ."""
        zero = _rebased(self, np.zeros_like(self.shift))
        return zero.products + zero.products_low

    @property
    def covariance(self) -> Array:
        """Return the (k, k) covariance, scatter / n (maximum likelihood, not n − 1)."""
        return self.scatter / self.rows


def moments(table: ArrayLike) -> Moments:
    """Return the moments of a table.

    Args:
        table: (n, k) finite numbers, n ≥ 1; for least squares the features first and the target last.

    Raises:
        ValueError: If `table` is not a table with rows, or holds a value that is not finite.
    """
    array = np.asarray(table)
    if array.ndim != 2 or 0 in array.shape:
        message = (
            f"`table` must be a table (n, k) with at least one row and one column, got shape {array.shape}"
        )
        raise ValueError(message)
    return column_moments(list(array.T))


def column_moments(columns: Sequence[NDArray[Any]], shift: Array | None = None) -> Moments:
    """Return the moments of k columns (n,) of any numeric types, about a shift (k,).

    By default the shift is near the mean; moments about the same shift merge at the least cost.

    Raises:
        ValueError: If a value is not finite.
    """
    k, rows = len(columns), len(columns[0])
    if shift is None:
        shift = np.array([np.mean(column[:BLOCK], dtype=np.float64) for column in columns])
    sums: DoubleDouble = (np.zeros(k), np.zeros(k))
    products: DoubleDouble = (np.zeros((k, k)), np.zeros((k, k)))
    for start in range(0, rows, BLOCKS * BLOCK):
        group = [column[start : start + BLOCKS * BLOCK] for column in columns]
        total, squares = _plain_sums(group, shift)
        sums = _add(sums, (total, np.zeros(k)))
        products = _add(products, (squares, np.zeros((k, k))))
    if not (np.isfinite(sums[0]).all() and np.isfinite(products[0]).all()):
        message = (
            "the columns hold values that are not finite or too large to square; drop or repair those rows"
        )
        raise ValueError(message)
    return Moments(rows, shift, *sums, *products)


def _plain_sums(columns: Sequence[NDArray[Any]], shift: Array) -> tuple[Array, Array]:
    """Return Σ(x − shift) (k,) and Σ(x − shift)(x − shift)ᵀ (k, k) of a few blocks in plain float64."""
    k, rows = len(columns), len(columns[0])
    block = np.empty((k, min(BLOCK, rows)))
    sums, products = np.zeros(k), np.zeros((k, k))
    for start in range(0, rows, BLOCK):
        part = block[:, : min(BLOCK, rows - start)]
        for row, column, origin in zip(part, columns, shift, strict=True):
            np.subtract(column[start : start + BLOCK], origin, out=row, dtype=np.float64)
        sums += part.sum(axis=1)
        products += part @ part.T
    return sums, products


def merge(a: Moments, b: Moments) -> Moments:
    """Return the moments of the rows of `a` and `b` together.

    Raises:
        ValueError: If they describe different numbers of columns.
    """
    if a.shift.shape != b.shift.shape:
        sizes = f"{a.shift.size} and of {b.shift.size}"
        message = f"moments of {sizes} columns cannot be merged; use the same columns for every part"
        raise ValueError(message)
    b = _rebased(b, a.shift)
    sums = _add((a.sums, a.sums_low), (b.sums, b.sums_low))
    products = _add((a.products, a.products_low), (b.products, b.products_low))
    return Moments(a.rows + b.rows, a.shift, *sums, *products)


def _rebased(m: Moments, shift: Array) -> Moments:
    """Return the same moments about another shift.

    With d = old − new, Σ(s + d)(s + d)ᵀ = Σssᵀ + d(Σs)ᵀ + (Σs)dᵀ + n·ddᵀ.
    """
    d = _two_sum(m.shift, -shift)
    rows = (np.full_like(shift, m.rows), np.zeros_like(shift))
    sums = (m.sums, m.sums_low)
    rows_d = _multiply(rows, d)
    cross = _outer(d, sums)
    products = _add((m.products, m.products_low), _add(cross, (cross[0].T, cross[1].T)))
    return Moments(m.rows, shift, *_add(sums, rows_d), *_add(products, _outer(d, rows_d)))


# Double-double arithmetic: T. J. Dekker, "A floating-point technique for extending the available
# precision", 1971.


def _two_sum(a: Array, b: Array) -> DoubleDouble:
    total = a + b
    c = total - a
    return total, (a - (total - c)) + (b - c)


def _add(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    high, low = _two_sum(a[0], b[0])
    tail, rest = _two_sum(a[1], b[1])
    high, low = _two_sum(high, low + tail)
    return _two_sum(high, low + rest)


def _split(a: Array) -> DoubleDouble:
    c = a * 134217729.0  # 2²⁷ + 1
    high = c - (c - a)
    return high, a - high


def _multiply(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    product = a[0] * b[0]
    (ah, al), (bh, bl) = _split(a[0]), _split(b[0])
    error = ((ah * bh - product) + ah * bl + al * bh) + al * bl
    return _two_sum(product, error + (a[0] * b[1] + a[1] * b[0]))


def _outer(a: DoubleDouble, b: DoubleDouble) -> DoubleDouble:
    return _multiply((a[0][:, None], a[1][:, None]), (b[0][None, :], b[1][None, :]))


def _divide(a: DoubleDouble, n: int) -> DoubleDouble:
    divisor = np.full_like(a[0], n)
    quotient = a[0] / divisor
    back = _multiply((quotient, np.zeros_like(quotient)), (divisor, np.zeros_like(divisor)))
    rest = _add(a, (-back[0], -back[1]))
    return _two_sum(quotient, (rest[0] + rest[1]) / divisor)
