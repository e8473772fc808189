"""Powers of a number over rows: the triangular factor from which means, deviations and orthogonal polynomials are read.

The columns 1, y, …, yᵈ of y = x − centre over n rows are Q·R, of which R (d + 1, d + 1) alone is kept. Two are merged
by the R of both, one below the other, once their powers are about one centre: J. Demmel and others,
"Communication-optimal parallel and sequential QR and LU factorizations", 2012. So rows are read once and in any parts,
and what is found has the accuracy of R's own `poly`, which takes the QR of all rows at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import comb

import numpy as np

from tasks.table.terms.expression import Vector

# Rows of which one factor is made.
BLOCK = 2**16
# A power that lies so close to the span of lower ones, relative to its length, is one of them but for rounding.
DEPENDENT = 1e-14


@dataclass(frozen=True, slots=True, eq=False)
class PowerFactor:
    """The factor R of some rows, whose powers are about a centre; NaN where a power is too large for a float."""

    rows: int
    centre: float
    factor: Vector

    def __add__(self, other: "PowerFactor") -> "PowerFactor":
        """Return the factor of the rows of both."""
        if not (self.rows and other.rows):
            return self if self.rows else other
        rows = self.rows + other.rows
        centre = self.centre + (other.centre - self.centre) * (other.rows / rows)
        return PowerFactor(rows, centre, _factor(np.concatenate([self.about(centre), other.about(centre)])))

    @property
    def mean(self) -> float:
        """The mean of x."""
        return float(self.centre + self.factor[0, 1] / self.factor[0, 0])

    @property
    def squares(self) -> float:
        """The sum of squares of x about its mean."""
        return float(self.factor[1, 1] ** 2)

    @property
    def is_finite(self) -> bool:
        """Whether no power is too large for a float."""
        return bool(np.isfinite(self.factor).all())

    @property
    def rank(self) -> int:
        """How many powers, the constant among them, do not depend on lower ones: at most as many as x has values."""
        lengths = np.linalg.norm(self.factor, axis=0)
        least = DEPENDENT * lengths
        # Equal values differ from their rounded mean.
        least[1] += 4 * np.finfo(np.float64).eps * abs(self.centre) * np.sqrt(self.rows)
        is_new = np.abs(np.diag(self.factor)) > least
        return len(is_new) if is_new.all() else int(np.argmin(is_new))

    def about(self, centre: float) -> Vector:
        """Return the factor of the powers about another centre; it is triangular too."""
        powers = range(len(self.factor))
        with np.errstate(over="ignore", invalid="ignore"):
            of_shift = np.float64(self.centre - centre) ** np.arange(len(self.factor))
            moved = [[comb(j, k) * of_shift[max(j - k, 0)] for j in powers] for k in powers]
            return np.asarray(self.factor @ np.array(moved))

    def means_of_powers(self) -> list[float]:
        """Return the means of x, x², …, xᵈ."""
        about_zero = self.about(0.0)
        return [float(each / about_zero[0, 0]) for each in about_zero[0, 1:]]

    def orthogonal(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return `alpha` (d) and `norm2` (d + 2) of the orthogonal polynomials, as R's `poly` keeps them.

        With the polynomials pⱼ, whose highest power has the factor 1, yʲ is pⱼ + sⱼ·pⱼ₋₁ + …, where
        sⱼ = Rⱼ₋₁,ⱼ / Rⱼ₋₁,ⱼ₋₁; and y·pⱼ is pⱼ₊₁ + αⱼ·pⱼ + …, so that αⱼ = sⱼ₊₁ − sⱼ. The length of pⱼ is |Rⱼⱼ|.
        """
        diagonal = np.diag(self.factor)
        sums = np.concatenate([[0.0], np.diag(self.factor, 1) / diagonal[:-1]])
        alpha = np.diff(sums) + self.centre
        return tuple(alpha.tolist()), (1.0, float(self.rows), *(diagonal[1:] ** 2).tolist())


def powers_of(values: Vector, degree: int) -> PowerFactor:
    """Return the factor of the powers up to a degree of numbers (m,); NaN is left out."""
    known = values[~np.isnan(values)]
    blocks = (known[start : start + BLOCK] for start in range(0, len(known), BLOCK))
    empty = PowerFactor(0, 0.0, np.zeros((degree + 1, degree + 1)))
    return reduce(lambda found, block: found + _powers_of_block(block, degree), blocks, empty)


def _powers_of_block(values: Vector, degree: int) -> PowerFactor:
    centre = float(values.mean())
    with np.errstate(over="ignore", invalid="ignore"):
        columns = np.vander(values - centre, degree + 1, increasing=True)
    return PowerFactor(len(values), centre, _factor(columns))


def _factor(columns: Vector) -> Vector:
    """Return R of columns (m, d + 1) as a square, also where m is less."""
    size = columns.shape[1]
    if not np.isfinite(columns).all():
        return np.full((size, size), np.nan)
    found = np.linalg.qr(columns, mode="r")
    return np.concatenate([found, np.zeros((size - len(found), size))])


def orthogonal_columns(x: Vector, alpha: Sequence[float], norm2: Sequence[float]) -> list[Vector]:
    """Return the orthogonal polynomials of numbers (m,) by degree, each of length 1 over the training rows.

    The recurrence is that of R's `predict.poly`: W. J. Kennedy and J. E. Gentle, "Statistical Computing", 1980,
    pages 343 to 344.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found: list[Vector] = [np.ones_like(x)]
        for place, centre in enumerate(alpha):
            following = (x - centre) * found[place]
            if place:
                following = following - norm2[place + 1] / norm2[place] * found[place - 1]
            found.append(following)
        return [each / np.sqrt(norm2[place + 1]) for place, each in enumerate(found)][1:]


def monic(alpha: Sequence[float], norm2: Sequence[float], centre: float) -> list[list[Fraction]]:
    """Return the same polynomials, exactly, by their factors of 1, x − centre, …; that of the highest power is 1."""
    found = [[Fraction(1)]]
    for place, each in enumerate(alpha):
        shift = Fraction(centre) - Fraction(each)
        before = found[place]
        following = [Fraction(0), *before]
        for power, factor in enumerate(before):
            following[power] += shift * factor
        if place:
            ratio = Fraction(norm2[place + 1]) / Fraction(norm2[place])
            for power, factor in enumerate(found[place - 1]):
                following[power] -= ratio * factor
        found.append(following)
    return found
