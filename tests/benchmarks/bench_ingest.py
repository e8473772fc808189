"""`ingest` beside pyarrow's own CSV reader: the same file streamed by both, in turn.

What `ingest` does besides reading: find the types out, check and sum up every value, correlate all columns, write
Parquet, digest and flush it.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of

PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
ROWS = int(os.environ.get("BENCH_ROWS", "2000000"))


def seconds(do: Callable[[], object]) -> float:
    started = time.perf_counter()
    do()
    return time.perf_counter() - started


def stream(path: Path) -> None:
    """Read a file as pyarrow does by itself, block by block."""
    for _ in arrow_csv.open_csv(path):
        pass


def test_the_rate_is_close_to_that_of_pyarrows_reader(tmp_path: Path) -> None:
    """Print rates and the median of the ratios, pair by pair."""
    rng = np.random.default_rng(0)
    fractions = {f"f{number}": rng.normal(size=ROWS) for number in range(4)}
    whole = {f"i{number}": rng.integers(0, 10**6, ROWS) for number in range(4)}
    path = tmp_path / "rows.csv"
    arrow_csv.write_csv(pa.table({**fractions, **whole}), path)
    table = table_of(Input(data=str(path), target="f0"))
    stream(path)
    pairs = [
        (seconds(lambda: stream(path)), seconds(lambda: ingest.fn(table, tmp_path / "store")))
        for _ in range(PAIRS)
    ]
    size = path.stat().st_size / 1e6
    theirs, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(
        f"\n{size:.0f} MB, {ROWS:,} rows: pyarrow {size / theirs:.0f} MB/s, ingest {size / ours:.0f} MB/s; "
        f"ingest takes {ratio:.2f} times as long"
    )
