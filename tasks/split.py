"""Stage `split`: deal the rows to training and test."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tasks.config import Split
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_parquet
from tasks.store.parts import Shard, is_large, part_count, part_name, paths_of, write_part
from tasks.store.spill import Spill, spilled
from tasks.store.writing import draft, publish
from tasks.table.partition import held_out, partition, test_size

TRAIN = "train"
TEST = "test"


@stage
def split(data: Artifact, options: Split, seed: int, root: Path) -> Artifact:
    """Deal the rows of the data to `train.parquet` and, unless it is empty, `test.parquet`.

    The features' columns come first, the target's last. Small data (up to 5 million rows) is `data.npz` or
    `data.parquet` and keeps the order of its rows. Large data becomes `train-00000.parquet` and so on, with the rows
    in random order, in constant memory. Runs again when the data, the fraction, the seed or this code changes.
    """
    paths = paths_of(data, root, "data")
    with draft(root) as folder:
        shards = [Shard(path) for path in paths if path.suffix == ".parquet"]
        if shards and is_large(sum(shard.rows for shard in shards), len(shards[0].schema)):
            with draft(root) as aside:
                _deal(shards, options.test_fraction, seed, aside, folder)
        else:
            table = _table(data, root)
            train, test = partition(table.num_rows, options.test_fraction, seed, parameters=table.num_columns)
            write_parquet(folder / f"{TRAIN}.parquet", table.take(pa.array(train)))
            if len(test):
                write_parquet(folder / f"{TEST}.parquet", table.take(pa.array(test)))
        return publish(folder, root, "split", data.facts)


def _table(data: Artifact, root: Path) -> pa.Table:
    if "data.parquet" in data.files:
        return read_parquet(data.path(root, "data.parquet"))
    arrays = read_npz(data.path(root, "data.npz"))
    facts: dict[str, Any] = data.facts
    names = [*facts["features"], facts["target"]]
    return pa.table([*arrays["inputs"].T, arrays["targets"][:, 0]], names=names)


def _deal(shards: Sequence[Shard], test_fraction: float, seed: int, aside: Path, folder: Path) -> None:
    """Write training and test rows in random order, every order equally likely, with one part in memory at a time.

    Each row goes to a part that is drawn for it, and each part is shuffled when it has all of its rows: C. R. Rao,
    "Generation of random permutations of given number of elements using random sampling numbers", 1961.
    """
    rows, schema = sum(shard.rows for shard in shards), shards[0].schema
    tests = test_size(rows, test_fraction, len(schema))
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    with ExitStack() as stack:
        train, test = (
            stack.enter_context(spilled(aside, name, schema, part_count(count, len(schema)) if count else 0))
            for name, count in ((TRAIN, rows - tests), (TEST, tests))
        )
        for shard in shards:
            for batch in shard.tables():
                mask = held_out(batch.num_rows, rows, tests, rng)
                rows, tests = rows - len(mask), tests - int(mask.sum())
                for spill, chosen in ((train, ~mask), (test, mask)):
                    _append(spill, pa.table(batch).filter(pa.array(chosen)), rng)
    for key, (name, spill) in enumerate(((TRAIN, train), (TEST, test)), start=1):
        for number, table in enumerate(spill.taken()):
            if not table.num_rows:
                continue
            own = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, number)))
            write_part(
                folder / part_name(name, number), table.take(pa.array(own.permutation(table.num_rows)))
            )


def _append(spill: Spill, rows: pa.Table, rng: np.random.Generator) -> None:
    if rows.num_rows:
        spill.append(rows, rng.integers(len(spill.paths), size=rows.num_rows, dtype=np.uint16))
