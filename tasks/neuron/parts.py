"""Parts of a table: what can be done part by part, as a function of one part, and merged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Moments, column_moments, merge
from tasks.neuron.prefetch import ahead
from tasks.neuron.scaling import Coordinates

ColumnArrays: TypeAlias = Sequence[NDArray[Any]]
"""Consecutive rows: the features and then the target, each (m,)."""

HELD = 2**17  # rows of a piece of a part in memory
BLOCK = 8192  # rows that are whitened at a time
AHEAD = 2  # batches that are decoded while one is used


class Part(Protocol):
    """A part of a table, such as a file of it."""

    @property
    def rows(self) -> int:
        """Return the number of rows."""

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[ColumnArrays]:
        """Yield all rows, some at a time; with `rng` in a random order of pieces of the part."""


@dataclass(frozen=True, slots=True)
class MemoryPart:
    """Columns in memory as one part."""

    columns: ColumnArrays

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.columns[0])

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[ColumnArrays]:
        """Yield all rows, some at a time; with `rng` in a random order of pieces."""
        starts = np.arange(0, self.rows, HELD)
        if rng is not None:
            rng.shuffle(starts)
        for start in starts:
            yield [column[start : start + HELD] for column in self.columns]


def part_moments(part: Part) -> Moments:
    """Return the moments of one part."""
    total: Moments | None = None
    for columns in batches_of(part):
        shift = None if total is None else total.shift
        found = column_moments(columns, shift)
        total = found if total is None else merge(total, found)
    if total is None:
        raise ValueError("a part holds no rows; leave empty files out")
    return total


def all_moments(parts: Sequence[Part]) -> Moments:
    """Return the moments of all parts together."""
    return reduce(merge, map(part_moments, parts))


def batches_of(part: Part) -> Iterator[ColumnArrays]:
    """Yield the rows of a part, read in a thread unless they are so few that starting one would take longer."""
    return ahead(part.batches(), AHEAD) if part.rows > HELD else part.batches()


def leverage(parts: Sequence[Part], units: Coordinates) -> float:
    """Return max ‖z‖² over the whitened rows z of all parts."""
    return max(part_leverage(part, units) for part in parts)


def part_leverage(part: Part, units: Coordinates) -> float:
    """Return max ‖z‖² over the whitened rows z of one part."""
    reached = 0.0
    for columns in batches_of(part):
        for start in range(0, len(columns[-1]), BLOCK):
            reached = max(reached, units.reach([column[start : start + BLOCK] for column in columns]))
    return reached
