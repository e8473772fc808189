"""PostgreSQL's types, and the one read-only transaction in which its rows come."""

import pyarrow as pa

from tasks.table.sources.postgres import Postgres
from tests.databases import Server
from tests.table.reading import read, refusal


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
