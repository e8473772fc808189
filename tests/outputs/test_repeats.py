"""What `repeats` leaves is read back: the summary, and a table with a row for each seed."""

from pathlib import Path

import pyarrow as pa

from tasks.outputs import repeats
from tasks.outputs.repeats import TABLE
from tasks.outputs.result import Repeats, Spread
from tasks.store.formats import read_parquet
from tasks.store.writing import draft, publish

SPREAD = Spread(mean=0.1 + 0.2, sd=1e-300, min=-1.0, max=2.0, expected=1 / 3, expected_sd=None)


def test_summary_and_table_come_back(tmp_path: Path) -> None:
    table = pa.table({"seed": [5, 6], "weight x": [0.1, 1 / 3]})
    summary = Repeats(seeds=[5, 6], weights={"x": SPREAD}, bias=None, rmse={"train": SPREAD})
    with draft(tmp_path) as folder:
        repeats.write(folder, table, summary)
        artifact = publish(folder, tmp_path, "repeats")
    assert repeats.read(artifact, tmp_path) == summary
    assert read_parquet(artifact.path(tmp_path, TABLE)).equals(table)
