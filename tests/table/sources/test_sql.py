"""Rows of databases: a real PostgreSQL, SQLite and DuckDB, with every type that they have."""

import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.stage import is_passing
from tasks.runtime.user_table import table_of
from tasks.store.artifact import Artifact
from tasks.table.errors import BadTable
from tasks.table.sources.database import BrokenOff
from tasks.table.sources.postgres import Postgres
from tasks.table.sources.source import ROWS
from tests.databases import PASSWORD, READER, Server
from tests.table.reading import read, refused

LINE = "SELECT i AS id, i * 0.5 AS x, 3 * i + 1 + (i % 3) AS y FROM generate_series(1, 40) AS i"


@pytest.fixture
def sales(postgres: Server) -> Iterator[str]:
    """Make a table of forty rows; give the database's address."""
    postgres.execute("CREATE SCHEMA shop", f"CREATE TABLE shop.sales AS {LINE}")
    yield postgres.address
    postgres.execute("DROP SCHEMA shop CASCADE")


def refusal(data: str, **given: Any) -> str:
    return str(BadTable(*refused(data, **given)))


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


def test_numbers_of_any_precision_are_floats(postgres: Server) -> None:
    """NaN is a missing value and infinity a finding; what float64 cannot hold is infinite."""
    values = "'1.50', '-12345678901234567890.125', '1e-320', '7', '0.1', 'NaN'"
    query = f"select row_number() over () as x, n::numeric as y from unnest(array[{values}]) as n"  # noqa: S608 - constants
    found = read(postgres.address, query=query, warn="missing-target")[0]["y"].to_pylist()
    assert found == [float(text) for text in ("1.50", "-12345678901234567890.125", "1e-320", "7", "0.1")]
    for infinite in ("'Infinity'", "'-Infinity'", "'1e400'"):
        text = refusal(postgres.address, query=query.replace("'0.1'", infinite), warn="missing-target")
        assert "column 'y' has 1 infinite value, first in row 5" in text


def test_types_are_what_the_server_says(postgres: Server) -> None:
    """Numbers, booleans, money in whole units; text that reads as numbers stays text; enums and codes are text."""
    postgres.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    query = """
        select (i % 7)::real as b, i > 2 as c, (i % 4)::money as d, (i * i % 11)::numeric(9, 2) as y,
            (case when i > 2 then 'glad' else 'sad' end)::mood as e,
            (i % 5)::text::char(4) as f, '7'::text as g, (i % 6)::int2 as a,
            (lpad((i % 5)::text, 8, '0') || '-0000-0000-0000-000000000000')::uuid as h,
            jsonb_build_object('k', i % 5) as j,
            ('10.0.0.' || i % 5)::inet as k, date '2024-01-01' + i as l, time '10:00' as m, now() as n
        from generate_series(1, 200) as i"""
    found, facts = read(postgres.address, query=query, categorical="e,f,h,j,k")
    postgres.execute("DROP TYPE mood")
    assert facts["features"] == ["b", "c", "d", "e", "f", "a", "h", "j", "k"]
    assert found.schema.field("a").type == pa.int16()
    assert found.schema.field("b").type == pa.float32()
    third = next(row for row in found.to_pylist() if row["f"] == "3" and row["b"] == 3 and row["y"] == 9)
    assert third == {
        "a": 3,
        "b": 3.0,
        "c": 1.0,
        "d": 3.0,
        "e": "glad",
        "f": "3",
        "h": "00000003-0000-0000-0000-000000000000",
        "j": '{"k": 3}',
        "k": "10.0.0.3/32",
        "y": 9.0,
    }
    assert facts["notes"] == [
        "left out, as they hold no numbers: 'g', 'l', 'm', 'n'; add columns of text to `categorical` to use them"
    ]


def test_an_array_is_refused_by_name_where_it_is_asked_for(postgres: Server) -> None:
    query = "select i as x, i * i as y, array[i, 2] as z from generate_series(1, 9) as i"
    assert read(postgres.address, query=query)[1]["features"] == ["x"]
    assert "column 'z' holds 'list<item: int32>' values" in refusal(
        postgres.address, query=query, features="x,z"
    )


def test_rows_come_in_one_read_only_transaction_some_at_a_time(postgres: Server) -> None:
    """What another one writes meanwhile is not seen; and nothing can be written."""
    postgres.execute(
        "CREATE TABLE t AS SELECT i AS x, repeat('-', 90) AS y FROM generate_series(1, 200000) AS i"
    )
    database = Postgres(postgres.address)
    query = "select x, y, current_setting('transaction_isolation') as i, pg_is_in_recovery() as r from t"
    batches = database.batches(query, database.schema(query))
    first = next(batches)
    postgres.execute("DELETE FROM t")
    rest = list(batches)
    assert set(first["i"].to_pylist()) == {"repeatable read"}
    assert first.num_rows + sum(batch.num_rows for batch in rest) == 200_000
    assert max(batch.nbytes for batch in (first, *rest)) < 2**24
    postgres.execute(
        "CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM t; SELECT 1'", "DROP TABLE t"
    )
    postgres.execute("CREATE TABLE t AS SELECT 1 AS x")
    text = refusal(postgres.address, query="select wipe() as x, i as y from generate_series(1, 9) as i")
    assert "cannot execute DELETE in a read-only transaction" in text
    assert postgres.ask("select count(*) from t") == [(1,)]
    postgres.execute("DROP FUNCTION wipe", "DROP TABLE t")


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
        f"which needs another package; `pip install 'linear-neuron[{extra}]'`"
    )


