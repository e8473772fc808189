"""How a large table is dealt to training and test, part by part, wherever work is done.

First each part of the data is dealt by itself: for each of its rows lots say whether it is for the test, and to which
shard it goes, and the rows are written in the order of the shards. Then each shard gathers its rows from all parts,
shuffles them, and is encoded, written and looked at. Who draws depends on the numbers of parts and shards alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.config import Beside, Split
from tasks.neuron.parts import likely_slices
from tasks.neuron.profile import TableProfile, part_profile
from tasks.outputs import parts
from tasks.outputs.distributions import SAMPLE, pick
from tasks.outputs.parts import PROFILE, TEST, TRAIN, Name
from tasks.store.formats import read_parquet, write_parquet
from tasks.store.parts import ParquetPart
from tasks.store.pieces import Pieces, files_of
from tasks.table.encoding import ColumnRoles, Encoding, Tally, fit, merged, tally
from tasks.table.errors import BadTable, counted, quoted
from tasks.table.row_weights import RowWeights
from tasks.table.split_rules import SplitRule, SplitTables, by_lot, check_sizes

ROWS = "rows.arrow"  # of a part that was dealt
ENDS = b"ends"  # of a block of its rows: where each shard's end


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How the rows are dealt and encoded."""

    roles: ColumnRoles
    # The columns that the rows can become, the target's among them: as many as weights and bias.
    columns: int
    options: Split
    # By what rows are dealt; None where lots are drawn.
    rule: SplitRule | None
    seed: int
    # The columns that go beside the encoded rows.
    beside: Beside
    # By what the rows count; None where all count as one.
    weights: RowWeights | None = None

    @property
    def read(self) -> list[str]:
        """The columns that become rows, and those that go beside them."""
        weighed_by = self.weights.columns if self.weights else ()
        return list(dict.fromkeys([*self.roles.used, *self.beside.columns, *weighed_by]))

    def encoded(self, encoding: Encoding, rows: pa.Table, scale: float) -> pa.Table:
        """Return rows as numbers, with their weights, times a scale, behind the target."""
        found = encoding.apply(rows)
        if self.weights is None:
            return found
        return found.append_column(parts.WEIGHTS, pa.array(self.weights.of(rows) * scale))

    def total(self, rows: pa.Table) -> float:
        """Return the sum of the weights of training rows, for `scale`; 0 where that makes no use of it."""
        return float(self.weights.of(rows).sum()) if self.weights and self.weights.relative else 0.0

    def scale(self, rows: int, total: float) -> float:
        """Return what weights are multiplied by, which are `total` over so many training rows."""
        return rows / total if self.weights and self.weights.relative else 1.0

    def fit(self, training: Tally, tests: Tally) -> Encoding:
        """Fit the encoding to the training rows; refuse too few of them."""
        check_sizes(self.options.method, self.options.test_fraction, training.rows, tests.rows, self.columns)
        return fit(training, self.roles)


@dataclass(frozen=True, slots=True)
class Dealing:
    """What all parts have in common: the plan, where the pieces lie, and the number of shards."""

    plan: SplitPlan
    pieces: Pieces
    shards: Mapping[Name, int]

    @property
    def count(self) -> int:
        """How many shards there are in all; those of the training rows come first."""
        return sum(self.shards.values())


class Source(NamedTuple):
    """A part of the data: its number from 0, its rows, and, where lots are drawn, how many are for the test."""

    number: int
    rows: ParquetPart
    tests: int


@dataclass(frozen=True, slots=True, eq=False)
class Dealt:
    """A part that was dealt: its rows, how many go to each shard (s,), and the sums over training and test rows."""

    path: Path
    counts: NDArray[np.int64]
    tallies: Mapping[Name, Tally]
    weight: float

    def __add__(self, other: "Dealt") -> "Dealt":
        """Add the sums over the next part's rows."""
        tallies = {name: merged(own, other.tallies[name]) for name, own in self.tallies.items()}
        return Dealt(other.path, self.counts + other.counts, tallies, self.weight + other.weight)


def deal(dealing: Dealing, source: Source) -> Dealt:
    """Deal a part of the rows, unless that was done before, and sum them up."""
    place = dealing.pieces.made(f"dealt-{source.number:05}", partial(_write_dealt, dealing, source))
    return reduce(Dealt.__add__, _sums(dealing, place / ROWS))


@dataclass(frozen=True, slots=True, eq=False)
class Gathering:
    """What all shards have in common.

    Attributes:
        plan: How rows are encoded.
        pieces: Where they lie.
        spills: The rows of all parts, in order.
        encoding: As it was fitted.
        scale: Of the rows' weights.
        rows: The training rows in all.
        chosen: (m,) places of those that are kept as a sample.
    """

    plan: SplitPlan
    pieces: Pieces
    spills: Sequence[Path]
    encoding: Encoding
    scale: float
    rows: int
    chosen: NDArray[np.int64]


class Shard(NamedTuple):
    """A file of rows: which part of the table it belongs to, its number there and among all, and the rows before it."""

    name: Name
    number: int
    place: int
    start: int


@dataclass(frozen=True, slots=True, eq=False)
class Gathered:
    """A shard that was written: its files, and of training rows their profile and some of them before encoding."""

    files: Sequence[Path]
    profile: TableProfile | None = None
    sample: pa.Table | None = None


def gather(gathering: Gathering, slices: int, shard: Shard) -> Gathered:
    """Gather a shard's rows, shuffle and encode them, and write what there is of them, unless that was done before.

    Args:
        gathering: What all shards have in common.
        slices: Into which rows are cut for their moments; 0 lets the shard decide.
        shard: The shard.
    """
    make = partial(_write_shard, gathering, slices, shard)
    place = gathering.pieces.made(f"{shard.name}-{shard.number:05}", make)
    files = [path for path in files_of(place) if path.name not in (PROFILE, SAMPLE)]
    if shard.name == TEST:
        return Gathered(files)
    return Gathered(files, parts.profile_in(place / PROFILE), read_parquet(place / SAMPLE))


