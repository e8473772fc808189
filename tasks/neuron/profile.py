"""A look at a whole table in one pass, some rows at a time: its moments, its range, and a few of its rows.

What is kept does not grow with the table: the moments are mergeable, the rows are a sample without replacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array, Moments, merge, moments


@dataclass(frozen=True, slots=True, eq=False)
class TableProfile:
    """Hold what is known of k columns.

    Attributes:
        moments: Of the columns.
        lowest: (k,) smallest values.
        highest: (k,) largest values.
        sample: (m, k) some of the rows, in the table's order; all of them where they are few.
    """

    moments: Moments
    lowest: Array
    highest: Array
    sample: Array

    @property
    def deviation(self) -> Array:
        """Return the (k,) standard deviations, √(scatter / (n − 1)); NaN for a single row."""
        freedom = self.moments.rows - 1
        spread = np.sqrt(np.maximum(np.diag(self.moments.scatter), 0.0))
        return spread / np.sqrt(freedom) if freedom else np.full_like(spread, np.nan)


def profile(batches: Iterable[Sequence[NDArray[Any]]], rows: int, most: int, seed: int = 0) -> TableProfile:
    """Look at every row of a table once.

    Args:
        batches: Consecutive rows, each batch as k columns (m,).
        rows: How many there are in all.
        most: How many of them to keep.
        seed: Of the choice.
    """
    chosen = _chosen(rows, most, seed)
    samples, start = [], 0
    total: tuple[Moments, Array, Array] | None = None
    for columns in batches:
        seen = _look(columns)
        total = seen if total is None else _joined(total, seen)
        samples.append(_rows(columns, chosen, start))
        start += len(columns[0])
    if total is None or start != rows:
        raise ValueError(f"`rows` is {rows}, but the batches hold {start} rows")
    return TableProfile(*total, sample=np.concatenate(samples))


def _chosen(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def _look(columns: Sequence[NDArray[Any]]) -> tuple[Moments, Array, Array]:
    """Return moments, smallest and largest values of a batch."""
    table = np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])
    return moments(table), table.min(axis=0), table.max(axis=0)


def _joined(a: tuple[Moments, Array, Array], b: tuple[Moments, Array, Array]) -> tuple[Moments, Array, Array]:
    return merge(a[0], b[0]), np.minimum(a[1], b[1]), np.maximum(a[2], b[2])


def _rows(columns: Sequence[NDArray[Any]], chosen: NDArray[np.int64], start: int) -> Array:
    """Return those of a batch's rows (m, k) that were chosen; the batch begins at row `start` of the table."""
    first, last = np.searchsorted(chosen, [start, start + len(columns[0])])
    places = chosen[first:last] - start
    return np.column_stack([np.asarray(column[places], dtype=np.float64) for column in columns])
