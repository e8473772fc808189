"""How the values of each column are distributed over the training rows, and how far today's rows are from that.

`split` leaves some of the training rows as they were before encoding, missing values and all: `sample.parquet`. From
these the cells of each feature are made, and counted. Cells and counts go into a run's result, so that they last as
long as the run; a later run counts its own rows in the cells of the champion.

Cells end at quantiles; a category's levels are taken in the order of the alphabet. So a value that many rows have is a
cell of its own, rare ones share one with their neighbours, and one that was never seen falls into some cell too. (With
a cell for each level, and one for all new ones, calm nights would give alarms: rare levels come and go.)
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.neuron.homogeneity import holm, homogeneity
from tasks.outputs.result import ColumnDistribution, ColumnDrift
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet, write_parquet
from tasks.table.errors import quoted

SAMPLE = "sample.parquet"

# Quantiles at which cells end: deciles of numbers, and more of categories, whose levels are to stay apart.
NUMBER_CELLS, CATEGORY_CELLS = 10, 20

# Chance of a false alarm about any of the features in a night on which nothing has changed.
LEVEL = 0.001

# PSI below which a difference is too small to matter, however sure it is. (A rule of thumb in credit scoring.)
SMALL = 0.1

LISTED = 5  # features that the sentence names


# The values that a column has, in ascending order, and the rows that have each.
ValueCounts: TypeAlias = tuple[NDArray[Any], NDArray[np.int64]]


class Sampler:
    """Picks rows of a table whose parts come one after the other."""

    def __init__(self, chosen: NDArray[np.int64]) -> None:
        """Pick the rows at these places (m,) of the whole table, in ascending order."""
        self._chosen = chosen
        self._seen = 0
        self._picked: list[pa.Table] = []

    def add(self, rows: pa.Table) -> None:
        """Look at the next part."""
        self._picked.append(pick(rows, self._chosen, self._seen))
        self._seen += rows.num_rows

    def write(self, folder: Path) -> None:
        """Write the rows that were picked."""
        write_sample(folder, self._picked)


def write_sample(folder: Path, picked: Sequence[pa.Table]) -> None:
    """Write rows that were picked, in order."""
    write_parquet(folder / SAMPLE, pa.concat_tables(picked).combine_chunks())


def pick(rows: pa.Table, chosen: NDArray[np.int64], start: int) -> pa.Table:
    """Return those of some rows, which begin at row `start` of the table, that are at the places (m,) chosen in it."""
    first, last = np.searchsorted(chosen, [start, start + rows.num_rows])
    return rows.take(pa.array(chosen[first:last] - start))


def read_sample(parts: Artifact, root: Path) -> pa.Table:
    """Return the features of some of the training rows, before encoding."""
    return read_parquet(parts.path(root, SAMPLE))


def distributions(sample: pa.Table) -> list[ColumnDistribution]:
    """Find cells for each column of some rows, and count them."""
    return [_distribution(name, sample[name]) for name in sample.column_names]


def drift(before: Sequence[ColumnDistribution], sample: pa.Table) -> list[ColumnDrift]:
    """Hold today's rows against the distributions of an earlier run, for the columns that both have, of the same kind.

    A column has drifted if that is beyond chance (chi-square over its cells, with the missing values as a cell of their
    own; Holm's rule over the columns) and its PSI is not small. Rows are taken as independent of each other.
    """
    both = [
        each for each in before if each.name in sample.column_names and _fits(each.edges, sample[each.name])
    ]
    found = [
        homogeneity([*each.counts, each.missing], _counted(each.edges, sample[each.name]))
        for each in both
        if sample.num_rows
    ]
    beyond_chance = holm([each.p for each in found], LEVEL)
    return [
        ColumnDrift(name=column.name, psi=each.psi, p=each.p, drifted=sure and each.psi >= SMALL)
        for column, each, sure in zip(both, found, beyond_chance, strict=False)
    ]


def drift_text(found: Sequence[ColumnDrift]) -> str:
    """Say in a sentence which features have drifted, and how far."""
    far = sorted((each for each in found if each.drifted), key=lambda each: -each.psi)
    if far:
        listed = ", ".join(f"{quoted(each.name)} (PSI {each.psi:.2g})" for each in far[:LISTED])
        more = f" and {len(far) - LISTED:,} more" if len(far) > LISTED else ""
        return f"Drifted from the champion's training rows, beyond chance: {listed}{more}"
    most = max(found, key=lambda each: each.psi, default=None)
    furthest = f"; the furthest is {quoted(most.name)} (PSI {most.psi:.2g})" if most else ""
    return f"No feature has drifted from the champion's training rows{furthest}"


def _distribution(name: str, column: pa.ChunkedArray) -> ColumnDistribution:
    values, rows = _value_counts(column)
    cells = NUMBER_CELLS if _is_number(column) else CATEGORY_CELLS
    shares = np.arange(cells + 1) * rows.sum() / cells
    ends = np.unique(np.searchsorted(rows.cumsum(), shares)) if len(values) else np.array([], np.int64)
    edges = values[np.minimum(ends, len(values) - 1)].tolist()
    *counts, missing = _counted(edges, column)
    return ColumnDistribution(name=name, edges=edges, counts=counts, missing=missing)


def _counted(edges: Sequence[float] | Sequence[str], column: pa.ChunkedArray) -> list[int]:
    """Count the rows of a column in the cells that end at these edges, and last the missing ones."""
    values, rows = _value_counts(column)
    ends = np.array(edges, values.dtype)
    places = np.searchsorted(ends, values)
    if len(ends):
        places = places + (values >= ends[0])  # the lowest value has a cell, and what is below it another
    counts = np.bincount(places, weights=rows, minlength=len(ends) + 2).astype(np.int64)
    return [*counts.tolist(), len(column) - int(rows.sum())]


def _value_counts(column: pa.ChunkedArray) -> ValueCounts:
    """Return the values of a column and the rows that have each; of a number in float64, without NaN."""
    if _is_number(column):
        numbers = np.asarray(column.drop_null().cast(pa.float64(), safe=False).to_numpy(), np.float64)
        return np.unique(numbers[~np.isnan(numbers)], return_counts=True)
    counts = pc.value_counts(column.drop_null()).to_pylist()
    levels = sorted((str(each["values"]), each["counts"]) for each in counts)
    return np.array([level for level, _ in levels], object), np.array([rows for _, rows in levels], np.int64)


def _fits(edges: Sequence[float] | Sequence[str], column: pa.ChunkedArray) -> bool:
    """Say whether a column can be counted in cells with these edges: a number in numbers, a category in levels."""
    if not edges or pa.types.is_null(column.type):
        return True
    return isinstance(edges[0], str) != _is_number(column)


def _is_number(column: pa.ChunkedArray) -> bool:
    kind = column.type
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))
