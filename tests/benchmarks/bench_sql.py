"""`ingest` of a PostgreSQL table beside `psql` and pandas' `read_sql`: seconds, and the most memory of each.

What `ingest` does besides reading: check and sum up every value, correlate all columns, sort the rows, write Parquet
and flush it.
"""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.databases import Server, programs, serving
from tests.paths import ROOT

ROWS = int(10_000_000 * float(os.environ.get("BENCH_SCALE", "1")))

TABLE = """CREATE TABLE sales AS
    SELECT i AS id, random() AS x, random() AS z, (random() * 100)::numeric(9, 2) AS y
    FROM generate_series(1, ROWS) AS i""".replace("ROWS", str(ROWS))

OURS = """
import sys
from pathlib import Path
from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
given = Input(data=sys.argv[1], table="sales", key=("id",), target="y")
ingest.fn(table_of(given, root=Path(sys.argv[2])), Path(sys.argv[2]))
"""

PANDAS = """
import sys
import adbc_driver_postgresql.dbapi as dbapi
import pandas as pd
with dbapi.connect(sys.argv[1]) as connection:
    pd.read_sql("select * from sales", connection).to_parquet(sys.argv[2] + "/pandas.parquet")
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds, and the most memory of it or of an earlier one, in MB."""
    started = time.perf_counter()
    subprocess.run(
        command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    return time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3


def test_ten_million_rows_in_constant_memory(tmp_path: Path) -> None:
    """Print the figures, the least hungry first, since the most memory of all children so far is what is measured."""
    installed = programs()
    if installed is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with serving(installed) as server:
        server.execute(TABLE)
        for name, command in commands(server, tmp_path).items():
            seconds, memory = measured(command)
            print(
                f"\n{name:<16} {seconds:6.1f} s  {ROWS / seconds / 1e6:6.2f} million rows/s  {memory:7.0f} MB"
            )


def commands(server: Server, folder: Path) -> dict[str, list[str]]:
    """Return what reads all rows and writes them to a file."""
    copy = f"\\copy sales to '{folder}/copied.csv' csv header"
    return {
        "psql \\copy": [str(server.bin / "psql"), "-q", server.address, "-c", copy],
        "ingest": [sys.executable, "-c", OURS, server.address, str(folder / "store")],
        "pandas.read_sql": [sys.executable, "-c", PANDAS, server.address, str(folder)],
    }
