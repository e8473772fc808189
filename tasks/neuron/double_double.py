"""Double-double arithmetic: numbers as unevaluated sums high + low of two float64, about 106 bits.

T. J. Dekker, "A floating-point technique for extending the available precision", 1971. All operations are elementwise
and broadcast as NumPy's do.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

SPLITTER = 134217729.0  # 2²⁷ + 1 halves the bits of a float64


class Pair(NamedTuple):
    """Hold numbers as high + low, |low| at most half a unit in the last place of high."""

    high: Array
    low: Array

    @property
    def rounded(self) -> Array:
        """Return the nearest float64."""
        return self.high + self.low

    def at(self, *index: object) -> Pair:
        """Return some of the numbers, by NumPy's indices."""
        return Pair(self.high[index], self.low[index])  # type: ignore[index]

    def put(self, value: Pair, *index: object) -> None:
        """Replace some of the numbers, in place."""
        self.high[index], self.low[index] = value  # type: ignore[index]

    @property
    def transposed(self) -> Pair:
        """Return the same numbers with the axes exchanged."""
        return Pair(self.high.T, self.low.T)


def pair(value: ArrayLike) -> Pair:
    """Return float64 numbers as pairs."""
    high = np.array(value, dtype=np.float64)
    return Pair(high, np.zeros_like(high))


def two_sum(a: Array, b: Array) -> Pair:
    """Return a + b, exactly."""
    total = a + b
    c = total - a
    return Pair(total, (a - (total - c)) + (b - c))


def add(a: Pair, b: Pair) -> Pair:
    """Return a + b."""
    high, low = two_sum(a.high, b.high)
    tail, rest = two_sum(a.low, b.low)
    high, low = two_sum(high, low + tail)
    return two_sum(high, low + rest)


def subtract(a: Pair, b: Pair) -> Pair:
    """Return a − b."""
    return add(a, Pair(-b.high, -b.low))


def multiply(a: Pair, b: Pair) -> Pair:
    """Return a·b."""
    product = a.high * b.high
    (ah, al), (bh, bl) = _halves(a.high), _halves(b.high)
    error = ((ah * bh - product) + ah * bl + al * bh) + al * bl
    return two_sum(product, error + (a.high * b.low + a.low * b.high))


def divide(a: Pair, b: Pair) -> Pair:
    """Return a / b: two float64 quotients, the second of what the first leaves."""
    quotient = a.high / b.high
    rest = subtract(a, multiply(Pair(quotient, np.zeros_like(quotient)), b))
    return two_sum(quotient, rest.rounded / b.high)


def root(a: Pair) -> Pair:
    """Return √a of positive numbers, by one Newton step from float64's."""
    first = np.sqrt(a.high)
    rest = subtract(a, multiply(Pair(first, np.zeros_like(first)), Pair(first, np.zeros_like(first))))
    return two_sum(first, rest.rounded / (2 * first))


def outer(a: Pair, b: Pair) -> Pair:
    """Return the products (m, n) of m and n numbers."""
    return multiply(a.at(slice(None), None), b.at(None, slice(None)))


def product(matrix: Pair, vector: Pair) -> Pair:
    """Return matrix (m, n) times vector (n,)."""
    return total(multiply(matrix.transposed, vector.at(slice(None), None)))


def total(a: Pair) -> Pair:
    """Return the sums over the first axis."""
    if not len(a.high):
        return pair(np.zeros(a.high.shape[1:]))
    while len(a.high) > 1:  # by halves: log₂ n vectorised additions
        half = len(a.high) // 2
        joined = add(a.at(slice(half)), a.at(slice(half, 2 * half)))
        rest = a.at(slice(2 * half, None))
        a = Pair(np.concatenate([joined.high, rest.high]), np.concatenate([joined.low, rest.low]))
    return a.at(0)


def _halves(a: Array) -> tuple[Array, Array]:
    c = a * SPLITTER
    high = c - (c - a)
    return high, a - high
