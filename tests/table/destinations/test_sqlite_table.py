"""SQLite as a place for rows: types, and another process that has the file."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from datetime import time as time_of_day
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tasks.table.destinations import sqlite_table
from tasks.table.destinations.database_table import DatabaseTable, table_at
from tasks.table.errors import BadTable
from tasks.table.sources.database import BrokenOff
from tasks.table.sources.source import Origin

WRITING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO scored VALUES (7, 7)")
print("begun", flush=True)
sys.stdin.read()
connection.execute("COMMIT")
"""
ROWS = pa.table({"id": [1, 2], "y": [0.5, None]})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with closing(sqlite3.connect(tmp_path / "rows.db")) as connection, connection:
        connection.execute("CREATE TABLE scored (id INTEGER PRIMARY KEY, y REAL)")
    return tmp_path / "rows.db"


def into(file: Path) -> DatabaseTable:
    return table_at(Origin(f"sqlite:///{file}"), "scored", overwrite=True)


def test_what_sqlite_has_no_type_for_is_text(tmp_path: Path) -> None:
    rows = pa.table(
        {
            "price": pa.array([Decimal("1.50")]),
            "at": pa.array([time_of_day(1, 2)], pa.time64("us")),
            "instant": pa.array([datetime(2026, 1, 31, 1, 2, 3, tzinfo=UTC)], pa.timestamp("s", "UTC")),
            "flag": pa.array([True]),
            "number": pa.array([0.1]),
        }
    )
    table_at(Origin(f"sqlite:///{tmp_path / 'new.db'}"), "t").fill(rows.to_reader())
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        found = connection.execute("SELECT * FROM t").fetchall()
    assert found == [("1.50", "01:02:00.000000", "2026-01-31 01:02:03Z", 1, 0.1)]


@contextmanager
def locked(file: Path) -> Iterator["subprocess.Popen[str]"]:
    """Have another process write to the file until it is told to end: locks do not count within one."""
    command = [sys.executable, "-c", WRITING, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        yield other
        other.communicate()


def test_another_writer_is_waited_for(file: Path) -> None:
    with locked(file) as other:
        thread = threading.Thread(target=into(file).fill, args=[ROWS.to_reader()])
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        other.communicate()
        thread.join()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT id, y FROM scored").fetchall() == [(1, 0.5), (2, None)]


def test_one_that_does_not_end_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_table, "PATIENCE", 10)
    with locked(file), pytest.raises(BrokenOff, match="database is locked"):
        into(file).fill(ROWS.to_reader())


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_text("id,y\n" * 1000)
    with pytest.raises(BadTable, match="not a database"):
        into(tmp_path / "rows.db").check()
    assert (tmp_path / "rows.db").read_text() == "id,y\n" * 1000
