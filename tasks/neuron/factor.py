"""One triangular factor of the features, and the one decision about their rank.

Least squares, whitening, leverage, variance inflation, the verdict and the report's notes all read this factor, so that
a column that is dropped is dropped everywhere.

The factor is that of the QR decomposition of the centred columns, found by Cholesky's method from their moments. That
squares the condition number; the moments and the factorisation are therefore carried in double-double arithmetic.

**The rank.** Stored numbers are rounded: a column x is known to u = ε·‖x‖, of which centring loses nothing while it
makes the column itself shorter. A column depends on those before it when its distance from their span is no more than
`TOLERANCE` times what the rounding of all the columns involved can make it, √(u² + Σ(c·u_k)²), c being the
coefficients of its regression on them. A constant column is the case without columns before it.

A dropped column gets weight 0. That is one solution among many with the same predictions, so the weights of all columns
that take part in the dependence are called undetermined.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.double_double import Array, Pair, divide, outer, pair, product, root, subtract
from tasks.neuron.moments import Moments

EPSILON = float(np.finfo(np.float64).eps)
TOLERANCE = 4.0  # times the rounding of the stored columns; a constant column's mean rounds by less than one
INVOLVED = EPSILON**0.5  # share of a column's length from which another one takes part in a dependence
WIDE = (
    256  # columns above which LAPACK's Cholesky is tried first: the one in pairs takes seconds from there on
)
WELL = 1e3  # largest variance inflation for which LAPACK's is taken: it loses three digits then


@dataclass(frozen=True, slots=True, eq=False)
class Factor:
    """Hold the factor of n rows of d features, x − centre = Q·root with orthonormal Q (n, r).

    Attributes:
        rows: Number of rows n.
        centre: (d,) feature means; zeros without bias.
        kept: (r,) the independent columns.
        root: (r, d) upper triangular in the kept columns; of a dropped one, what the kept ones make of it.
        inverse: (d, r) with (x − centre)·inverse = Q; zeros for dropped columns.
        dependences: For each dropped column the columns that take part, itself last; alone where it is constant.
        has_bias: Whether the model has a bias.
        exact_inverse: (r, r) of the kept columns in units of `scale`, as a pair.
        scale: (d,) powers of two that bring the columns' lengths near 1.
        weight: Sum of the rows' weights W, with which QᵀWQ is the identity; None where they have none.
    """

    rows: int
    centre: Array
    kept: NDArray[np.intp]
    root: Array
    inverse: Array
    dependences: tuple[tuple[int, ...], ...]
    has_bias: bool
    exact_inverse: Pair
    scale: Array
    weight: float | None = None

    @property
    def total(self) -> float:
        """Return the sum of the weights: the number of rows where they have none."""
        return self.rows if self.weight is None else self.weight

    @property
    def rank(self) -> int:
        """Return the number of independent columns r."""
        return len(self.kept)

    @property
    def dropped(self) -> tuple[int, ...]:
        """Return the columns that are constant or depend on those before them."""
        return tuple(members[-1] for members in self.dependences)

    @property
    def undetermined(self) -> tuple[tuple[int, ...], ...]:
        """Return the sets of columns whose weights are not determined; those that share a column are one set."""
        sets: list[set[int]] = []
        for members in map(set, self.dependences):
            touched = [each for each in sets if each & members]
            sets = [each for each in sets if not each & members] + [members.union(*touched)]
        return tuple(sorted(tuple(sorted(each)) for each in sets))

    @property
    def lengths(self) -> Array:
        """Return the (r,) lengths ‖x − centre‖ of the kept columns."""
        return np.asarray(np.linalg.norm(self.root[:, self.kept], axis=0))

    @property
    def inflation(self) -> Array:
        """Return the (r,) variance inflations 1 / (1 − R²ⱼ), of each kept column regressed on the others."""
        return np.asarray((np.linalg.norm(self.inverse[self.kept], axis=1) * self.lengths) ** 2)

    def moved(self, weights: Array, bias: float) -> tuple[Array, float]:
        """Return the solution (d,) with the same predictions in which dropped columns have weight 0."""
        if not self.dependences:
            return weights, bias
        dropped = list(self.dropped)
        onto = np.zeros_like(weights)
        onto[self.kept] = weights[self.kept] + self.inverse[self.kept] @ (
            self.root[:, dropped] @ weights[dropped]
        )
        if self.has_bias:
            bias += float(self.centre @ (weights - onto))
        return onto, bias

    def leverage(self, features: Array) -> Array:
        """Return the diagonal of the hat matrix at features (m, d): 1/n + ‖(x − centre)·inverse‖², at most 1.

        Of weighted rows, it is their share for a weight of 1.
        """
        h = np.square((features - self.centre) @ self.inverse).sum(axis=1)
        h += 1 / self.total if self.has_bias else 0.0
        return np.asarray(np.minimum(h, 1.0) if self.weight is None else h)


def second_moments(m: Moments, *, bias: bool) -> Pair:
    """Return Σ(x − mean)(x − mean)ᵀ of all columns (k, k), about zero without bias."""
    return m.scatter_pair if bias else m.gram_pair


def factorised(m: Moments, *, bias: bool = True) -> Factor:
    """Return the factor of the features.

    Args:
        m: Moments of (n, d + 1) columns, the target last.
        bias: Whether the model has a bias.
    """
    d = len(m.shift) - 1
    second = second_moments(m, bias=bias).at(slice(d), slice(d))
    scale = power_of_two(np.sqrt(np.maximum(np.diag(second.high), 0.0)))
    scaled = Pair(second.high * scale * scale[:, None], second.low * scale * scale[:, None])
    found = _triangles(scaled, EPSILON * m.lengths[:d] * scale)

    kept = np.asarray(found.kept, dtype=np.intp)
    inverse = np.zeros((d, len(kept)))
    inverse[kept] = found.inverse.high * scale[kept, None]
    return Factor(
        rows=m.rows,
        centre=m.mean[:d] if bias else np.zeros(d),
        kept=kept,
        root=found.root.high / scale,
        inverse=inverse,
        dependences=tuple(found.dependences),
        has_bias=bias,
        exact_inverse=found.inverse,
        scale=scale,
        weight=m.weight,
    )


def power_of_two(size: Array) -> Array:
    """Return powers of two that bring sizes near 1, which multiply without rounding; 1 for a size of 0."""
    return np.asarray(np.exp2(-np.round(np.log2(np.where(size > 0, size, 1.0)))))


@dataclass(frozen=True, slots=True, eq=False)
class _Triangles:
    """Hold the root (r, d), the inverse (r, r) of its kept columns, which these are, and the dependences."""

    root: Pair
    inverse: Pair
    kept: list[int]
    dependences: list[tuple[int, ...]]


def _triangles(gram: Pair, rounding: Array) -> _Triangles:
    """Factorise a Gram matrix (d, d) of columns that are known to `rounding` (d,)."""
    if len(rounding) > WIDE and (found := _by_lapack(gram, rounding)):
        return found
    return _in_pairs(gram, rounding)


def _by_lapack(gram: Pair, rounding: Array) -> _Triangles | None:
    """Factorise in float64, if all columns are independent by far."""
    try:
        lower = np.linalg.cholesky(gram.high)
    except np.linalg.LinAlgError:
        return None
    inverse = np.linalg.inv(lower).T
    if (inverse**2).sum(axis=1).max() > WELL or _independence(inverse, rounding).min() <= TOLERANCE:
        return None
    return _Triangles(pair(lower.T), pair(inverse), list(range(len(rounding))), [])


def _in_pairs(gram: Pair, rounding: Array) -> _Triangles:
    """Factorise in double-double arithmetic, column by column, leaving out what depends on those before."""
    size = len(rounding)
    rest = Pair(gram.high.copy(), gram.low.copy())  # what the columns kept so far leave of the Gram matrix
    triangle, inverse = pair(np.zeros((size, size))), pair(np.zeros((size, size)))
    kept: list[int] = []
    dependences: list[tuple[int, ...]] = []
    for j in range(size):
        rank = len(kept)
        head = triangle.at(slice(rank), j)
        # The regression of column j on those kept: minus what it adds to the inverse, see below.
        share = product(inverse.at(slice(rank), slice(rank)), head)
        limit = rounding[j] ** 2 + float(np.square(share.high * rounding[kept]).sum())
        if not rest.high[j, j] > TOLERANCE**2 * limit:
            involved = np.flatnonzero(np.abs(share.high) > INVOLVED)
            dependences.append((*(kept[k] for k in involved), j))
            continue

        pivot = root(rest.at(j, j))
        row = divide(rest.at(j), pivot)
        triangle.put(row, rank)
        # [R h; 0 p]⁻¹ = [R⁻¹ −R⁻¹h/p; 0 1/p]
        added = divide(share, pivot)
        inverse.put(Pair(-added.high, -added.low), slice(rank), rank)
        inverse.put(divide(pair(1.0), pivot), rank, rank)
        below = row.at(slice(j + 1, None))
        corner = (slice(j + 1, None), slice(j + 1, None))
        rest.put(subtract(rest.at(*corner), outer(below, below)), *corner)
        triangle.high[rank, :j] = triangle.low[rank, :j] = 0.0
        kept.append(j)
    r = slice(len(kept))
    return _Triangles(triangle.at(r), inverse.at(r, r), kept, dependences)


def _independence(inverse: Array, rounding: Array) -> Array:
    """Return each column's (r,) distance from those before it, in units of the rounding of all that are involved."""
    return np.asarray(1 / np.sqrt(np.square(inverse * rounding[:, None]).sum(axis=0)))
