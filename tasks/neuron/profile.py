"""A look at a whole table in one pass, some rows at a time: its moments, its range, and a few of its rows.

What is kept does not grow with the table: the moments are mergeable, the rows are a sample without replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array, Moments, column_moments, merge
from tasks.neuron.parts import Part, batches_of


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


def profile(parts: Sequence[Part], most: int, seed: int = 0) -> TableProfile:
    """Look at every row of a table once.

    Args:
        parts: Of the rows; the moments are merged in their order, as `all_moments` does.
        most: Rows to keep.
        seed: Of their choice.

    Raises:
        ValueError: there are no rows.
    """
    chosen = _chosen(sum(part.rows for part in parts), most, seed)
    starts = accumulate((part.rows for part in parts), initial=0)
    return reduce(
        _joined, (_part_profile(part, chosen, start) for part, start in zip(parts, starts, strict=False))
    )


def _part_profile(part: Part, chosen: NDArray[np.int64], start: int) -> TableProfile:
    """Look at the rows of one part, which begins at row `start` of the table."""
    total: TableProfile | None = None
    for columns in batches_of(part):
        shift = None if total is None else total.moments.shift
        found = TableProfile(
            column_moments(columns, shift),
            np.array([column.min() for column in columns], np.float64),
            np.array([column.max() for column in columns], np.float64),
            _rows(columns, chosen, start),
        )
        total = found if total is None else _joined(total, found)
        start += len(columns[-1])
    if total is None:
        raise ValueError("a part holds no rows; leave empty files out")
    return total


def _chosen(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def _joined(a: TableProfile, b: TableProfile) -> TableProfile:
    return TableProfile(
        merge(a.moments, b.moments),
        np.minimum(a.lowest, b.lowest),
        np.maximum(a.highest, b.highest),
        np.concatenate([a.sample, b.sample]),
    )


def _rows(columns: Sequence[NDArray[Any]], chosen: NDArray[np.int64], start: int) -> Array:
    """Return those of a batch's rows (m, k) that were chosen; the batch begins at row `start` of the table."""
    first, last = np.searchsorted(chosen, [start, start + len(columns[0])])
    places = chosen[first:last] - start
    return np.column_stack([np.asarray(column[places], dtype=np.float64) for column in columns])
