"""`ingest` of a PostgreSQL table beside `psql` and pandas' `read_sql`: seconds, and the most memory of each.

What `ingest` does besides reading: check and sum up every value, correlate all columns, sort the rows, write Parquet
and flush it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tasks.store.parts import fits_one_part
from tests.databases import Server, programs, serving
from tests.paths import ROOT

ROWS = int(10_000_000 * float(os.environ.get("BENCH_SCALE", "1")))

TABLE = """CREATE TABLE sales AS
    SELECT i AS id, random() AS x, random() AS z, (random() * 100)::numeric(9, 2) AS y
    FROM generate_series(1, ROWS) AS i""".replace("ROWS", str(ROWS))

HALF = f"CREATE VIEW half AS SELECT * FROM sales WHERE id <= {ROWS // 2}"  # noqa: S608 - a number

OURS = """
import sys
from pathlib import Path
from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
given = Input(data=sys.argv[1], table=sys.argv[3], key=("id",), target="y")
ingest.fn(table_of(given, root=Path(sys.argv[2])), Path(sys.argv[2]))
"""

PANDAS = """
import sys
import adbc_driver_postgresql.dbapi as dbapi
import pandas as pd
with dbapi.connect(sys.argv[1]) as connection:
    pd.read_sql("select * from sales", connection).to_parquet(sys.argv[2] + "/pandas.parquet")
"""


# Runs a command: of a process that this one started, the most memory would be at least as much as this one's.
LAUNCHER = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3)
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Run a command; return its seconds, and its most memory in MB."""
    found = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *command],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    seconds, memory = map(float, found.stdout.split())
    return seconds, memory


def test_ten_million_rows_in_constant_memory(tmp_path: Path) -> None:
    """Print the figures. From one part of rows on, twice as many take `ingest` no more memory."""
    installed = programs()
    if installed is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    found: dict[str, tuple[float, float]] = {}
    with serving(installed) as server:
        server.execute(TABLE, HALF)
        for name, (rows, command) in commands(server, tmp_path).items():
            seconds, memory = found[name] = measured(command)
            rate = rows / seconds / 1e6
            print(f"\n{name:<16} {rows:>10,} rows {seconds:6.1f} s  {rate:6.2f} million/s  {memory:7.0f} MB")
    if not fits_one_part(ROWS // 2, 4):
        assert found["ingest"][1] < 1.2 * found["ingest, half"][1]


def commands(server: Server, folder: Path) -> dict[str, tuple[int, list[str]]]:
    """Return what reads all rows and writes them to a file, and how many rows those are."""
    copy = f"\\copy sales to '{folder}/copied.csv' csv header"
    python = [sys.executable, "-c"]
    return {
        "psql \\copy": (ROWS, [str(server.bin / "psql"), "-q", server.address, "-c", copy]),
        "ingest, half": (ROWS // 2, [*python, OURS, server.address, str(folder / "half"), "half"]),
        "ingest": (ROWS, [*python, OURS, server.address, str(folder / "all"), "sales"]),
        "pandas.read_sql": (ROWS, [*python, PANDAS, server.address, str(folder)]),
    }
