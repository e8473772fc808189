"""Stage `split`: deal the rows to training and test, and encode both by what the training rows hold."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from tasks.config import Split
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_parquet
from tasks.store.parts import Shard, is_large, part_count, part_name, paths_of, write_part
from tasks.store.spill import Spill, spilled
from tasks.store.writing import draft, publish
from tasks.table.encoding import Encoding, Layout, Tally, fit, merged, remarks, tally, width
from tasks.table.partition import held_out, partition, test_size

TRAIN = "train"
TEST = "test"
ENCODING = "encoding.json"

Fit = tuple[Encoding, Tally, Tally]
"""The encoding, and the sums over the training and the test rows that it was fitted to and is told about by."""


@stage
def split(data: Artifact, options: Split, seed: int, root: Path) -> Artifact:
    """Deal the rows of the data to `train.parquet` and, unless it is empty, `test.parquet`, all columns as numbers.

    The features' columns come first, the target's last. What text columns and missing values are encoded by is fitted
    to the training rows and left in `encoding.json`. Small data (up to 5 million rows) is `data.npz` or
    `data.parquet` and keeps the order of its rows. Large data becomes `train-00000.parquet` and so on, with the rows
    in random order, in constant memory. Runs again when the data, the fraction, the seed or this code changes.
    """
    layout = _layout(data.facts)
    shards = [Shard(path) for path in paths_of(data, root, "data") if path.suffix == ".parquet"]
    columns = width(_tables(shards, layout.categorical), layout)
    with draft(root) as folder:
        if shards and is_large(sum(shard.rows for shard in shards), columns):
            with draft(root) as aside:
                found = _deal_in_parts(shards, layout, columns, options.test_fraction, seed, aside, folder)
        else:
            found = _deal(_table(data, layout, root), layout, columns, options.test_fraction, seed, folder)
        encoding = found[0]
        (folder / ENCODING).write_text(encoding.model_dump_json(indent=1), encoding="utf-8")
        return publish(folder, root, "split", data.facts | _told(data.facts, *found))


def _layout(facts: dict[str, Any]) -> Layout:
    return Layout(
        features=tuple(facts["features"]),
        target=facts["target"],
        categorical=tuple(facts.get("categorical", ())),
        fill=facts.get("missing") == "mean",
    )


def _told(facts: dict[str, Any], encoding: Encoding, training: Tally, test: Tally) -> dict[str, JsonValue]:
    notes: list[JsonValue] = [*facts.get("notes", ()), *remarks(encoding, training, test)]
    return {"features": list(encoding.features), **({"notes": notes} if notes else {})}


def _table(data: Artifact, layout: Layout, root: Path) -> pa.Table:
    if "data.parquet" in data.files:
        return read_parquet(data.path(root, "data.parquet"))
    arrays = read_npz(data.path(root, "data.npz"))
    return pa.table([*arrays["inputs"].T, arrays["targets"][:, 0]], names=list(layout.used))


def _tables(shards: Sequence[Shard], columns: Sequence[str]) -> Iterator[pa.Table]:
    for shard in shards:
        for batch in shard.tables(columns=columns):
            yield pa.Table.from_batches([batch]).select(list(columns))  # a name with a dot brings others


def _deal(
    table: pa.Table, layout: Layout, columns: int, test_fraction: float, seed: int, folder: Path
) -> Fit:
    """Write training and test rows in their order."""
    chosen = partition(table.num_rows, test_fraction, seed, parameters=columns)
    train, test = (table.take(pa.array(rows)) for rows in chosen)
    training, held = tally(train, layout), tally(test, layout)
    encoding = fit(training, layout)
    for name, rows in ((TRAIN, train), (TEST, test)):
        if rows.num_rows:
            write_parquet(folder / f"{name}.parquet", encoding.apply(rows))
    return encoding, training, held


def _deal_in_parts(
    shards: Sequence[Shard],
    layout: Layout,
    columns: int,
    test_fraction: float,
    seed: int,
    aside: Path,
    folder: Path,
) -> Fit:
    """Write training and test rows in random order, every order equally likely, with one part in memory at a time.

    Each row goes to a part that is drawn for it, and each part is shuffled when it has all of its rows: C. R. Rao,
    "Generation of random permutations of given number of elements using random sampling numbers", 1961.
    """
    rows, stored = sum(shard.rows for shard in shards), shards[0].schema
    schema = pa.schema([stored.field(name) for name in layout.used])
    tests = test_size(rows, test_fraction, columns)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    sums = dict.fromkeys((TRAIN, TEST), tally(schema.empty_table(), layout))
    with ExitStack() as stack:
        spills = {
            name: stack.enter_context(
                spilled(aside, name, schema, part_count(count, columns) if count else 0)
            )
            for name, count in ((TRAIN, rows - tests), (TEST, tests))
        }
        for table in _tables(shards, layout.used):
            mask = held_out(table.num_rows, rows, tests, rng)
            rows, tests = rows - len(mask), tests - int(mask.sum())
            for name, chosen in ((TRAIN, ~mask), (TEST, mask)):
                dealt = table.filter(pa.array(chosen))
                sums[name] = merged(sums[name], tally(dealt, layout))
                _append(spills[name], dealt, rng)
    encoding = fit(sums[TRAIN], layout)
    for key, (name, spill) in enumerate(spills.items(), start=1):
        for number, table in enumerate(spill.taken()):
            if not table.num_rows:
                continue
            own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, number)))
            shuffled = table.take(pa.array(own.permutation(table.num_rows)))
            write_part(folder / part_name(name, number), encoding.apply(shuffled))
    return encoding, sums[TRAIN], sums[TEST]


def _append(spill: Spill, rows: pa.Table, rng: np.random.Generator) -> None:
    if rows.num_rows:
        spill.append(rows, rng.integers(len(spill.paths), size=rows.num_rows, dtype=np.uint16))