@pytest.fixture
def lite(tmp_path: Path) -> str:
    """Make a file of SQLite, whose columns hold what they like; give its address."""
    with sqlite3.connect(tmp_path / "a b.db") as connection:
        connection.execute('CREATE TABLE "my rows" (id, whole, late, mixed, word, y)')
        rows: list[tuple[Any, ...]] = [
            (i, 2**60 + i, None if i < 3000 else i / 3, i / 7, "abc"[i % 3], i * 0.1 + i % 5)
            for i in range(5000)
        ]
        rows[4100] = (4100, 1, 2, "n/a", "a", 1.5)
        rows[4200] = (4200, 1, 2, "7,5", 3, 1.5)
        connection.executemany('INSERT INTO "my rows" VALUES (?, ?, ?, ?, ?, ?)', rows)
    connection.close()
    return f"sqlite:///{tmp_path}/a b.db"


def test_a_type_of_sqlite_is_that_of_all_cells(lite: str) -> None:
    """Not that of the first ones, which may be missing; whole numbers keep all digits."""
    given = {"table": "my rows", "key": "id", "missing": "mean", "exclude": "mixed", "categorical": "word"}
    found, facts = read(lite, **given)
    assert facts["features"] == ["whole", "late", "word"]
    assert found["whole"][3].as_py() == 2**60 + 3
    assert found["late"][3001].as_py() == 3001 / 3
    assert found["late"].null_count == 3000
    assert found["word"][4200].as_py() == "3"
    assert found["y"].to_pylist() == [1.5 if i in {4100, 4200} else i * 0.1 + i % 5 for i in range(5000)]


def test_text_among_sqlites_numbers_is_a_finding(lite: str) -> None:
    """In row 4,101, long after the first batch; under `warn` those rows are dropped and the others exact."""
    given = {"table": "my rows", "key": "id", "features": "mixed"}
    (finding,) = refused(lite, **given)
    assert str(finding) == (
        "column 'mixed' has 2 text cells in 5,000 rows, first 'n/a' in row 4,101; write numbers with one "
        "decimal sign and without separators, or set `thousands`"
    )
    found, _ = read(lite, **given, warn="text-in-numbers")
    kept = [i for i in range(5000) if i not in {4100, 4200}]
    assert found["id"].to_pylist() == kept
    assert found["mixed"].to_pylist() == [i / 7 for i in kept]


def test_a_file_of_sqlite_is_only_read(lite: str, tmp_path: Path) -> None:
    assert "there is no file" in refusal(f"sqlite:///{tmp_path}/other.db", table="t")
    assert not (tmp_path / "other.db").exists()
    assert "SQLite says: " in refusal(lite, query='delete from "my rows" returning *')
    before = (tmp_path / "a b.db").read_bytes()
    read(lite, table="my rows", key="id", features="whole")
    assert (tmp_path / "a b.db").read_bytes() == before


def test_a_relative_file_is_found_from_the_folder_where_one_is(
    lite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"table": "my rows", "features": ["whole"], "target": "y"}
    table = table_of(Input(data="sqlite:///a b.db", **given))
    assert table.origin.data == f"sqlite:///{tmp_path}/a b.db"


def test_duckdb_reads_its_file_and_nothing_else(tmp_path: Path) -> None:
    """Decimals are floats, enums text; files outside are not read, and no variable is taken for a table."""
    path = tmp_path / "rows.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
        connection.execute(
            "CREATE TABLE t AS SELECT i AS id, (i / 4)::DECIMAL(9, 2) AS x, i::HUGEINT AS h, [i] AS l, "
            "(CASE WHEN i % 2 = 0 THEN 'glad' ELSE 'sad' END)::mood AS m, 2 * i + i % 3 AS y FROM range(100000) AS r(i)"
        )
    address = f"duckdb:///{path}"
    found, facts = read(address, table="t", key="id", categorical="m", exclude="h")
    assert facts["features"] == ["x", "m"]
    assert found.to_pylist()[99_999] == {"x": 24999.75, "m": "sad", "y": 199998.0, "id": 99_999}
    other = pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    assert other.num_rows == 2
    assert "DuckDB says: " in refusal(address, query="select * from other")
    assert "disabled by configuration" in refusal(address, query="select * from read_csv('/etc/passwd')")
