"""`linear-neuron run`, whose readings of the training rows are counted.

python -m tests.benchmarks.counted_run FLAGS…
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa
from pyarrow import parquet

from flows.command.cli import main
from tests.memory import peak

CELLS = {"read": 0}  # of training rows, by everyone
OPENED: WeakKeyDictionary[parquet.ParquetFile, bool] = WeakKeyDictionary()  # whether of training rows


def _is_training(source: object) -> bool:
    return Path(str(source)).name.startswith("train") and not str(source).endswith("history.parquet")


def _iter_batches(file: parquet.ParquetFile, *arguments: Any, **options: Any) -> Iterator[pa.RecordBatch]:
    is_counted = OPENED.get(file, False)
    for batch in ITER_BATCHES(file, *arguments, **options):
        CELLS["read"] += batch.num_rows * batch.num_columns * is_counted
        yield batch


def _init(file: parquet.ParquetFile, source: Any, *arguments: Any, **options: Any) -> None:
    INIT(file, source, *arguments, **options)
    OPENED[file] = _is_training(source)


def _read_table(source: Any, *arguments: Any, **options: Any) -> pa.Table:
    table = READ_TABLE(source, *arguments, **options)
    CELLS["read"] += table.num_rows * table.num_columns * _is_training(source)
    return table


if __name__ == "__main__":
    file = parquet.ParquetFile
    READ_TABLE, INIT, ITER_BATCHES = parquet.read_table, file.__init__, file.iter_batches
    parquet.read_table, file.__init__, file.iter_batches = _read_table, _init, _iter_batches
    with redirect_stdout(io.StringIO()) as told:
        try:
            main(["run", "--json", *sys.argv[1:]])
        except SystemExit as end:
            if end.code:
                raise
    result = json.loads(told.getvalue())
    cells = result["metrics"]["train"]["rows"] * (len(result["model"]["weights"]) + 1)
    stages = {name: stage["seconds"] for name, stage in result["stages"].items()}
    print(json.dumps({"seconds": stages, "peak": peak() * 2**20, "passes": CELLS["read"] / cells}))
