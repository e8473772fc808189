"""Rows into a table, in each kind of database: made, replaced, merged, refused; all at once, or nothing of them."""

import signal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks.table.destinations.database_table import DatabaseTable, is_database, table_at
from tasks.table.errors import BadTable
from tasks.table.sources.source import Origin
from tests.processes import environment, python
from tests.table.destinations.databases import KINDS, Database, database

OLD = pa.table({"id": [1, 2, 3], "y": [0.1, 0.2, 0.3]})
NEW = pa.table({"id": [3, 4], "y": [3.5, None]})
HOSTILE = 'a "b"; DROP TABLE x; --'


@pytest.fixture(params=KINDS)
def written(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return database(request.param, tmp_path, request)


def table(written: Database, name: str = "scored", **more: Any) -> DatabaseTable:
    return table_at(Origin(written.address), name, **more)


def fill(into: DatabaseTable, rows: pa.Table) -> None:
    into.fill(rows.to_reader(max_chunksize=1))


def kept(written: Database, name: str = "scored") -> list[tuple[object, ...]]:
    quoted = name.replace('"', '""')
    return sorted(written.ask(f'SELECT id, y FROM "{quoted}"'))  # noqa: S608 - of the test's own


def test_a_table_is_made_and_is_all_that_there_is(written: Database) -> None:
    table(written).check()
    fill(table(written), OLD)
    assert kept(written) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert written.names() == {"scored"}


def test_without_a_word_a_table_that_is_there_is_left_alone(written: Database) -> None:
    fill(table(written), OLD)
    for ask in (table(written).check, lambda: fill(table(written), NEW)):
        with pytest.raises(BadTable, match=r"table 'scored' of '.*' already exists; give `--output-key`"):
            ask()
    assert len(kept(written)) == 3


def test_a_key_merges_and_doing_it_twice_changes_nothing(written: Database) -> None:
    fill(table(written), OLD)
    for _ in range(2):
        fill(table(written, key=("id",)), NEW)
        assert kept(written) == [(1, 0.1), (2, 0.2), (3, 3.5), (4, None)]
    two = pa.table({"id": [3, 3], "y": [3.5, 7.0]})
    fill(table(written, key=("id", "y")), two)
    assert kept(written)[2:] == [(3, 3.5), (3, 7.0), (4, None)]


def test_overwriting_replaces_all_rows_and_keeps_what_else_the_table_has(written: Database) -> None:
    """Its own columns, with their defaults; without rows it is empty."""
    written.execute("CREATE TABLE scored (y float, note varchar DEFAULT 'mine', id int)")
    for rows, expected in ((OLD, 3), (NEW, 2), (NEW.slice(0, 0), 0)):
        fill(table(written, overwrite=True), rows)
        assert written.ask("SELECT count(*), count(note) FROM scored") == [(expected, expected)]


def test_names_are_quoted_and_a_schema_is_told_apart(written: Database) -> None:
    rows = NEW.append_column(HOSTILE, pa.array(["u", "v"]))
    for _ in range(2):
        fill(table(written, HOSTILE, key=(HOSTILE,)), rows)
    assert len(kept(written, HOSTILE)) == 2
    schema = {"postgresql": "writing"}.get(written.address.partition(":")[0], "main")
    fill(table(written, f"{schema}.scored"), OLD)
    with pytest.raises(BadTable, match="already exists"):
        table(written).check()
    assert written.names() == {HOSTILE, "scored"}


REFUSED: dict[str, tuple[pa.Table, dict[str, Any], str]] = {
    "no key": (
        pa.table({"id": [1, None], "y": [0.0, 0.0]}),
        {"key": ("id",)},
        "1 row without a key; fill it in",
    ),
    "a key twice": (
        pa.table({"id": [1, 1], "y": [0.0, 0.0]}),
        {"key": ("id",)},
        "1 key of more than one row; name columns that identify a row",
    ),
    "a column too many": (
        NEW.append_column("z", pa.array([1, 2])),
        {"overwrite": True},
        "has no column 'z'; add it, or write into another table",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_rows_that_do_not_fit_change_nothing(written: Database, case: str) -> None:
    rows, how, message = REFUSED[case]
    fill(table(written), OLD)
    with pytest.raises(BadTable, match=message):
        fill(table(written, **how), rows)
    assert len(kept(written)) == 3
    assert written.names() == {"scored"}


def test_what_the_database_refuses_changes_nothing(written: Database) -> None:
    """Its reason is said in one line, with the setting and the address."""
    written.execute("CREATE TABLE scored (id int, y float CHECK (y < 1))")
    fill(table(written, overwrite=True), OLD)
    with pytest.raises(BadTable, match=r"^`output` of '\w+://.* says: .*; correct the table or the address$"):
        fill(table(written, overwrite=True), NEW)
    assert len(kept(written)) == 3


def test_the_key_is_looked_for_before_anything_is_read(written: Database) -> None:
    table(written, key=("id",)).check_key(["id"])
    with pytest.raises(BadTable, match="`output_key`: the rows have no column 'ID'"):
        table(written, key=("ID",)).check_key(["id"])
    written.execute("CREATE TABLE scored (y float)")
    with pytest.raises(BadTable, match="has no column 'id'; add it"):
        table(written, key=("id",)).check()


def test_addresses_of_databases() -> None:
    assert [is_database(each) for each in ("postgres://h/d", "duckdb:///f", "s3://b/f", "f.csv")] == [
        True,
        True,
        False,
        False,
    ]


# Ends the process without a word before or after one of the statements that change the table.
KILLED = """
import os, signal, sys
import pyarrow as pa
from tasks.table.destinations import adbc_session, duckdb_table, postgres_table, sqlite_table
from tasks.table.destinations.database_table import table_at
from tasks.table.sources.source import Origin

address, point = sys.argv[1:]
def watched(own):
    def execute(self, statement):
        own(self, statement)
        if statement.startswith(point):
            os.kill(os.getpid(), signal.SIGKILL)
    return execute
def ended(self):
    os.kill(os.getpid(), signal.SIGKILL)
for session in (adbc_session.AdbcSession, duckdb_table.DuckDBSession):
    session.execute = watched(session.execute)
if point == "COMMIT":
    for session in (postgres_table.PostgresSession, sqlite_table.SqliteSession, duckdb_table.DuckDBSession):
        session.commit = ended
rows = pa.table({"id": [3, 4], "y": [3.5, None]})
table_at(Origin(address), "scored", key=("id",)).fill(rows.to_reader())
"""


@pytest.mark.slow
@pytest.mark.parametrize("point", ["DELETE", "INSERT", "COMMIT"])
def test_killed_in_the_middle_of_the_change_the_old_table_is_whole(
    written: Database, tmp_path: Path, point: str
) -> None:
    """Nothing staged is left, and the next one does what this one was to do."""
    fill(table(written), OLD)
    python("-c", KILLED, written.address, point, env=environment(tmp_path), status=-signal.SIGKILL)
    assert kept(written) == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert written.names() == {"scored"}
    fill(table(written, key=("id",)), NEW)
    assert kept(written) == [(1, 0.1), (2, 0.2), (3, 3.5), (4, None)]


@pytest.mark.slow
def test_a_hundred_thousand_keys_are_merged_in_seconds(written: Database) -> None:
    """Not pair by pair."""
    many = pa.table({"id": range(100_000), "y": [0.5] * 100_000})
    for _ in range(2):
        table(written, key=("id",)).fill(many.to_reader())
    assert written.ask("SELECT count(*) FROM scored") == [(100_000,)]
