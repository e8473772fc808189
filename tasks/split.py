"""Stage `split`: deal the rows to training and test."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from tasks.config import Split
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_parquet
from tasks.store.writing import draft, publish
from tasks.table.partition import partition

TRAIN = "train.parquet"
TEST = "test.parquet"


@stage
def split(data: Artifact, options: Split, seed: int, root: Path) -> Artifact:
    """Deal the rows of `data.npz` or `data.parquet` into `train.parquet` and, unless it is empty, `test.parquet`.

    The features' columns come first, the target's last. Runs again when the data, the fraction, the seed or this
    code changes.
    """
    table = _table(data, root)
    train, test = partition(table.num_rows, options.test_fraction, seed, parameters=table.num_columns)
    with draft(root) as folder:
        write_parquet(folder / TRAIN, table.take(pa.array(train)))
        if len(test):
            write_parquet(folder / TEST, table.take(pa.array(test)))
        return publish(folder, root, "split", data.facts)


def _table(data: Artifact, root: Path) -> pa.Table:
    if "data.parquet" in data.files:
        return read_parquet(data.path(root, "data.parquet"))
    arrays = read_npz(data.path(root, "data.npz"))
    facts: dict[str, Any] = data.facts
    names = [*facts["features"], facts["target"]]
    return pa.table([*arrays["inputs"].T, arrays["targets"][:, 0]], names=names)
