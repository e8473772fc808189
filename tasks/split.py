"""Stage `split`: deal the rows to training and test, and encode both by what the training rows hold."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from tasks.config import Split
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_parquet
from tasks.store.parts import ParquetPart, is_large, part_count, part_name, paths_of, write_part
from tasks.store.spill import Spill, spilled
from tasks.store.writing import draft, publish
from tasks.table.encoding import ColumnRoles, Encoding, Tally, encoding_notes, fit, merged, tally, width
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

TRAIN = "train"
TEST = "test"
ENCODING = "encoding.json"


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the data, in memory or in files."""

    held: pa.Table | Sequence[ParquetPart]
    count: int
    schema: pa.Schema

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield these columns of all rows, some at a time."""
        if isinstance(self.held, pa.Table):
            yield self.held.select(list(columns))
            return
        for shard in self.held:
            for batch in shard.tables(columns=columns):
                yield pa.Table.from_batches([batch]).select(list(columns))  # a name with a dot brings others

    def in_parts(self, columns: int) -> bool:
        """Say whether the rows, of so many columns when encoded, are too large to be held in memory."""
        in_files = not isinstance(self.held, pa.Table)
        return in_files and (len(self.held) > 1 or is_large(self.count, columns))

    def whole(self) -> pa.Table:
        """Return all rows in memory."""
        return self.held if isinstance(self.held, pa.Table) else read_parquet(self.held[0].path)


@dataclass(frozen=True, slots=True)
class SplitPlan:
    """How the rows are dealt and encoded."""

    layout: ColumnRoles
    columns: int
    """The columns that the rows can become, the target's among them: as many as weights and bias."""
    options: Split
    rule: SplitRule | None
    """By what rows are dealt; None where lots are drawn."""
    seed: int

    def fit(self, training: Tally, tests: Tally) -> Encoding:
        """Fit the encoding to the training rows, of which there must be enough."""
        check_sizes(self.options.method, self.options.test_fraction, training.rows, tests.rows, self.columns)
        return fit(training, self.layout)


FittedSplit = tuple[Encoding, Tally, Tally]
"""The encoding, and the sums over the training and the test rows."""


@stage
def split(data: Artifact, options: Split, seed: int, root: Path) -> Artifact:
    """Deal the rows of the data to `train.parquet` and, unless it is empty, `test.parquet`, all columns as numbers.

    The features' columns come first, the target's last. What text columns and missing values are encoded by is fitted
    to the training rows and left in `encoding.json`. Small data (up to 5 million rows) is `data.npz` or
    `data.parquet` and keeps the order of its rows. Large data becomes `train-00000.parquet` and so on, with the rows
    in random order, in constant memory. Runs again when the data, a setting of the split, the seed or this code
    changes.

    Raises:
        BadTable: a part would be too small, or a column cannot be dealt by or encoded.
    """
    layout, rows = _layout(data.facts), _rows(data, root)
    columns = width(rows.tables(layout.categorical), layout)
    plan = SplitPlan(layout, columns, options, _rule(rows, layout, columns, options, seed), seed)
    with draft(root) as folder:
        if rows.in_parts(columns):
            with draft(root) as aside:
                found = _deal_in_parts(rows, plan, aside, folder)
        else:
            found = _deal(rows.whole(), plan, folder)
        encoding, _, tests = found
        (folder / ENCODING).write_text(encoding.model_dump_json(indent=1), encoding="utf-8")
        notes = [
            *([split_note(plan.rule, tests.rows, rows.count)] if plan.rule else []),
            *encoding_notes(*found),
        ]
        return publish(folder, root, "split", data.facts | _told(data.facts, encoding, notes))


def _layout(facts: dict[str, Any]) -> ColumnRoles:
    return ColumnRoles(
        features=tuple(facts["features"]),
        target=facts["target"],
        categorical=tuple(facts.get("categorical", ())),
        fill=facts.get("missing") == "mean",
    )


