"""Blocks of rows for the program: from a small table, or from parts that are read again in every epoch."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, MemoryPart, Part
from tasks.neuron.prefetch import ahead
from tasks.neuron.scaling import Coordinates, raw
from tasks.neuron.sgd import Blocks, UpdateRule, empty_blocks, train_blocks
from tasks.neuron.state import End, State

BLOCK = 2**21  # floats that a call of the program gets of large data, 8 MiB: less, and the calls would count
FLOATS = 2**22  # floats of small data handed over at once, several epochs of it: 16 MiB
PIECE = 128  # rows that stay together in a shuffle: picking fewer, the memory's latency would count
AHEAD = 2  # batches of parts that are read while one is trained on

Calls: TypeAlias = Generator["Call"]
# State of the generator of the shuffles, as NumPy gives it.
Shuffles: TypeAlias = Mapping[str, Any]


class Call(NamedTuple):
    """Hold what one call of the program did.

    Attributes:
        state: After it.
        rows: (k,) rows of each of its blocks.
        squares: (k,) sums of squared errors over them.
        shuffles: From which the next epoch's are drawn, where the training can go on from here; else None.
        begun: Where the present round began and the streams of it that are through, if it is in the midst of one.
    """

    state: State
    rows: NDArray[np.int64]
    squares: Array
    shuffles: Shuffles | None
    begun: tuple[State, Sequence[End]] | None = None


class _Read(NamedTuple):
    """Hold some rows as they are stored, and how to shuffle them.

    Attributes:
        batch: The rows.
        first: Where the first piece begins.
        order: Of the pieces; the rows before the first and after the last one come last.
        shuffles: From which the next epoch's are drawn, if these are the last rows of an epoch; else None.
    """

    batch: Batch
    first: int
    order: NDArray[np.intp]
    shuffles: Shuffles | None


class _Fed(NamedTuple):
    """A block (1, k + 1, R), its valid rows, and at the end of an epoch what the next one's shuffles are drawn from."""

    block: Blocks
    rows: int
    shuffles: Shuffles | None


def is_small(rows: int, width: int, batch_size: int) -> bool:
    """Say whether a table in memory gets a new order of its single rows in every epoch."""
    return width * _whole(rows, batch_size) <= BLOCK


def train_table(
    state: State, columns: Blocks, rule: UpdateRule, rng: np.random.Generator, epochs: range
) -> Calls:
    """Train on a table in memory, in a new order of its rows in every epoch.

    Every order is equally likely where the table `is_small`. Picking single rows out of a larger one in every epoch
    would take ten times as long as training: its rows are dealt out once, every order equally likely, and from then on
    shuffled by pieces, see `train_parts`.

    Args:
        state: Where to start.
        columns: (k + 1, n) float32, the target last; of a larger table dealt out.
        rule: How a step is made.
        rng: Draws the orders.
        epochs: Those to come. The number of all of them, where they end, decides how many are handed over at once, so
            that a training that is continued calls the same program.
    """
    width, rows = columns.shape
    if is_small(rows, width, rule.batch_size):
        return _train_small(state, columns, rule, rng, epochs)
    *features, target = columns
    return train_parts(state, [MemoryPart(Batch(features, target))], raw(width - 1), rule, rng, epochs)


@contextmanager
def compiled(width: int, rule: UpdateRule, *, metrical: bool) -> Iterator[None]:
    """Compile the program of `train_parts` for rows of so many numbers while something else is done in this block."""
    shape = _block_shape(width, rule.batch_size)
    idle = State(np.zeros(width - 1), 0.0, 0)
    metric = np.eye(width - 1) if metrical else None

    def warm_up() -> None:
        train_blocks(idle, empty_blocks(shape), np.zeros(1, np.int64), rule, metric)

    with ThreadPoolExecutor(1) as aside:
        compiling = aside.submit(warm_up)
        yield
        compiling.result()


def train_parts(
    state: State,
    parts: Sequence[Part],
    units: Coordinates,
    rule: UpdateRule,
    rng: np.random.Generator,
    epochs: range,
) -> Calls:
    """Train on parts, which are read in a thread.

    What is read is shuffled, converted and trained on here: the two halves take about as long, and a block stays in
    the cache of the core that fills it and uses it.

    In every epoch the order of the parts is drawn anew, that of the pieces of a part (see `Part.batches`), and within
    what was read at once that of pieces of 128 rows, which begin at another row each time. Rows that lie far apart
    never meet in a batch. That is enough because the parts must hold the rows in random order to begin with, so that
    any batch is a random sample; the shuffle only keeps an epoch's batches from being those of the one before.
    """
    width = units.basis.shape[1] + 1
    fed = _from_parts(parts, units, rng, epochs, _most(width), rule.batch_size)
    for block, count, shuffles in fed:
        rows = np.array([count])
        state, squares = train_blocks(state, block, rows, rule, units.metric)
        yield Call(state, rows, squares, shuffles)


