"""Rows as the training takes them: a `Batch` of columns, and parts of a table that yield batches.

What can be done part by part is a function of one part, and its results merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from itertools import chain
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.interleaved import Interleaved
from tasks.neuron.moments import MOST_SLICES, Array, Moments, column_moments, is_cheap, merge, shift_of
from tasks.neuron.precision import slices_needed
from tasks.neuron.prefetch import ahead
from tasks.neuron.scaling import Coordinates
from tasks.neuron.workers import Runner, spread

HELD = 2**17  # rows of a piece of a part in memory
BLOCK = 8192  # rows that are whitened at a time
AHEAD = 2  # batches that are decoded while one is used
EMPTY = "a part holds no rows; leave empty files out"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Hold consecutive rows, column by column.

    Attributes:
        features: d columns (m,), of any numeric types.
        target: (m,).
        weights: (m,) by which rows count, > 0; None where all count as one.
    """

    features: Sequence[NDArray[Any]]
    target: NDArray[Any]
    weights: NDArray[Any] | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows m."""
        return len(self.target)

    @property
    def columns(self) -> list[NDArray[Any]]:
        """Return the features and then the target: the order of moments, blocks and profiles."""
        return [*self.features, self.target]

    @property
    def stored(self) -> list[NDArray[Any]]:
        """Return the columns and, behind them, the weights if there are any."""
        return self.columns if self.weights is None else [*self.columns, self.weights]

    @property
    def weighted(self) -> bool:
        """Return whether the rows have weights."""
        return self.weights is not None

    @property
    def roots(self) -> Array | None:
        """Return the square roots (m,) of the weights, which make of weighted least squares a plain one."""
        return None if self.weights is None else np.sqrt(self.weights, dtype=np.float64)

    @property
    def matrix(self) -> Array:
        """Return the features (m, d) in float64, each column in one piece."""
        return np.stack(self.features).T.astype(np.float64, copy=False)

    def cut(self, start: int, stop: int) -> Batch:
        """Return the rows from `start` up to `stop`, without copying them."""
        return self._sliced(slice(start, stop))

    def thinned(self, most: int) -> Batch:
        """Return at most so many rows, evenly spaced, without copying them."""
        step = max(1, -(-self.rows // most))
        return self._sliced(slice(None, None, step))

    def _sliced(self, rows: slice) -> Batch:
        weights = None if self.weights is None else self.weights[rows]
        return Batch([column[rows] for column in self.features], self.target[rows], weights)


def batch_of(stored: Sequence[NDArray[Any]], *, weighted: bool) -> Batch:
    """Return columns in the order of `Batch.stored` as a batch; weights are the last one, if there are any."""
    *features, target = stored[:-1] if weighted else stored
    return Batch(features, target, stored[-1] if weighted else None)


class Part(Protocol):
    """A part of a table, such as a file of it."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield all rows, some at a time; with `rng` in a random order of pieces of the part."""


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Rows in memory as one part.

    Attributes:
        whole: All of them.
        together: The same rows with their numbers side by side, where they lie so.
    """

    whole: Batch
    together: Interleaved | None = None

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.whole.rows

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield all rows, some at a time; with `rng` in a random order of pieces."""
        starts = np.arange(0, self.rows, HELD)
        if rng is not None:
            rng.shuffle(starts)
        for start in starts.tolist():
            yield self.whole.cut(start, start + HELD)

    def picked(self, numbers: NDArray[np.integer]) -> list[NDArray[Any]]:
        """Return what is stored, columns (m,), of the rows with these numbers (m,)."""
        if self.together is not None:
            return self.together.picked(numbers)
        return [column.take(numbers) for column in self.whole.stored]


def part_moments(part: Part, slices: int) -> Moments:
    """Return the moments of one part's columns, see `Batch.columns`; `slices` as in `column_moments`."""
    batches = iter(part.batches())
    first = next(batches, None)
    if first is None:
        raise ValueError(EMPTY)
    shift = shift_of(first.columns)

    def found(batch: Batch) -> Moments:
        return column_moments(batch.columns, shift, slices, batch.weights)

    return reduce(merge, spread(found, chain([first], batches)))


def all_moments(parts: Sequence[Part]) -> Moments:
    """Return the moments of all parts together, as precise as least squares needs them."""
    slices = likely_slices(parts[0], sum(part.rows for part in parts))
    return precise_moments(parts, reduce(merge, (part_moments(part, slices) for part in parts)), slices)


def likely_slices(part: Part, rows: int) -> int:
    """Return into how many slices to cut the rows in a first pass, judged by the first ones of them.

    A small table is read with the most slices at once. One whose first rows are nearly dependent is likely to need as
    many as they do; where all of it turns out to need more, it is read once more, see `precise_moments`.

    Args:
        part: The first one of the table.
        rows: Of all of it.
    """
    first = next(iter(part.batches()), None)
    if first is None:
        raise ValueError(EMPTY)
    some = first.cut(0, BLOCK)
    if is_cheap(rows, len(some.columns)):
        return MOST_SLICES
    return slices_needed(column_moments(some.columns, slices=1, weights=some.weights))


def precise_moments(parts: Sequence[Part], first: Moments, slices: int) -> Moments:
    """Return the moments of a first pass over the parts, or of a second one where they are not precise enough.

    Args:
        parts: All rows.
        first: Their moments, from so many slices.
        slices: Of the first pass; in the second, as many as the columns' condition asks for.
    """
    needed = slices_needed(first) if slices < MOST_SLICES else slices
    if needed <= slices:
        return first
    return reduce(merge, (part_moments(part, needed) for part in parts))


def batches_of(part: Part) -> Iterator[Batch]:
    """Yield the rows of a part, read in a thread unless they are so few that starting one would take longer."""
    return ahead(part.batches(), AHEAD) if part.rows > HELD else part.batches()


def leverage(parts: Sequence[Part], units: Coordinates, across: Runner = spread) -> float:
    """Return max ‖z‖² over the whitened rows z of all parts, see `Coordinates.reach`; `across` runs over these."""
    return max(across(partial(part_leverage, units), parts))


def part_leverage(units: Coordinates, part: Part) -> float:
    """Return max ‖z‖² over the whitened rows z of a part."""

    def reached(batch: Batch) -> float:
        written = np.empty((units.height, min(BLOCK, batch.rows)), np.float32)
        found = 0.0
        for start in range(0, batch.rows, BLOCK):
            some = batch.cut(start, start + BLOCK)
            units.write(some.stored, written[:, : some.rows])
            found = max(found, units.reach(written[:, : some.rows]))
        return found

    return max(spread(reached, part.batches()))
