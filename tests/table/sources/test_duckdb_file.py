"""Files of DuckDB: every type that they have, and nothing outside of them."""

from pathlib import Path

import duckdb
import pyarrow as pa

from tests.table.reading import read, refusal


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
