"""What is known of a table's files before they are read: how many of them are left to read."""

from pathlib import Path

import pytest

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.dry_run import DryRun
from tasks.runtime.table_layout import files_to_read, laid_out
from tasks.runtime.user_table import UserTable, table_of
from tasks.table.errors import BadTable


def described(path: Path, store: Path) -> UserTable:
    return table_of(Input(data=str(path), target="y"), root=store)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of two files, and a store."""
    (tmp_path / "store").mkdir()
    (tmp_path / "table").mkdir()
    for number in range(2):
        rows = "".join(f"{row},{row % 3 + number}\n" for row in range(9))
        (tmp_path / "table" / f"{number}.csv").write_text(f"x,y\n{rows}")
    return tmp_path / "table"


def test_a_plan_says_how_many_files_are_left_to_read(folder: Path, tmp_path: Path) -> None:
    """Of a table that was never read, and of a single file, it says nothing."""
    store = tmp_path / "store"
    assert files_to_read(described(folder, store), store) is None
    assert files_to_read(described(folder / "0.csv", store), store) is None
    ingest.fn(described(folder, store), store)
    (folder / "2.csv").write_text("x,y\n1,2\n3,4\n")
    dry = DryRun(store)
    assert dry(ingest, table=described(folder, store)).pending
    assert dry.stages["ingest"] == ("will run", "first run; 1 of 3 files to read")


def test_a_table_that_cannot_be_read_is_the_runs_to_refuse(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    (folder / "0.csv").write_text("")
    (folder / "1.csv").write_text("")
    table = described(folder, store)
    with pytest.raises(BadTable, match="is empty"):
        laid_out(table)
    assert files_to_read(table, store) is None
