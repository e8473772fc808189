"""Rows as the training takes them: a `Batch` of columns, and parts of a table that yield batches.

What can be done part by part is a function of one part, and its results merge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array, Moments, column_moments, is_cheap, merge
from tasks.neuron.precision import slices_needed
from tasks.neuron.prefetch import ahead
from tasks.neuron.scaling import Coordinates

HELD = 2**17  # rows of a piece of a part in memory
BLOCK = 8192  # rows that are whitened at a time
AHEAD = 2  # batches that are decoded while one is used


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Hold consecutive rows, column by column.

    Attributes:
        features: d columns (m,), of any numeric types.
        target: (m,).
    """

    features: Sequence[NDArray[Any]]
    target: NDArray[Any]

    @property
    def rows(self) -> int:
        """Return the number of rows m."""
        return len(self.target)

    @property
    def columns(self) -> list[NDArray[Any]]:
        """Return the features and then the target: the order of moments, blocks and profiles."""
        return [*self.features, self.target]

    @property
    def matrix(self) -> Array:
        """Return the features (m, d) in float64, each column in one piece."""
        return np.stack(self.features).T.astype(np.float64, copy=False)

    def cut(self, start: int, stop: int) -> Batch:
        """Return the rows from `start` up to `stop`, without copying them."""
        return Batch([column[start:stop] for column in self.features], self.target[start:stop])


class Part(Protocol):
    """A part of a table, such as a file of it."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield all rows, some at a time; with `rng` in a random order of pieces of the part."""


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Rows in memory as one part."""

    whole: Batch

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


def part_moments(part: Part, slices: int | None = None) -> Moments:
    """Return the moments of one part's columns, see `Batch.columns`; `slices` as in `column_moments`."""
    total: Moments | None = None
    for batch in batches_of(part):
        shift = None if total is None else total.shift
        found = column_moments(batch.columns, shift, slices)
        total = found if total is None else merge(total, found)
    if total is None:
        raise ValueError("a part holds no rows; leave empty files out")
    return total


def all_moments(parts: Sequence[Part]) -> Moments:
    """Return the moments of all parts together, as precise as least squares needs them."""
    return precise_moments(parts, reduce(merge, map(part_moments, parts)))


def precise_moments(parts: Sequence[Part], first: Moments) -> Moments:
    """Return the moments of a first pass over the parts, or of a second one where they are not precise enough.

    A large table is read once in plain float64; when its columns turn out to be nearly dependent, once more with as
    many slices as their condition asks for. A small one is read with the most slices at once.
    """
    slices = slices_needed(first)
    if slices == 1 or all(is_cheap(part.rows, len(first.shift)) for part in parts):
        return first
    return reduce(merge, (part_moments(part, slices) for part in parts))


def batches_of(part: Part) -> Iterator[Batch]:
    """Yield the rows of a part, read in a thread unless they are so few that starting one would take longer."""
    return ahead(part.batches(), AHEAD) if part.rows > HELD else part.batches()


def leverage(parts: Sequence[Part], units: Coordinates) -> float:
    """Return max ‖z‖² over the whitened rows z of all parts."""
    return max(part_leverage(part, units) for part in parts)


def part_leverage(part: Part, units: Coordinates) -> float:
    """Return max ‖z‖² over the whitened rows z of one part."""
    reached = 0.0
    for batch in batches_of(part):
        for start in range(0, batch.rows, BLOCK):
            reached = max(reached, units.reach(batch.cut(start, start + BLOCK).columns))
    return reached
