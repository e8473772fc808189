"""How queries and names are written into statements."""

import sqlite3

import pytest

from tasks.table.sources.database import quoted_name, selected


@pytest.mark.parametrize("name", ["x", 'a "b"', "a.b", "x; drop table t", "größe"])
@pytest.mark.parametrize("end", ["", " -- a comment", " order by 1"])
def test_a_column_of_any_name_is_selected_from_any_query(name: str, end: str) -> None:
    """SQLite is the judge."""
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE t ({quoted_name(name)}, other)")
        connection.execute("INSERT INTO t VALUES (7, 8)")
        assert connection.execute(
            selected(" ".join(["select * from t", end]), quoted_name(name))
        ).fetchall() == [(7,)]
    connection.close()
