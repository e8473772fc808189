"""Rows of databases: a real PostgreSQL, SQLite and DuckDB, with every type that they have."""

import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pyarrow as pa
import pytest

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.stage import is_passing
from tasks.runtime.user_table import table_of
from tasks.store.artifact import Artifact
from tasks.table.sources.database import BrokenOff
from tasks.table.sources.postgres import Postgres
from tasks.table.sources.source import ROWS
from tests.databases import PASSWORD, READER, Server, programs, serving
from tests.table.reading import read, refusal

LINE = "SELECT i AS id, i * 0.5 AS x, 3 * i + 1 + (i % 3) AS y FROM generate_series(1, 40) AS i"


@pytest.fixture
def sales(postgres: Server) -> Iterator[str]:
    """Make a table of forty rows; give the database's address."""
    postgres.execute("CREATE SCHEMA shop", f"CREATE TABLE shop.sales AS {LINE}")
    yield postgres.address
    postgres.execute("DROP SCHEMA shop CASCADE")


def ingested(data: str, store: Path, **given: Any) -> Artifact:
    return ingest.fn(table_of(Input(data=data, target="y", **given), root=store), store)


def test_a_table_and_a_query_have_the_same_rows(sales: str) -> None:
    """A semicolon, a comment at the end and a common table expression do not matter."""
    expected = [{"x": i * 0.5, "y": 3 * i + 1 + i % 3, "id": i} for i in range(1, 41)]
    for given in (
        {"table": "shop.sales"},
        {"query": "select * from shop.sales;"},
        {"query": "with s as (select * from shop.sales) select * from s -- all"},
    ):
        assert read(sales, key="id", **given)[0].to_pylist() == expected


def test_an_array_is_refused_by_name_where_it_is_asked_for(postgres: Server) -> None:
    query = "select i as x, i * i as y, array[i, 2] as z from generate_series(1, 9) as i"
    assert read(postgres.address, query=query)[1]["features"] == ["x"]
    assert "column 'z' holds 'list<item: int32>' values" in refusal(
        postgres.address, query=query, features="x,z"
    )


def test_batches_are_no_larger_than_those_of_files(postgres: Server) -> None:
    query = "select i as x, i % 7 as y from generate_series(1, 150000) as i"
    table = table_of(Input(data=postgres.address, query=query, target="y"))
    look = table.found.previews()[0]
    assert look.contents is not None
    types = {"x": pa.int32(), "y": pa.int32()}
    sizes = [batch.num_rows for batch in look.contents.batches(types, ROWS)]
    assert sum(sizes) == 150_000
    assert max(sizes) <= ROWS