def write_beside(folder: Path, name: Name, plan: SplitPlan, rows: pa.Table, number: int = 0) -> None:
    """Write what lies beside a part of the rows: the clusters of training rows, and the keys, if there are any."""
    _write_clusters(folder, name, plan, rows, number)
    if plan.beside.key and rows.num_rows:
        cells = [rows[name].cast(pa.string()) for name in plan.beside.key]
        keys = pc.binary_join_element_wise(*cells, ", ", null_handling="replace", null_replacement="–")
        parts.write_keys(folder, name, number, keys)


def _write_clusters(folder: Path, name: Name, plan: SplitPlan, rows: pa.Table, number: int) -> None:
    """Write the clusters of training rows, if they are asked for.

    Raises:
        BadTable: a row has none.
    """
    if plan.beside.cluster is None or name != TRAIN:
        return
    column = rows[plan.beside.cluster]
    if column.null_count:
        missing = counted(column.null_count, "value")
        raise BadTable(
            f"column {quoted(plan.beside.cluster)} of `cluster` misses {missing} in training rows; fill them in or "
            "drop them"
        )
    parts.write_clusters(folder, number, column)


def _write_dealt(dealing: Dealing, source: Source, folder: Path) -> None:
    """Write a part's rows in the order of the shards, a block at a time, each block with the shards' ends in it."""
    plan, training = dealing.plan, dealing.shards[TRAIN]
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0, source.number)))
    schema = pa.schema([source.rows.schema.field(name) for name in plan.read])
    with pa.ipc.new_file(str(folder / ROWS), schema) as writer:
        for table, is_test in _masked(plan, source, rng):
            numbers = rng.integers(training, size=len(is_test), dtype=np.uint16)
            if is_test.any():
                own = rng.integers(dealing.shards[TEST], size=int(is_test.sum()), dtype=np.uint16)
                numbers[is_test] = training + own
            order = np.argsort(numbers, kind="stable")
            ends = np.cumsum(np.bincount(numbers, minlength=dealing.count))
            rows = table.select(plan.read).take(pa.array(order)).combine_chunks()
            for batch in rows.to_batches():
                writer.write_batch(batch, custom_metadata={ENDS: ends.astype("<i8").tobytes()})


def _masked(plan: SplitPlan, source: Source, rng: np.random.Generator) -> SplitTables:
    """Yield the rows of a part, some at a time, and which of them are for the test."""
    rule = plan.rule
    names = list(dict.fromkeys([*plan.read, *(rule.columns if rule else ())]))
    tables = (pa.Table.from_batches([batch]).select(names) for batch in source.rows.tables(columns=names))
    if rule is None:
        return by_lot(tables, source.rows.rows, source.tests, rng)
    return ((table, rule.is_test(table)) for table in tables)


def _blocks(path: Path) -> Iterator[tuple[pa.Table, NDArray[np.int64]]]:
    """Yield the rows of a part that was dealt, some at a time, and where each shard's end."""
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch, about = reader.get_batch_with_custom_metadata(number)
            yield pa.Table.from_batches([batch]), np.frombuffer(about[ENDS], "<i8").astype(np.int64)


def _sums(dealing: Dealing, path: Path) -> Iterator[Dealt]:
    """Yield the sums over each block of a part that was dealt, the first time over no rows."""
    plan, training = dealing.plan, dealing.shards[TRAIN]
    empty = _schema_of(path).empty_table()
    none = tally(empty, plan.roles)
    yield Dealt(path, np.zeros(dealing.count, np.int64), {TRAIN: none, TEST: none}, 0.0)
    for rows, ends in _blocks(path):
        cut = int(ends[training - 1])
        train, test = rows.slice(0, cut), rows.slice(cut)
        sums = {TRAIN: tally(train, plan.roles), TEST: tally(test, plan.roles)}
        yield Dealt(path, np.diff(ends, prepend=0), sums, plan.total(train))


def _schema_of(path: Path) -> pa.Schema:
    with pa.memory_map(str(path)) as source, pa.ipc.open_file(source) as reader:
        return reader.schema


def _rows_of(spills: Iterable[Path], place: int) -> Iterator[pa.Table]:
    """Yield a shard's rows, in the order of the parts; copied, as all that is mapped around them counts as held."""
    for path in spills:
        for rows, ends in _blocks(path):
            start = int(ends[place - 1]) if place else 0
            yield rows.take(pa.array(np.arange(start, int(ends[place]))))


def _write_shard(gathering: Gathering, slices: int, shard: Shard, folder: Path) -> None:
    """Write a shard's rows in random order, and what lies beside them."""
    plan = gathering.plan
    found = pa.concat_tables(_rows_of(gathering.spills, shard.place))
    key = 1 if shard.name == TRAIN else 2
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(key, shard.number)))
    rows = found.take(pa.array(rng.permutation(found.num_rows)))
    encoded = plan.encoded(gathering.encoding, rows, gathering.scale)
    parts.write_rows_part(folder, shard.name, shard.number, encoded)
    write_beside(folder, shard.name, plan, rows, shard.number)
    if shard.name == TRAIN:
        own = parts.held(encoded)
        slices = slices or likely_slices(own, gathering.rows)
        parts.write_profile(folder, part_profile(own, gathering.chosen, shard.start, slices))
        some = pick(rows.select(plan.roles.features), gathering.chosen, shard.start)
        write_parquet(folder / SAMPLE, some.combine_chunks())
