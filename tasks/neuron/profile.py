"""A look at a whole table in one pass, some rows at a time: its moments, its range, and a few of its rows.

What is kept does not grow with the table: the moments are mergeable, the rows are a sample without replacement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array, Moments, column_moments, merge
from tasks.neuron.parts import Batch, Part, batches_of, precise_moments


@dataclass(frozen=True, slots=True, eq=False)
class TableProfile:
    """Hold what is known of the columns, in the order of `Batch.columns`: the features, and then the target.

    Attributes:
        moments: Of the columns.
        lowest: (d + 1,) smallest values.
        highest: (d + 1,) largest values.
        sample: Some of the rows in float64, in the table's order; all of them where they are few.
    """

    moments: Moments
    lowest: Array
    highest: Array
    sample: Batch

    @property
    def deviation(self) -> Array:
        """Return the (d + 1,) standard deviations, √(scatter / (n − 1)); NaN for a single row."""
        freedom = self.moments.rows - 1
        spread = np.sqrt(np.maximum(np.diag(self.moments.scatter), 0.0))
        return spread / np.sqrt(freedom) if freedom else np.full_like(spread, np.nan)


def profile(parts: Sequence[Part], most: int, seed: int = 0) -> TableProfile:
    """Look at every row of a table once; twice where the moments of nearly dependent columns ask for it.

    Args:
        parts: Of the rows; the moments are merged in their order, as `all_moments` does.
        most: Rows to keep.
        seed: Of their choice.

    Raises:
        ValueError: If a part holds no rows.
    """
    counts = [part.rows for part in parts]
    chosen = _chosen(sum(counts), most, seed)
    starts = accumulate(counts[:-1], initial=0)
    found = reduce(
        _joined, (_part_profile(part, chosen, start) for part, start in zip(parts, starts, strict=True))
    )
    return replace(found, moments=precise_moments(parts, found.moments))


def _chosen(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def _part_profile(part: Part, chosen: NDArray[np.int64], start: int) -> TableProfile:
    """Look at the rows of one part, which begins at row `start` of the table."""
    total: TableProfile | None = None
    for batch in batches_of(part):
        columns = batch.columns
        shift = None if total is None else total.moments.shift
        found = TableProfile(
            column_moments(columns, shift),
            np.array([column.min() for column in columns], np.float64),
            np.array([column.max() for column in columns], np.float64),
            _rows(batch, chosen, start),
        )
        total = found if total is None else _joined(total, found)
        start += batch.rows
    if total is None:
        raise ValueError("a part holds no rows; leave empty files out")
    return total


def _rows(batch: Batch, chosen: NDArray[np.int64], start: int) -> Batch:
    """Return a batch's chosen rows, where the batch begins at row `start` of the table."""
    first, last = np.searchsorted(chosen, [start, start + batch.rows])
    places = chosen[first:last] - start
    *features, target = (np.asarray(column[places], dtype=np.float64) for column in batch.columns)
    return Batch(features, target)


def _joined(a: TableProfile, b: TableProfile) -> TableProfile:
    pairs = zip(a.sample.columns, b.sample.columns, strict=True)
    *features, target = (np.concatenate(pair) for pair in pairs)
    return TableProfile(
        merge(a.moments, b.moments),
        np.minimum(a.lowest, b.lowest),
        np.maximum(a.highest, b.highest),
        Batch(features, target),
    )
