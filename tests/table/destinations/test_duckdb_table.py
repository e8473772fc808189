"""DuckDB as a place for rows: types, and a file that another process has open."""

from pathlib import Path

import duckdb
import pytest

from tasks.table.destinations.database_table import table_at
from tasks.table.errors import BadTable
from tasks.table.sources.source import Origin
from tests.processes import python
from tests.table.destinations.examples import TYPED


def test_types_are_kept(tmp_path: Path) -> None:
    table_at(Origin(f"duckdb:///{tmp_path / 'rows.duckdb'}"), "scored").fill(TYPED.to_reader())
    with duckdb.connect(str(tmp_path / "rows.duckdb")) as connection:
        found = connection.sql("SELECT * FROM scored ORDER BY whole").to_arrow_table()
        described = dict(
            connection.execute(
                "SELECT column_name, data_type FROM duckdb_columns() WHERE NOT internal"
            ).fetchall()
        )
    levels = TYPED.set_column(9, "level", TYPED["level"].cast("string"))
    assert found.to_pylist() == levels.to_pylist()
    assert {described[name] for name in ("small", "single", "instant")} == {
        "INTEGER",
        "FLOAT",
        "TIMESTAMP WITH TIME ZONE",
    }


def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "rows.duckdb").write_text("id,y\n" * 1000)
    with pytest.raises(BadTable, match=r"DuckDB says: .*not a valid DuckDB"):
        table_at(Origin(f"duckdb:///{tmp_path / 'rows.duckdb'}"), "scored").check()
    assert (tmp_path / "rows.duckdb").read_text() == "id,y\n" * 1000


@pytest.mark.slow
def test_a_file_that_another_process_has_open_is_named(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    with duckdb.connect(str(path)):
        program = (
            "import sys\nfrom tasks.table.destinations.database_table import table_at\n"
            "from tasks.table.sources.source import Origin\n"
            "try:\n    table_at(Origin(sys.argv[1]), 't').check()\n"
            "except ValueError as error:\n    print(error)\n"
        )
        said = python("-c", program, f"duckdb:///{path}").stdout
    assert said.startswith("`output` of 'duckdb:///")
    assert "Conflicting lock" in said
