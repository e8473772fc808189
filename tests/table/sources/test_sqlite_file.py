"""Files of SQLite, whose columns hold what they like."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tasks.config import Input
from tasks.runtime.user_table import table_of
from tests.table.reading import read, refusal, refused


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
