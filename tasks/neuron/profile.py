"""A look at a whole table in one pass, some rows at a time: its moments, its range, and a few of its rows.

What is kept does not grow with the table: the moments are mergeable, the rows are a sample without replacement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array, Moments, column_moments, merge, shift_of
from tasks.neuron.parts import EMPTY, Batch, Part, batch_of, likely_slices, precise_moments
from tasks.neuron.workers import spread


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
        if self.moments.weight is not None:
            spread = spread * np.sqrt(self.moments.rows / self.moments.weight)
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
    profiler = Profiler(sum(part.rows for part in parts), most, seed)
    for part in parts:
        profiler.add(part)
    return profiler.finish(parts)


class Profiler:
    """Looks at a table whose parts come one after the other.

    Attributes:
        rows: Of the table.
        chosen: (m,) places of the rows that are kept, in ascending order.
    """

    def __init__(self, rows: int, most: int, seed: int = 0) -> None:
        """Start the profile of a table of `rows` rows, keeping a sample of at most `most`."""
        self.rows = rows
        self.chosen = _chosen(rows, most, seed)
        self._seen = 0
        self._slices = 0
        self._found: TableProfile | None = None

    def add(self, part: Part) -> None:
        """Look at the next part.

        Raises:
            ValueError: If it holds no rows.
        """
        self._slices = self._slices or likely_slices(part, self.rows)
        found = part_profile(part, self.chosen, self._seen, self._slices)
        self._found = found if self._found is None else joined(self._found, found)
        self._seen += part.rows

    def finish(self, parts: Sequence[Part]) -> TableProfile:
        """Return the profile; read the parts once more if their moments are not precise enough.

        Raises:
            ValueError: If no part was added.
        """
        if self._found is None:
            raise ValueError(EMPTY)
        return replace(self._found, moments=precise_moments(parts, self._found.moments, self._slices))


def _chosen(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def part_profile(part: Part, chosen: NDArray[np.int64], start: int, slices: int) -> TableProfile:
    """Look at the rows of one part, which begins at row `start` of the table."""
    batches = iter(part.batches())
    first = next(batches, None)
    if first is None:
        raise ValueError(EMPTY)
    shift = shift_of(first.columns)

    def found(placed: tuple[Batch, int]) -> TableProfile:
        batch, place = placed
        columns = batch.columns
        return TableProfile(
            column_moments(columns, shift, slices, batch.weights),
            np.array([column.min() for column in columns], np.float64),
            np.array([column.max() for column in columns], np.float64),
            _rows(batch, chosen, place),
        )

    return reduce(joined, spread(found, _placed(chain([first], batches), start)))


def _placed(batches: Iterable[Batch], start: int) -> Iterator[tuple[Batch, int]]:
    """Yield each batch with the number of rows before it."""
    for batch in batches:
        yield batch, start
        start += batch.rows


def _rows(batch: Batch, chosen: NDArray[np.int64], start: int) -> Batch:
    """Return a batch's chosen rows, where the batch begins at row `start` of the table."""
    first, last = np.searchsorted(chosen, [start, start + batch.rows])
    places = chosen[first:last] - start
    return batch_of(
        [np.asarray(column[places], np.float64) for column in batch.stored], weighted=batch.weighted
    )


def joined(a: TableProfile, b: TableProfile) -> TableProfile:
    """Return the profile of two parts of a table, of which b follows a."""
    pairs = zip(a.sample.stored, b.sample.stored, strict=True)
    return TableProfile(
        merge(a.moments, b.moments),
        np.minimum(a.lowest, b.lowest),
        np.maximum(a.highest, b.highest),
        batch_of([np.concatenate(pair) for pair in pairs], weighted=a.sample.weighted),
    )