def _rows(data: Artifact, root: Path) -> Rows:
    if "data.npz" in data.files:
        arrays = read_npz(data.path(root, "data.npz"))
        facts: dict[str, Any] = data.facts
        names = [*facts["features"], facts["target"]]
        table = pa.table([*arrays["inputs"].T, arrays["targets"][:, 0]], names=names)
        return Rows(table, table.num_rows, table.schema)
    shards = [ParquetPart(path) for path in paths_of(data, root, "data")]
    return Rows(shards, sum(shard.rows for shard in shards), shards[0].schema)


def _rule(rows: Rows, layout: ColumnRoles, columns: int, options: Split, seed: int) -> SplitRule | None:
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
    return by_hash(options.by or layout.used, options.test_fraction, seed)


def _told(facts: dict[str, Any], encoding: Encoding, notes: Sequence[str]) -> dict[str, JsonValue]:
    told: list[JsonValue] = [*facts.get("notes", ()), *notes]
    return {"features": list(encoding.features), **({"notes": told} if told else {})}


def _deal(table: pa.Table, plan: SplitPlan, folder: Path) -> FittedSplit:
    """Write training and test rows in their order."""
    if plan.rule is None:
        chosen = partition(table.num_rows, plan.options.test_fraction, plan.seed, parameters=plan.columns)
    else:
        mask = plan.rule.is_test(table)
        chosen = np.flatnonzero(~mask), np.flatnonzero(mask)
    train, test = (table.select(list(plan.layout.used)).take(pa.array(places)) for places in chosen)
    training, tests = tally(train, plan.layout), tally(test, plan.layout)
    encoding = plan.fit(training, tests)
    for name, part in ((TRAIN, train), (TEST, test)):
        if part.num_rows:
            write_parquet(folder / f"{name}.parquet", encoding.apply(part))
    return encoding, training, tests


def _deal_in_parts(rows: Rows, plan: SplitPlan, aside: Path, folder: Path) -> FittedSplit:
    """Write training and test rows in random order, every order equally likely, with one part in memory at a time.

    Each row goes to a part that is drawn for it, and each part is shuffled when it has all of its rows: C. R. Rao,
    "Generation of random permutations of given number of elements using random sampling numbers", 1961.
    """
    layout, columns = plan.layout, plan.columns
    tests = test_size(rows.count, plan.options.test_fraction, columns)
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(0,)))
    schema = pa.schema([rows.schema.field(name) for name in layout.used])
    sums = dict.fromkeys((TRAIN, TEST), tally(schema.empty_table(), layout))
    with ExitStack() as stack:
        spills = {
            name: stack.enter_context(
                spilled(aside, name, schema, part_count(count, columns) if count else 0)
            )
            for name, count in ((TRAIN, rows.count - tests), (TEST, tests))
        }
        for table, mask in _dealt(rows, plan, tests, rng):
            for name, chosen in ((TRAIN, ~mask), (TEST, mask)):
                part = table.select(list(layout.used)).filter(pa.array(chosen))
                sums[name] = merged(sums[name], tally(part, layout))
                _append(spills[name], part, rng)
    encoding = plan.fit(sums[TRAIN], sums[TEST])
    for key, (name, spill) in enumerate(spills.items(), start=1):
        for number, part in enumerate(spill.taken()):
            if not part.num_rows:
                continue
            own = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(key, number)))
            shuffled = part.take(pa.array(own.permutation(part.num_rows)))
            write_part(folder / part_name(name, number), encoding.apply(shuffled))
    return encoding, sums[TRAIN], sums[TEST]


def _dealt(rows: Rows, plan: SplitPlan, tests: int, rng: np.random.Generator) -> SplitTables:
    rule = plan.rule
    tables = rows.tables(list(dict.fromkeys([*plan.layout.used, *(rule.columns if rule else ())])))
    if rule is None:
        return by_lot(tables, rows.count, tests, rng)
    return ((table, rule.is_test(table)) for table in tables)


def _append(spill: Spill, rows: pa.Table, rng: np.random.Generator) -> None:
    if rows.num_rows:
        spill.append(rows, rng.integers(len(spill.paths), size=rows.num_rows, dtype=np.uint16))