REFUSALS = {
    "neither": ({}, "is a database; give either a `query` or a `table`, such as `--table schema.name`"),
    "both": ({"table": "t", "query": "select 1"}, "is a database; give either a `query` or a `table`"),
    "no table": ({"table": "shop.nothing"}, 'relation "shop.nothing" does not exist; correct the query'),
    "two statements": ({"query": "select 1 as y; drop table shop.sales"}, "syntax error at or near"),
    "a change": ({"query": "delete from shop.sales returning *"}, "syntax error at or near"),
    "late": ({"query": "select x, 1 / (id - 39) as y from shop.sales"}, "ERROR: division by zero"),
    "a version": ({"table": "shop.sales", "version": "3"}, "for which `version` says nothing; leave it out"),
    "a hostile name": (
        {"table": 'shop.sales"; drop table shop.sales; --'},
        'drop table shop.sales; --"; correct the query',
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_cannot_be_answered_is_said_in_one_line(sales: str, case: str, postgres: Server) -> None:
    given, text = REFUSALS[case]
    assert text in refusal(sales, **given)
    assert postgres.ask("select count(*) from shop.sales") == [(40,)]


def test_a_server_that_is_not_there_is_said_in_one_line() -> None:
    text = refusal("postgresql://127.0.0.1:1/db", table="t")
    assert "PostgreSQL says: IO: [libpq] Failed to connect" in text
    assert "Connection refused" in text


def test_a_query_about_files_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2\n")
    assert "is a file or a folder, for which `query` says nothing" in refusal(
        str(tmp_path / "t.csv"), query="select 1"
    )


def test_the_same_rows_in_another_order_leave_the_same_bytes(
    sales: str, postgres: Server, tmp_path: Path
) -> None:
    """The query is asked anew each time; what it leaves tells whether anything after it runs."""
    before = ingested(sales, tmp_path, table="shop.sales")
    postgres.execute(
        "CREATE TABLE shop.other AS SELECT * FROM shop.sales ORDER BY random()",
        "DROP TABLE shop.sales",
        "ALTER TABLE shop.other RENAME TO sales",
    )
    first, second = (table_of(Input(data=sales, target="y", table="shop.sales")) for _ in range(2))
    assert first.contents != second.contents
    assert ingested(sales, tmp_path, table="shop.sales").contents() == before.contents()
    postgres.execute("UPDATE shop.sales SET y = y + 1 WHERE id = 7")
    assert ingested(sales, tmp_path, table="shop.sales").contents() != before.contents()


def test_unchanged_if_stands_for_the_rows(sales: str, postgres: Server) -> None:
    """While its answer is the same, so is the table to the cache; it is of this query and this database alone."""

    def contents(**given: Any) -> object:
        asked = {
            "query": "select * from shop.sales",
            "unchanged_if": "select count(*), max(id) from shop.sales",
        }
        return table_of(Input(data=sales, target="y", **asked | given)).contents

    before = contents()
    postgres.execute("UPDATE shop.sales SET y = y + 1 WHERE id = 7")
    assert contents() == before
    assert contents(query="select * from shop.sales where id > 2") != before
    assert contents(unchanged_if="select count(*) from shop.sales") != before
    postgres.execute("INSERT INTO shop.sales VALUES (41, 2, 3)")
    assert contents() != before


def test_a_connection_that_breaks_off_leaves_nothing_and_is_tried_again(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server ends it among the rows. The error is of the kind that passes; the second time all rows are there."""
    query = "select i as x, i % 7 as y from generate_series(1, 2000000) as i"
    store = tmp_path / "store"
    found = table_of(Input(data=postgres.address, query=query, target="y"), root=store)
    found.found.previews()
    original = Postgres.batches

    def breaking(database: Postgres, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for number, batch in enumerate(original(database, text, schema)):
            yield batch
            if number == 1:
                postgres.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%'"
                )

    with monkeypatch.context() as patched:
        patched.setattr(Postgres, "batches", breaking)
        with pytest.raises(BrokenOff, match="the connection broke off") as caught:
            ingest.fn(found, store)
    assert is_passing(caught.value)
    assert [path for path in store.rglob("*") if path.is_file()] == []
    assert ingest.fn(found, store).files


@pytest.mark.slow
@pytest.mark.parametrize(
    ("moment", "rows"),
    [
        ("the query", "generate_series(1, 40) AS i, pg_sleep(2)"),
        ("the rows", "generate_series(1, 2000000) AS i"),
    ],
)
def test_a_server_that_dies_leaves_nothing_and_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, rows: str
) -> None:
    """Before the first row or among them, as in a power cut; once it is back, all rows are there."""
    installed = programs()
    if installed is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    original = Postgres.batches
    with serving(installed) as server:
        given = Input(data=server.address, query=f"SELECT i AS x, i % 7 AS y FROM {rows}", target="y")  # noqa: S608
        found = table_of(given, root=tmp_path)
        found.found.previews()

        def dying(database: Postgres, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
            if moment == "the query":
                Timer(0.5, server.kill).start()
            for number, batch in enumerate(original(database, text, schema)):
                yield batch
                if number == 1:
                    server.kill()

        with monkeypatch.context() as patched:
            patched.setattr(Postgres, "batches", dying)
            with pytest.raises(BrokenOff, match="the connection broke off") as caught:
                ingest.fn(found, tmp_path)
        assert is_passing(caught.value)
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        server.start()
        assert ingest.fn(found, tmp_path).files


def test_the_password_comes_from_the_environment_and_is_shown_nowhere(
    sales: str, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = sales.replace("postgres@", f"{READER}@")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert read(address, table="shop.sales")[0].num_rows == 40
    monkeypatch.setenv("PGPASSWORD", f"{PASSWORD}2")
    text = refusal(address, table="shop.sales")
    assert f'password authentication failed for user "{READER}"' in text
    assert PASSWORD not in text


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [
        ("postgresql://host/db", "adbc_driver_postgresql.dbapi", "postgres"),
        ("sqlite:///rows.db", "adbc_driver_sqlite.dbapi", "sqlite"),
        ("duckdb:///rows.duckdb", "duckdb", "duckdb"),
    ],
)
def test_what_must_be_installed_is_said(
    address: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    assert refusal(address, table="t").endswith(
        f"which needs another package; `pip install '.[{extra}]'` in the checkout"
    )
