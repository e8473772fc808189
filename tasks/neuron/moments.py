"""Mergeable first and second moments of a table, as precise as what is made of them asks for.

One pass over the rows gives a `Moments`: row count, sums and Gram matrix about a shift. It is all that means,
covariance, whitening, least squares, rank and leverage need, and two of them merge, so that parts of a table can be
read anywhere.

What is added across blocks of rows, and across parts, is carried as a pair high + low (see `double_double`), so that
the order of the merges does not reach the figures. The products of a block are a matrix product in float64: rounded as
it stands, or exact where the rows are cut into slices first. A slice has at most 20 bits on a common grid, so that the
product of two slices of 8192 rows needs no more than 53 bits, and BLAS cannot round it, in whatever order it adds
(K. Ozaki, T. Ogita, S. Oishi and S. M. Rump, "Error-free transformations of matrix multiplication", 2012). With L
slices, the last one being all that is left, the products are good to 2^−(53 + 20·(L − 1)), at most to pairs' 2^−104.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.neuron import double_double
from tasks.neuron.double_double import Pair, add, divide, multiply, outer, pair, subtract, two_sum

Array: TypeAlias = double_double.Array

BLOCK = 8192  # rows of one matrix product: k columns of it stay in the second-level cache
BLOCKS = 16  # of float64 products that are added up before the sum goes into a pair
SLICE = 20  # bits: two slices' products, 8192 of them, fit into 53
CACHED = 2**15  # numbers that are cut at once
MOST_SLICES = 4  # that make pairs as precise as they can be
LARGEST = 1e140  # of x − shift, so that sums of squares, and what pairs add to them, stay finite
UNUSABLE = "the columns hold values that are not finite or too large to square; drop or repair those rows"
CHEAP = 2**24  # products up to which the most slices cost nothing to speak of: milliseconds


@dataclass(
    frozen=True, eq=False
)  # without slots: what is made of the sums is asked for again and again, and kept
class Moments:
    """Hold the sums of k columns and of their products, about a shift.

    Attributes:
        rows: Number of rows n.
        shift: (k,) reference point, close to the mean.
        sums: (k,) Σ(x − shift), and its low part.
        products: (k, k) Σ(x − shift)(x − shift)ᵀ, and its low part.
        weight: Sum of the rows' weights, by which each row counts in the sums; None where all count as one.
    """

    rows: int
    shift: Array
    sums: Array
    sums_low: Array
    products: Array
    products_low: Array
    weight: float | None = None

    @property
    def total(self) -> float:
        """Return the sum of the weights: the number of rows where they have none."""
        return self.rows if self.weight is None else self.weight

    @cached_property
    def mean_pair(self) -> Pair:
        """Return the (k,) means, in the columns' units."""
        return add(pair(self.shift), divide(Pair(self.sums, self.sums_low), pair(float(self.total))))

    @cached_property
    def scatter_pair(self) -> Pair:
        """Return the (k, k) centred sums of products.

        Σ(x − mean)(x − mean)ᵀ = Σssᵀ − (Σs)(Σs)ᵀ/n with s = x − shift.
        """
        sums = Pair(self.sums, self.sums_low)
        square = divide(outer(sums, sums), pair(float(self.total)))
        return subtract(Pair(self.products, self.products_low), square)

    @cached_property
    def gram_pair(self) -> Pair:
        """Return the (k, k) sums of products about zero, Σxxᵀ."""
        zero = _rebased(self, np.zeros_like(self.shift))
        return Pair(zero.products, zero.products_low)

    @property
    def mean(self) -> Array:
        """Return the (k,) means, in the columns' units."""
        return self.mean_pair.rounded

    @property
    def scatter(self) -> Array:
        """Return the (k, k) centred sums of products."""
        return self.scatter_pair.rounded

    @property
    def gram(self) -> Array:
        """Return the (k, k) sums of products about zero."""
        return self.gram_pair.rounded

    @property
    def lengths(self) -> Array:
        """Return the (k,) lengths ‖x‖ of the columns, about zero."""
        squares = np.diag(self.products) + self.shift * (2 * self.sums + self.total * self.shift)
        return np.asarray(np.sqrt(np.maximum(squares, 0.0)))

    @property
    def covariance(self) -> Array:
        """Return the (k, k) covariance, scatter / n (maximum likelihood, not n − 1)."""
        return self.scatter / self.total


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


def column_moments(
    columns: Sequence[NDArray[Any]],
    shift: Array | None = None,
    slices: int | None = None,
    weights: NDArray[Any] | None = None,
) -> Moments:
    """Return the moments of k columns (n,) of any numeric types.

    Args:
        columns: Of finite numbers.
        shift: (k,) near the means, by default a mean; moments about the same shift merge at the least cost.
        slices: Into which rows are cut before they are multiplied, 1 to 4; by default 4 where that is cheap, else 1.
        weights: (n,) by which rows count, > 0; all count as one by default.

    Raises:
        ValueError: If a value is not finite, or too large to square.
    """
    k, rows = len(columns), len(columns[0])
    if shift is None:
        shift = shift_of(columns)
    if slices is None:
        slices = MOST_SLICES if is_cheap(rows, k) else 1

    sums, products = pair(np.zeros(k)), pair(np.zeros((k, k)))
    group = BLOCK if slices > 1 else BLOCKS * BLOCK
    with np.errstate(over="ignore", invalid="ignore"):  # what is too large to square is looked for below
        for start in range(0, rows, group):
            some = [column[start : start + group] for column in columns]
            own = None if weights is None else weights[start : start + group].astype(np.float64, copy=False)
            added = _sliced_sums(some, shift, slices, own) if slices > 1 else _plain_sums(some, shift, own)
            sums, products = add(sums, added[0]), add(products, added[1])

    if not (np.isfinite(sums.high).all() and np.isfinite(products.high).all()):
        raise ValueError(UNUSABLE)
    weight = None if weights is None else float(np.sum(weights, dtype=np.float64))
    return Moments(rows, shift, *sums, *products, weight)


