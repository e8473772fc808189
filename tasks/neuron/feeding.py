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

BLOCK = 2**20  # floats of a block of large data: 4 MiB
FLOATS = 2**22  # floats of small data handed over at once, several epochs of it: 16 MiB
GATHER = 4096  # rows that are picked and turned at a time, in the cache
PIECE = 16  # rows that stay together in the shuffle of a batch: a line of the cache, in float32
AHEAD = 1  # blocks that are filled while one is trained on, besides the one in the making

Epochs: TypeAlias = Generator[tuple[State, Array]]
"""After one or more epochs: the state, and their mean squared errors."""


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
    fed = _from_table(table, orders, epochs, _buffers(width, length), length)
    return _train_fed(state, fed, rule, None, rows)


def train_parts(
    state: State, parts: Sequence[Part], units: Coordinates, rule: Rule, rng: np.random.Generator, epochs: int
) -> Epochs:
    """Train on parts, read and converted in a thread while the program runs.

    In every epoch the order of the parts is drawn anew, that of the pieces of a part (see `Part.batches`), and that
    of the rows within a batch that was read, sixteen neighbours together.
    """
    width = units.basis.shape[1] + 1
    length = _whole(max(1, BLOCK // width), rule.batch_size)
    rows = sum(part.rows for part in parts)
    fed = _from_parts(parts, units, rng, epochs, _buffers(width, length), length)
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
    """Train on one block while the next ones are filled."""
    total = 0.0
    for block, count, last in ahead(fed, AHEAD):
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
    buffers: Iterator[Table],
    length: int,
) -> Iterator[_Fed]:
    kept: list[NDArray[Any]] = []
    for _ in range(epochs):
        left = sum(part.rows for part in parts)
        block: Table | None = None
        for number in rng.permutation(len(parts)):
            for batch in parts[number].batches(rng):
                columns, start = _shuffled(batch, rng, kept), 0
                while start < len(columns[0]):
                    if block is None:
                        block, filled = next(buffers), 0
                    count = min(len(columns[0]) - start, length - filled)
                    piece = [column[start : start + count] for column in columns]
                    units.write(piece, block[0, :, filled : filled + count])
                    start, filled, left = start + count, filled + count, left - count
                    if filled == length or not left:
                        yield _Fed(block, filled, not left)
                        block = None


def _shuffled(columns: Columns, rng: np.random.Generator, kept: list[NDArray[Any]]) -> Columns:
    """Return the rows (m,) in a random order of pieces of sixteen, in arrays that are `kept` for the next call.

    The last m mod 16 rows stay last.
    """
    rows = len(columns[0])
    whole = rows - rows % PIECE
    order = rng.permutation(whole // PIECE)
    if not kept or rows > len(kept[0]):
        kept[:] = [np.empty_like(column) for column in columns]
    for column, moved in zip(columns, kept, strict=True):
        pieces = moved[:whole].reshape(-1, PIECE)
        np.take(column[:whole].reshape(-1, PIECE), order, axis=0, out=pieces, mode="clip")
        moved[whole:rows] = column[whole:]
    return [moved[:rows] for moved in kept]


def _buffers(width: int, length: int) -> Iterator[Table]:
    return cycle([empty_blocks((1, width, length)) for _ in range(AHEAD + 2)])


def _whole(rows: int, batch_size: int) -> int:
    """Round rows up to whole batches."""
    return -(-rows // batch_size) * batch_size