def _train_small(
    state: State, columns: Blocks, rule: UpdateRule, rng: np.random.Generator, epochs: range
) -> Calls:
    """Hand over one or several epochs at once."""
    width, rows = columns.shape
    length = _whole(rows, rule.batch_size)
    calls = -(-epochs.stop // max(1, FLOATS // (width * length)))
    chunk = -(-epochs.stop // calls)
    blocks = empty_blocks((chunk, width, length))
    for first in epochs[::chunk]:
        count = min(chunk, epochs.stop - first)
        for block in blocks[:count]:
            np.take(columns, rng.permutation(rows), axis=1, out=block[:, :rows], mode="clip")
        valid = np.where(np.arange(chunk) < count, rows, 0)
        state, squares = train_blocks(state, blocks, valid, rule)
        yield Call(state, valid[:count], squares[:count], rng.bit_generator.state)


def _from_parts(
    parts: Sequence[Part],
    units: Coordinates,
    rng: np.random.Generator,
    epochs: range,
    most: int,
    batch_size: int,
) -> Iterator[_Fed]:
    """Yield one block over and over, filled anew, with up to `most` rows more than that in whole batches.

    Rows that do not make a batch stay for the next block; only the last batch of an epoch is short.
    """
    enough = _whole(most, batch_size)
    block = empty_blocks(_block_shape(units.basis.shape[1] + 1, batch_size))
    kept: list[NDArray[Any]] = []
    filled = 0
    for read in ahead(_read(parts, rng, epochs, most), AHEAD):
        begun, filled = filled, filled + read.batch.rows
        _convert(read, units, kept, block[0, :, begun:filled])
        if filled >= enough or read.shuffles:
            used = filled if read.shuffles else filled - filled % batch_size
            yield _Fed(block, used, read.shuffles)
            block[0, :, : filled - used] = block[0, :, used:filled]
            filled -= used


def _read(parts: Sequence[Part], rng: np.random.Generator, epochs: range, most: int) -> Iterator[_Read]:
    """Read all parts in each epoch, up to `most` rows at a time; whatever is random is drawn here, in one thread."""
    rows = sum(part.rows for part in parts)
    for _ in epochs:
        left = rows
        for some in _cut(parts, rng, most):
            left -= some.rows
            first = int(rng.integers(min(PIECE, some.rows)))
            order = rng.permutation((some.rows - first) // PIECE)
            yield _Read(some, first, order, None if left else rng.bit_generator.state)


def _cut(parts: Sequence[Part], rng: np.random.Generator, most: int) -> Iterator[Batch]:
    """Yield the rows of all parts, in a random order of parts and of their pieces, up to `most` at a time."""
    for number in rng.permutation(len(parts)):
        for batch in parts[number].batches(rng):
            for start in range(0, batch.rows, most):
                yield batch.cut(start, start + most)


def _convert(read: _Read, units: Coordinates, kept: list[NDArray[Any]], out: NDArray[np.float32]) -> None:
    """Write the rows (m,), shuffled and converted, to `out` (k + 1, m); `kept` is for arrays that are used again."""
    columns, rows = read.batch.columns, read.batch.rows
    if units.factors is not None and all(column.dtype == np.float32 for column in columns):
        units.write(_shuffled(read, list(out)), out)
        return
    if not kept or len(kept[0]) < rows:
        kept[:] = [np.empty_like(column) for column in columns]
    units.write(_shuffled(read, [array[:rows] for array in kept]), out)


def _shuffled(read: _Read, places: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
    """Yield one column after the other (m,), shuffled, in the place given for it."""
    whole = len(read.order) * PIECE
    end = read.first + whole
    for column, place in zip(read.batch.columns, places, strict=True):
        pieces = column[read.first : end].reshape(-1, PIECE)
        np.take(pieces, read.order, axis=0, out=place[:whole].reshape(-1, PIECE), mode="clip")
        place[whole : whole + read.first] = column[: read.first]
        place[whole + read.first :] = column[end:]
        yield place


def _most(width: int) -> int:
    """Return how many rows of so many numbers are read at a time."""
    return max(1, BLOCK // width)


def _block_shape(width: int, batch_size: int) -> tuple[int, int, int]:
    """Return the shape of the one block that takes turns."""
    return 1, width, _whole(_most(width), batch_size) + _most(width)


def _whole(rows: int, batch_size: int) -> int:
    """Round rows up to whole batches."""
    return -(-rows // batch_size) * batch_size
