"""Standard errors of least squares that do not assume equal variances or independent rows.

In the orthonormal coordinates q = (1/√n, (x − centre)·inverse) of the factor, in which the Gram matrix is the identity,
the covariance of the fit is the meat of the sandwich alone:

    HC0..HC3   Σ ω·e²·qqᵀ with ω = 1, n / (n − k), 1 / (1 − h), 1 / (1 − h)²
    cluster    c·Σ_g s_g·s_gᵀ with s_g = Σ e·q over the rows of cluster g, c = G / (G − 1) · (n − 1) / (n − k)

with residuals e, leverages h, k parameters and G clusters: H. White, 1980; J. G. MacKinnon and H. White, 1985; K.-Y.
Liang and S. L. Zeger, 1986. The t tests take n − k degrees of freedom, and G − 1 with clusters. Rows with weights w are
rows of plain least squares once they are multiplied by √w, the 1 of the bias included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, Part, batches_of

Robust: TypeAlias = Literal["HC0", "HC1", "HC2", "HC3"]

BLOCK = 8192  # rows whose coordinates are held at a time
MET = 1 - 1e-10  # leverage from which a row is met exactly, whatever its target
MOST_SUMS = 2**26  # numbers that the sums of all clusters may have: 512 MiB


@dataclass(frozen=True, slots=True, eq=False)
class RobustErrors:
    """Hold standard errors of d weights and the bias, NaN where unknown, and the t tests' degrees of freedom."""

    weights: Array
    bias: float
    degrees: int


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """Hold which cluster each row of a part is of: codes (m,) into the names, which are the same in all parts."""

    codes: NDArray[np.int32]
    names: Sequence[object]


def robust_errors(parts: Iterable[Part], reference: LeastSquares, kind: Robust) -> RobustErrors:
    """Return heteroscedasticity-consistent errors, by one pass over the rows that the reference was fitted to.

    Where a row has leverage 1, HC2 and HC3 are not defined: all errors are NaN.
    """
    size, freedom = reference.parameters, reference.degrees_of_freedom
    meat, seen = np.zeros((size, size)), 0
    for part in parts:
        for batch in batches_of(part):
            seen += batch.rows
            for q, e, h in _coordinates(batch, reference):
                meat += (q * _weights(kind, e, h)[:, None]).T @ q
    if kind == "HC1":
        meat *= reference.rows / freedom if freedom else np.nan
    return _errors(meat * reference.rows / seen, reference, freedom)


def cluster_errors(parts: Iterable[tuple[Part, Clusters]], reference: LeastSquares) -> RobustErrors:
    """Return cluster-robust errors, by one pass over the rows; memory grows with the number of clusters.

    Raises:
        ValueError: If there is a single cluster, or so many that their sums would not fit into memory.
    """
    sums: dict[object, Array] = {}
    for part, clusters in parts:
        if len(sums.keys() | set(clusters.names)) * reference.parameters > MOST_SUMS:
            raise ValueError(
                f"`cluster` has more than {MOST_SUMS // reference.parameters:,} levels; choose a coarser column"
            )
        own, start = np.zeros((len(clusters.names), reference.parameters)), 0
        for batch in batches_of(part):
            for q, e, _ in _coordinates(batch, reference):
                np.add.at(own, clusters.codes[start : start + len(e)], q * e[:, None])
                start += len(e)
        for name, added in zip(clusters.names, own, strict=True):
            sums[name] = sums[name] + added if name in sums else added
    count, freedom = len(sums), reference.degrees_of_freedom
    if count < 2:
        raise ValueError("`cluster` has a single level in the training rows; choose a column with several")
    scores = np.array(list(sums.values()))
    factor = count / (count - 1) * (reference.rows - 1) / freedom if freedom else np.nan
    return _errors(scores.T @ scores * factor, reference, count - 1)


def _coordinates(batch: Batch, reference: LeastSquares) -> Iterator[tuple[Array, Array, Array]]:
    """Yield coordinates q (m, k), residuals (m,) and leverages (m,) of a batch's rows, some at a time."""
    factor = reference.factor
    for start in range(0, batch.rows, BLOCK):
        some = batch.cut(start, start + BLOCK)
        matrix = some.matrix
        q = (matrix - factor.centre) @ factor.inverse
        if factor.has_bias:
            q = np.column_stack([np.full(len(q), factor.total**-0.5), q])
        residuals = some.target - (matrix @ reference.weights + reference.bias)
        if (roots := some.roots) is not None:
            q, residuals = q * roots[:, None], residuals * roots
        yield q, residuals, np.square(q).sum(axis=1)


def _weights(kind: Robust, residuals: Array, leverage: Array) -> Array:
    if kind in ("HC0", "HC1"):
        return residuals**2
    room = np.where(leverage < MET, 1 - leverage, np.nan)
    return residuals**2 / (room if kind == "HC2" else room**2)


def _errors(meat: Array, reference: LeastSquares, degrees: int) -> RobustErrors:
    """Return √(vᵀ·meat·v), v being the coordinates of each weight and of the bias."""
    factor = reference.factor
    loadings = factor.inverse
    bias = np.zeros(0)
    if factor.has_bias:
        loadings = np.column_stack([np.zeros(len(loadings)), loadings])
        bias = np.append(factor.total**-0.5, -factor.centre @ factor.inverse)
    weights = np.sqrt(np.einsum("ij,jk,ik->i", loadings, meat, loadings))
    weights[list(reference.dropped)] = np.nan
    offset = float(np.sqrt(bias @ meat @ bias)) if factor.has_bias else float("nan")
    return RobustErrors(weights, offset, degrees)
