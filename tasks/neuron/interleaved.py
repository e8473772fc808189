"""Rows in memory whose numbers lie side by side.

To pick a row at random costs an access to memory for every column, or, where its numbers lie together, one in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 8192  # rows that are turned at a time, in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Interleaved:
    """Hold n rows of k columns, those of one type in one table.

    Attributes:
        tables: (n, c) each, of one type.
        places: (k,) for each column its table and its place there.
    """

    tables: Sequence[NDArray[Any]]
    places: Sequence[tuple[int, int]]

    @property
    def columns(self) -> list[NDArray[Any]]:
        """Return the k columns (n,), without copying them."""
        return _columns(self.tables, self.places)

    def picked(self, numbers: NDArray[np.integer]) -> list[NDArray[Any]]:
        """Return the k columns (m,) of the rows with these numbers (m,)."""
        return _columns([table.take(numbers, axis=0) for table in self.tables], self.places)

    def put(self, start: int, columns: Sequence[NDArray[Any]]) -> None:
        """Write some rows, given as k columns (m,), to their place from row `start` on."""
        for first in range(0, len(columns[0]), BLOCK):
            for (table, place), column in zip(self.places, columns, strict=True):
                some = column[first : first + BLOCK]
                self.tables[table][start + first : start + first + len(some), place] = some


def unfilled(rows: int, types: Sequence[np.dtype[Any]]) -> Interleaved:
    """Return n rows of columns of these k types, whose numbers are yet to be written."""
    kinds = list(dict.fromkeys(types))
    tables = [np.empty((rows, types.count(kind)), kind) for kind in kinds]
    places = [(kinds.index(kind), list(types[:j]).count(kind)) for j, kind in enumerate(types)]
    return Interleaved(tables, places)


def _columns(tables: Sequence[NDArray[Any]], places: Sequence[tuple[int, int]]) -> list[NDArray[Any]]:
    return [tables[table][:, place] for table, place in places]