def shift_of(columns: Sequence[NDArray[Any]]) -> Array:
    """Return (k,) means of the first rows of columns."""
    return np.array([np.mean(column[:BLOCK], dtype=np.float64) for column in columns])


def is_cheap(rows: int, columns: int) -> bool:
    """Say whether a table is so small that its moments are made with the most slices at once."""
    return rows * columns**2 <= CHEAP


def _plain_sums(columns: Sequence[NDArray[Any]], shift: Array, weights: Array | None) -> tuple[Pair, Pair]:
    """Return Σ(x − shift) (k,) and Σ(x − shift)(x − shift)ᵀ (k, k) of a few blocks in plain float64."""
    k, rows = len(columns), len(columns[0])
    block = np.empty((k, min(BLOCK, rows)))
    sums, products = np.zeros(k), np.zeros((k, k))
    for start in range(0, rows, BLOCK):
        part = block[:, : min(BLOCK, rows - start)]
        for row, column, origin in zip(part, columns, shift, strict=True):
            np.subtract(column[start : start + BLOCK], origin, out=row, dtype=np.float64)
        counted = part if weights is None else part * weights[start : start + BLOCK]
        sums += counted.sum(axis=1)
        products += counted @ part.T
    if weights is not None:  # of two different matrices BLAS rounds the halves differently
        products = (products + products.T) / 2
    return pair(sums), pair(products)


def _sliced_sums(
    columns: Sequence[NDArray[Any]], shift: Array, count: int, weights: Array | None
) -> tuple[Pair, Pair]:
    """Return the same sums of a block, from slices of x − shift."""
    if weights is not None:
        return _weighted_sums(columns, shift, count, weights)
    k = len(columns)
    slices = _slices(columns, shift, count)
    sums, products = pair(np.zeros(k)), pair(np.zeros((k, k)))
    for i in reversed(range(count)):  # the small ones first
        sums = add(sums, pair(slices[i].sum(axis=1)))
        for j in reversed(range(i, count)):
            product = slices[i] @ slices[j].T
            products = add(products, pair(product) if i == j else two_sum(product, product.T))
    return sums, products


def _weighted_sums(
    columns: Sequence[NDArray[Any]], shift: Array, count: int, weights: Array
) -> tuple[Pair, Pair]:
    """Return Σw(x − shift) and Σw(x − shift)(x − shift)ᵀ, from slices of w·(x − shift) and of x − shift."""
    k = len(columns)
    counted, slices = _slices(columns, shift, count, weights), _slices(columns, shift, count)
    sums, products = pair(np.zeros(k)), pair(np.zeros((k, k)))
    for i in reversed(range(count)):
        sums = add(sums, pair(counted[i].sum(axis=1)))
        for j in reversed(range(count)):
            product = counted[i] @ slices[j].T / 2
            products = add(products, two_sum(product, product.T))
    return sums, products


def _slices(columns: Sequence[NDArray[Any]], shift: Array, count: int, weights: Array | None = None) -> Array:
    """Cut x − shift into `count` addends (count, k, m) of 20 bits each; the last one is all that is left.

    With weights (m,) what is cut is their product with x − shift.

    (x + 3·2ᵉ) − 3·2ᵉ rounds x to the last bit of 3·2ᵉ, which is 2ᵉ⁻⁵¹: with 2ᵉ = 2³¹·bound that leaves 20 bits of
    |x| ≤ bound.
    """
    k, rows = len(columns), len(columns[0])
    slices = np.empty((count, k, rows))
    together = max(1, CACHED // rows)
    for first in range(0, k, together):
        some = slice(first, first + together)
        values = np.stack(columns[some]).astype(np.float64, copy=False)
        with np.errstate(invalid="ignore"):  # infinite values are refused below
            high, low = two_sum(values, -shift[some, None])
            if weights is not None:
                high, low = multiply(Pair(high, low), pair(np.broadcast_to(weights, high.shape)))
        bound = np.abs(high).max(axis=1, keepdims=True)
        if not bound.max() < LARGEST:  # NaN too
            raise ValueError(UNUSABLE)
        exponent = np.ceil(np.log2(np.where(bound > 0, bound, 1.0)))
        for place in range(count - 1):
            grid = 3 * np.exp2(exponent + 51 - SLICE * (place + 1))
            slices[place, some] = (high + grid) - grid
            high -= slices[place, some]
        slices[-1, some] = high + low
    return slices


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
    sums = add(Pair(a.sums, a.sums_low), Pair(b.sums, b.sums_low))
    products = add(Pair(a.products, a.products_low), Pair(b.products, b.products_low))
    weight = None if a.weight is None or b.weight is None else a.weight + b.weight
    return Moments(a.rows + b.rows, a.shift, *sums, *products, weight)


def _rebased(m: Moments, shift: Array) -> Moments:
    """Return the same moments about another shift.

    With d = old − new, Σ(s + d)(s + d)ᵀ = Σssᵀ + d(Σs)ᵀ + (Σs)dᵀ + n·ddᵀ.
    """
    if np.array_equal(m.shift, shift):
        return m
    d = two_sum(m.shift, -shift)
    sums, products = Pair(m.sums, m.sums_low), Pair(m.products, m.products_low)
    rows_d = multiply(pair(np.full_like(shift, m.total)), d)
    cross = outer(d, sums)
    products = add(products, add(cross, cross.transposed))
    return Moments(m.rows, shift, *add(sums, rows_d), *add(products, outer(d, rows_d)), m.weight)
