"""Stage `split`: deal the rows to training and test, and encode both by what the training rows hold."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.config import NOTHING, Beside, Split
from tasks.neuron.prefetch import ahead
from tasks.neuron.profile import Profiler, TableProfile
from tasks.neuron.workers import spread
from tasks.outputs import parts
from tasks.outputs.data import Rows, read_facts, read_rows
from tasks.outputs.distributions import Sampler
from tasks.outputs.parts import TEST, TRAIN, Name, PartsFacts
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.parts import part_count
from tasks.store.spill import Spill, spilled
from tasks.store.writing import draft, publish
from tasks.table.encoding import (
    ColumnRoles,
    Encoding,
    Tally,
    counted_columns,
    encoding_notes,
    fit,
    merged,
    tally,
    width,
)
from tasks.table.errors import BadTable, counted, quoted
from tasks.table.partition import partition, test_size
from tasks.table.row_weights import RowWeights, by_age, by_column
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

SAMPLE_ROWS = (
    5000  # of the training rows, kept for the diagnostic plots and, before encoding, to tell drift by,
)
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
    beside: Beside = NOTHING,
    min_frequency: int = 1,
    log_target: bool = False,
) -> Artifact:
    """Assign the rows to training and test, and encode all columns as numbers; see `tasks.outputs.parts`.

    What text columns and missing values are encoded by is fitted to the training rows. Small data (up to 5 million
    rows) keeps the order of its rows. Large data is written in parts, in random order and in constant memory. Runs
    again when the data, a setting of the split, the seed or this code changes.

    Raises:
        BadTable: a part would be too small, or a column cannot be split by or encoded.
    """
    facts = read_facts(data)
    rows, plan = planned(data, options, seed, root, beside, min_frequency, log_target)
    plan = replace(plan, weights=row_weights(rows, options, beside))
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
            *([_weight_note(plan.weights)] if plan.weights else []),
            *encoding_notes(*found),
        ]
        left = PartsFacts(
            features=encoding.features,
            target=facts.target,
            truth=facts.truth,
            weights=plan.weights.said if plan.weights else None,
            by_age=plan.weights is not None and plan.weights.relative,
        )
        return publish(folder, root, "split", left.as_json(), notes)


def _weight_note(weights: RowWeights) -> str:
    if weights.relative:
        return f"rows count {weights.said}, in the fit, in all errors and in conformal intervals"
    return (
        f"rows count {weights.said}, in the fit and in all errors; in conformal intervals each test row counts once, "
        "as new rows have no weight"
    )


def planned(
    data: Artifact,
    options: Split,
    seed: int,
    root: Path,
    beside: Beside = NOTHING,
    min_frequency: int = 1,
    log_target: bool = False,
) -> tuple[Rows, SplitPlan]:
    """Open the rows, and say how they are dealt and encoded.

    Raises:
        BadTable: a column cannot be split by or encoded.
    """
    facts, rows = read_facts(data), read_rows(data, root)
    fill = facts.missing == "mean"
    if parts.WEIGHTS in (facts.target, *facts.features):
        raise BadTable(f"a column is named {quoted(parts.WEIGHTS)}, as the rows' weights are; rename it")
    plain, categorical = (
        tuple(name for name in names if name not in facts.within)
        for names in (facts.features, facts.categorical)
    )
    roles = ColumnRoles(plain, facts.target, categorical, fill, min_frequency, log_target, facts.terms)
    columns = width(rows.tables(counted_columns(roles)), roles)
    check_columns([beside.cluster] if beside.cluster else [], rows.schema.names, "cluster")
    return rows, SplitPlan(roles, columns, options, _rule(rows, roles, columns, options, seed), seed, beside)


def row_weights(rows: Rows, options: Split, beside: Beside) -> RowWeights | None:
    """Say by what the rows count, if they do not all count as one.

    Raises:
        BadTable: the column cannot be counted by.
    """
    if beside.weights is not None:
        return by_column(beside.weights)
    if options.half_life is None:
        return None
    name = options.by[0]
    return by_age(
        lambda: (table[name] for table in rows.tables([name])), name, options.half_life, options.date_format
    )


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

    scale = plan.scale(training.rows, plan.total(train))
    encoded = plan.encoded(encoding, train, scale)
    profiler = plan.profiler(training.rows)
    held = parts.held(encoded)
    with ThreadPoolExecutor(1) as aside:
        writing = [aside.submit(parts.write_rows, folder, TRAIN, encoded)]
        if test.num_rows:
            writing.append(aside.submit(parts.write_rows, folder, TEST, plan.encoded(encoding, test, scale)))
        profiler.add(held)
        for each in writing:
            each.result()
    _write_beside(folder, TRAIN, plan, train)
    _write_beside(folder, TEST, plan, test)
    if not plan.beside.key:
        parts.write_order(folder, is_test)
    sampler = Sampler(profiler.chosen)
    sampler.add(train.select(plan.roles.features))
    sampler.write(folder)
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
    total = 0.0
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
                total += plan.total(part) if name == TRAIN else 0.0
                _append(spills[name], part, rng)
    encoding, scale = plan.fit(sums[TRAIN], sums[TEST]), plan.scale(sums[TRAIN].rows, total)
    profiler = plan.profiler(sums[TRAIN].rows)
    sampler = Sampler(profiler.chosen)
    for name, number, rows_of_part in _shuffled(spills, plan.seed):
        _write_part(folder, name, number, plan.encoded(encoding, rows_of_part, scale), profiler)
        _write_beside(folder, name, plan, rows_of_part, number)
        if name == TRAIN:
            sampler.add(rows_of_part.select(roles.features))
    sampler.write(folder)
    return (encoding, sums[TRAIN], sums[TEST]), profiler.finish(parts.written(folder, TRAIN))


def _shuffled(spills: Mapping[Name, Spill], seed: int) -> Iterator[tuple[Name, int, pa.Table]]:
    """Yield the rows of each part that has some, in random order, with the part's name and number."""
    for key, (name, spill) in enumerate(spills.items(), start=1):
        for number, part in enumerate(spill.taken()):
            if part.num_rows:
                own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, number)))
                yield name, number, part.take(pa.array(own.permutation(part.num_rows)))


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


def _write_beside(folder: Path, name: Name, plan: SplitPlan, rows: pa.Table, number: int = 0) -> None:
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


def _append(spill: Spill, rows: pa.Table, rng: np.random.Generator) -> None:
    if rows.num_rows:
        spill.append(rows, rng.integers(len(spill.paths), size=rows.num_rows, dtype=np.uint16))
