"""Stage `split`: deal the rows to training and test, and encode both by what the training rows hold."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.config import Split
from tasks.neuron.prefetch import ahead
from tasks.neuron.profile import Profiler, TableProfile
from tasks.neuron.workers import spread
from tasks.outputs import parts
from tasks.outputs.data import Rows, read_facts, read_rows
from tasks.outputs.parts import TEST, TRAIN, Name, PartsFacts
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.parts import part_count
from tasks.store.spill import Spill, spilled
from tasks.store.writing import draft, publish
from tasks.table.encoding import ColumnRoles, Encoding, Tally, encoding_notes, fit, merged, tally, width
from tasks.table.errors import BadTable, counted, quoted
from tasks.table.partition import partition, test_size
from tasks.table.split_rules import (
    SplitRule,
    SplitTables,
    by_hash,
    by_lot,
    by_time,
    check_columns,
    check_sizes,
    split_note,
)

SAMPLE_ROWS = 5000  # of the training rows, kept for the diagnostic plots,
SAMPLE_VALUES = 2**21  # but of wide tables no more values than this: 16 MiB
AHEAD = 2  # blocks of rows that are read while those before them are dealt


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
    # The column of clusters, which goes beside the encoded training rows.
    cluster: str | None = None

    @property
    def read(self) -> list[str]:
        """The columns that become rows, and that of clusters."""
        return list(dict.fromkeys([*self.roles.used, *([self.cluster] if self.cluster else [])]))

    def fit(self, training: Tally, tests: Tally) -> Encoding:
        """Fit the encoding to the training rows; refuse too few of them."""
        check_sizes(self.options.method, self.options.test_fraction, training.rows, tests.rows, self.columns)
        return fit(training, self.roles)

    def profiler(self, rows: int) -> Profiler:
        """Begin to look at so many training rows."""
        return Profiler(rows, min(SAMPLE_ROWS, max(1, SAMPLE_VALUES // self.columns)))


# The encoding, and the sums over the training and the test rows.
FittedSplit = tuple[Encoding, Tally, Tally]


@stage
def split(
    data: Artifact,
    options: Split,
    seed: int,
    root: Path,
    cluster: str | None = None,
    min_frequency: int = 1,
) -> Artifact:
    """Assign the rows to training and test, and encode all columns as numbers; see `tasks.outputs.parts`.

    What text columns and missing values are encoded by is fitted to the training rows. Small data (up to 5 million
    rows) keeps the order of its rows. Large data is written in parts, in random order and in constant memory. Runs
    again when the data, a setting of the split, the seed or this code changes.

    Raises:
        BadTable: a part would be too small, or a column cannot be split by or encoded.
    """
    facts, (rows, plan) = read_facts(data), planned(data, options, seed, root, cluster, min_frequency)
    with draft(root) as folder:
        if rows.in_parts(plan.columns):
            with draft(root) as aside:
                found, profile = _deal_in_parts(rows, plan, aside, folder)
        else:
            found, profile = _deal(rows, plan, folder)
        encoding, _, tests = found

        parts.write_encoding(folder, encoding)
        parts.write_profile(folder, profile)

        notes = [
            *([split_note(plan.rule, tests.rows, rows.count)] if plan.rule else []),
            *encoding_notes(*found),
        ]
        left = PartsFacts(features=encoding.features, target=facts.target, truth=facts.truth)
        return publish(folder, root, "split", left.as_json(), notes)


def planned(
    data: Artifact,
    options: Split,
    seed: int,
    root: Path,
    cluster: str | None = None,
    min_frequency: int = 1,
) -> tuple[Rows, SplitPlan]:
    """Open the rows, and say how they are dealt and encoded.

    Raises:
        BadTable: a column cannot be split by or encoded.
    """
    facts, rows = read_facts(data), read_rows(data, root)
    fill = facts.missing == "mean"
    roles = ColumnRoles(facts.features, facts.target, facts.categorical, fill, min_frequency)
    columns = width(rows.tables(roles.categorical), roles)
    check_columns([cluster] if cluster else [], rows.schema.names, "cluster")
    return rows, SplitPlan(roles, columns, options, _rule(rows, roles, columns, options, seed), seed, cluster)


def _rule(rows: Rows, roles: ColumnRoles, columns: int, options: Split, seed: int) -> SplitRule | None:
    check_columns(options.by, rows.schema.names)
    if options.method == "random":
        return None
    if options.method == "time":
        tests = test_size(rows.count, options.test_fraction, columns)
        name = options.by[0]
        return by_time(
            lambda: (table[name] for table in rows.tables([name])),
            name,
            rows.count,
            tests,
            options.date_format,
        )
    return by_hash(options.by or roles.used, options.test_fraction, seed)


def _deal(rows: Rows, plan: SplitPlan, folder: Path) -> tuple[FittedSplit, TableProfile]:
    """Write training and test rows in their order, and look at the former meanwhile."""
    is_test = _is_test(rows, plan)
    masks = pa.array(~is_test), pa.array(is_test)

    def deal(name: str) -> tuple[pa.Array | pa.ChunkedArray, ...]:
        column = rows.whole([name])[name]
        return tuple(column.filter(mask).combine_chunks() for mask in masks)

    # By column, so that no more of them are in memory twice than there are threads.
    dealt = zip(*spread(deal, plan.read), strict=True)
    train, test = (pa.table(list(columns), names=plan.read) for columns in dealt)
    training, testing = tally(train, plan.roles), tally(test, plan.roles)
    encoding = plan.fit(training, testing)

    encoded = encoding.apply(train)
    profiler = plan.profiler(training.rows)
    held = parts.held(encoded)
    with ThreadPoolExecutor(1) as aside:
        writing = [aside.submit(parts.write_rows, folder, TRAIN, encoded)]
        if test.num_rows:
            writing.append(aside.submit(parts.write_rows, folder, TEST, encoding.apply(test)))
        profiler.add(held)
        for each in writing:
            each.result()
    _write_clusters(folder, TRAIN, plan, train)
    return (encoding, training, testing), profiler.finish([held])


def _is_test(rows: Rows, plan: SplitPlan) -> NDArray[np.bool_]:
    """Say of each row (n,) whether it is for the test."""
    if plan.rule is not None:
        return plan.rule.is_test(rows.whole(plan.rule.columns))
    chosen = np.zeros(rows.count, np.bool_)
    chosen[partition(rows.count, plan.options.test_fraction, plan.seed, parameters=plan.columns)[1]] = True
    return chosen


def _deal_in_parts(
    rows: Rows, plan: SplitPlan, aside: Path, folder: Path
) -> tuple[FittedSplit, TableProfile]:
    """Write training and test rows in random order, every order equally likely, with one part in memory at a time.

    Each row goes to a part that is drawn for it, and each part is shuffled when it has all of its rows: C. R. Rao,
    "Generation of random permutations of given number of elements using random sampling numbers", 1961.
    """
    roles, columns = plan.roles, plan.columns
    tests = test_size(rows.count, plan.options.test_fraction, columns)
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0,)))
    schema = pa.schema([rows.schema.field(name) for name in plan.read])
    sums = dict.fromkeys((TRAIN, TEST), tally(schema.empty_table(), roles))
    with ExitStack() as stack:
        spills = {
            name: stack.enter_context(
                spilled(aside, name, schema, part_count(count, columns) if count else 0)
            )
            for name, count in ((TRAIN, rows.count - tests), (TEST, tests))
        }
        for table, mask in _dealt(rows, plan, tests, rng):
            for name, chosen in ((TRAIN, ~mask), (TEST, mask)):
                part = table.select(plan.read).filter(pa.array(chosen))
                sums[name] = merged(sums[name], tally(part, roles))
                _append(spills[name], part, rng)
    encoding = plan.fit(sums[TRAIN], sums[TEST])
    profiler = plan.profiler(sums[TRAIN].rows)
    for key, (name, spill) in enumerate(spills.items(), start=1):
        for number, part in enumerate(spill.taken()):
            if part.num_rows:
                own = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(key, number)))
                shuffled = part.take(pa.array(own.permutation(part.num_rows)))
                _write_part(folder, name, number, encoding.apply(shuffled), profiler)
                _write_clusters(folder, name, plan, shuffled, number)
    return (encoding, sums[TRAIN], sums[TEST]), profiler.finish(parts.written(folder, TRAIN))


def _write_part(folder: Path, name: Name, number: int, rows: pa.Table, profiler: Profiler) -> None:
    """Write a part, and look at its rows meanwhile if they are for training."""
    with ThreadPoolExecutor(1) as aside:
        writing = aside.submit(parts.write_rows_part, folder, name, number, rows)
        if name == TRAIN:
            profiler.add(parts.held(rows))
        writing.result()


def _dealt(rows: Rows, plan: SplitPlan, tests: int, rng: np.random.Generator) -> SplitTables:
    rule = plan.rule
    wanted = list(dict.fromkeys([*plan.read, *(rule.columns if rule else ())]))
    tables = ahead(rows.tables(wanted), AHEAD)
    if rule is None:
        return by_lot(tables, rows.count, tests, rng)
    return ((table, rule.is_test(table)) for table in tables)


def _write_clusters(folder: Path, name: Name, plan: SplitPlan, rows: pa.Table, number: int = 0) -> None:
    """Write the clusters of training rows, if they are asked for.

    Raises:
        BadTable: a row has none.
    """
    if plan.cluster is None or name != TRAIN:
        return
    column = rows[plan.cluster]
    if column.null_count:
        missing = counted(column.null_count, "value")
        raise BadTable(
            f"column {quoted(plan.cluster)} of `cluster` misses {missing} in training rows; fill them in or drop them"
        )
    parts.write_clusters(folder, number, column)


def _append(spill: Spill, rows: pa.Table, rng: np.random.Generator) -> None:
    if rows.num_rows:
        spill.append(rows, rng.integers(len(spill.paths), size=rows.num_rows, dtype=np.uint16))
