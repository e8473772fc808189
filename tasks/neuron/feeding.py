"""Blocks of rows for the program: from a table in memory, or from parts that are read again in every epoch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from itertools import cycle
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.coordinates import Coordinates
from tasks.neuron.parts import Columns, Part
from tasks.neuron.prefetch import ahead
from tasks.neuron.sgd import Rule, State, Table, empty_blocks, train_blocks
from tasks.neuron.statistics import Array

BLOCK = 2**21  # floats that a call of the program gets of large data, 8 MiB: less, and the calls would count
FLOATS = 2**22  # floats of small data handed over at once, several epochs of it: 16 MiB
GATHER = 4096  # rows that are picked and turned at a time, in the cache
PIECE = 128  # rows that stay together in a shuffle: picking fewer, the memory's latency would count
AHEAD = 2  # blocks of a table, or batches of parts, that are made while one is trained on

Epochs: TypeAlias = Generator[tuple[State, Array]]
"""After one or more epochs: the state, and their mean squared errors."""


class _Read(NamedTuple):
    """Hold some rows as they are stored, and how to shuffle them.

    Attributes:
        columns: (m,) each.
        first: Where the first piece begins.
        order: Of the pieces; the rows before the first and after the last one come last.
        last: Whether these are the last rows of an epoch.
    """

    columns: Columns
    first: int
    order: NDArray[np.intp]
    last: bool


class _Fed(NamedTuple):
    """A block (1, k + 1, R), its valid rows, and whether it is the last one of an epoch."""

    block: Table
    rows: int
    last: bool


def train_table(
    state: State, table: Table, rule: Rule, orders: Iterator[NDArray[np.intp]], epochs: int
) -> Epochs:
    """Train on a table in memory.

    Args:
        state: Where to start.
        table: (n, k + 1) float32, the target last.
        rule: How a step is made.
        orders: One order (n,) of the rows an epoch.
        epochs: How many.
    """
    rows, width = table.shape
    length = _whole(rows, rule.batch_size)
    if width * length <= BLOCK:
        return _train_small(state, table, rule, orders, epochs)
    length = _whole(max(1, BLOCK // width), rule.batch_size)
    fed = ahead(_from_table(table, orders, epochs, _buffers(width, length), length), AHEAD)
    return _train_fed(state, fed, rule, None, rows)


def train_parts(
    state: State, parts: Sequence[Part], units: Coordinates, rule: Rule, rng: np.random.Generator, epochs: int
) -> Epochs:
    """Train on parts, which are read in a thread.

    What is read is shuffled, converted and trained on here: the two halves take about as long, and a block stays in
    the cache of the core that fills it and uses it.

    In every epoch the order of the parts is drawn anew, that of the pieces of a part (see `Part.batches`), and within
    what was read at once that of pieces of 128 rows, which begin at another row each time.
    """
    width = units.basis.shape[1] + 1
    rows = sum(part.rows for part in parts)
    fed = _from_parts(parts, units, rng, epochs, max(1, BLOCK // width), rule.batch_size)
    return _train_fed(state, fed, rule, units.metric, rows)


def _train_small(
    state: State, table: Table, rule: Rule, orders: Iterator[NDArray[np.intp]], epochs: int
) -> Epochs:
    """Hand over one or several epochs at once."""
    rows, width = table.shape
    length = _whole(rows, rule.batch_size)
    calls = -(-epochs // max(1, FLOATS // (width * length)))
    chunk = -(-epochs // calls)
    blocks = empty_blocks((chunk, width, length))
    for first in range(0, epochs, chunk):
        count = min(chunk, epochs - first)
        for block in blocks[:count]:
            block[:, :rows] = table[next(orders)].T
        state, sums = train_blocks(state, blocks, np.where(np.arange(chunk) < count, rows, 0), rule)
        yield state, sums[:count] / rows


def _train_fed(state: State, fed: Iterator[_Fed], rule: Rule, metric: Array | None, rows: int) -> Epochs:
    """Train on one block after the other."""
    total = 0.0
    for block, count, last in fed:
        state, sums = train_blocks(state, block, np.array([count]), rule, metric)
        total += float(sums[0])
        if last:
            yield state, np.array([total / rows])
            total = 0.0


def _from_table(
    table: Table, orders: Iterator[NDArray[np.intp]], epochs: int, buffers: Iterator[Table], length: int
) -> Iterator[_Fed]:
    for _ in range(epochs):
        order = next(orders)
        for start in range(0, len(order), length):
            block, part = next(buffers), order[start : start + length]
            for at in range(0, len(part), GATHER):
                picked = table[part[at : at + GATHER]]
                block[0, :, at : at + len(picked)] = picked.T
            yield _Fed(block, len(part), start + length >= len(order))


def _from_parts(
    parts: Sequence[Part],
    units: Coordinates,
    rng: np.random.Generator,
    epochs: int,
    most: int,
    batch_size: int,
) -> Iterator[_Fed]:
    """Yield one block over and over, filled anew, with up to `most` rows more than that in whole batches.

    Rows that do not make a batch stay for the next block; only the last batch of an epoch is short.
    """
    enough = _whole(most, batch_size)
    block = empty_blocks((1, units.basis.shape[1] + 1, enough + most))
    kept: list[NDArray[Any]] = []
    filled = 0
    for read in ahead(_read(parts, rng, epochs, most), AHEAD):
        begun, filled = filled, filled + len(read.columns[0])
        _convert(read, units, kept, block[0, :, begun:filled])
        if filled >= enough or read.last:
            used = filled if read.last else filled - filled % batch_size
            yield _Fed(block, used, read.last)
            block[0, :, : filled - used] = block[0, :, used:filled]
            filled -= used


def _read(parts: Sequence[Part], rng: np.random.Generator, epochs: int, most: int) -> Iterator[_Read]:
    """Read all parts in each epoch, up to `most` rows at a time; whatever is random is drawn here, in one thread."""
    rows = sum(part.rows for part in parts)
    for _ in range(epochs):
        left = rows
        for number in rng.permutation(len(parts)):
            for batch in parts[number].batches(rng):
                for start in range(0, len(batch[0]), most):
                    columns = [column[start : start + most] for column in batch]
                    count = len(columns[0])
                    left -= count
                    first = int(rng.integers(min(PIECE, count)))
                    yield _Read(columns, first, rng.permutation((count - first) // PIECE), not left)


def _convert(read: _Read, units: Coordinates, kept: list[NDArray[Any]], out: NDArray[np.float32]) -> None:
    """Write the rows (m,), shuffled and converted, to `out` (k + 1, m); `kept` is for arrays that are used again."""
    if units.factors is not None and all(column.dtype == np.float32 for column in read.columns):
        units.write(_shuffled(read, list(out)), out)
        return
    if not kept or len(kept[0]) < len(read.columns[0]):
        kept[:] = [np.empty_like(column) for column in read.columns]
    units.write(_shuffled(read, [array[: len(read.columns[0])] for array in kept]), out)


def _shuffled(read: _Read, places: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield one column after the other (m,), shuffled, in the place given for it."""
    whole = len(read.order) * PIECE
    end = read.first + whole
    for column, place in zip(read.columns, places, strict=True):
        pieces = column[read.first : end].reshape(-1, PIECE)
        np.take(pieces, read.order, axis=0, out=place[:whole].reshape(-1, PIECE), mode="clip")
        place[whole : whole + read.first] = column[: read.first]
        place[whole + read.first :] = column[end:]
        yield place


def _buffers(width: int, length: int) -> Iterator[Table]:
    return cycle([empty_blocks((1, width, length)) for _ in range(AHEAD + 2)])


def _whole(rows: int, batch_size: int) -> int:
    """Round rows up to whole batches."""
    return -(-rows // batch_size) * batch_size
