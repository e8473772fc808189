"""Tables of Iceberg: the rows of one snapshot and no others, whatever files they lie in."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from pyiceberg.types import DoubleType

from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
from tasks.store.artifact import Artifact
from tasks.table.errors import BadTable
from tests.table.reading import read, refusal, refused

ROWS = pa.table({"x": [1.5, 2.25, -3.0, 0.5, 9.0], "y": [1.0, 0.0, 7.0, 3.0, 4.0]})


@pytest.fixture
def sales(tmp_path: Path) -> Iterator[Table]:
    """Make a table of five rows in a catalogue of its own."""
    address = f"sqlite:///{tmp_path}/catalog.db"
    catalogue = SqlCatalog("lake", uri=address, warehouse=(tmp_path / "lake").as_uri())
    catalogue.create_namespace("shop")
    table = catalogue.create_table("shop.sales", schema=ROWS.schema)
    table.append(ROWS)
    yield table
    catalogue.engine.dispose()


def folder(table: Table) -> Path:
    return Path(table.location().removeprefix("file://"))


def rows(table: Table, **given: Any) -> list[dict[str, Any]]:
    return list(read(folder(table), **given)[0].to_pylist())


def by_pyiceberg(table: Table) -> list[dict[str, Any]]:
    """Let the library read all rows itself, and sort them as the stage does."""
    found = table.refresh().scan().to_arrow().to_pylist()
    return sorted(found, key=lambda row: tuple(row.values()))


def ingested(table: Table, store: Path) -> Artifact:
    return ingest.fn(table_of(Input(data=str(folder(table)), target="y"), root=store), store)


def test_what_was_added_deleted_or_overwritten_reads_as_the_library_reads_it(sales: Table) -> None:
    sales.append(pa.table({"x": [4.0, -8.0], "y": [2.0, 2.5]}))
    assert rows(sales) == by_pyiceberg(sales)
    assert len(rows(sales)) == 7
    sales.delete("x > 8")
    assert rows(sales) == by_pyiceberg(sales)
    sales.overwrite(ROWS.slice(0, 3))
    assert rows(sales) == by_pyiceberg(sales)
    assert len(rows(sales)) == 3


def test_a_snapshot_is_named_by_number_or_time(sales: Table) -> None:
    """The report's lineage has its number, with which the same rows come again."""
    first = sales.current_snapshot()
    assert first is not None
    sales.overwrite(ROWS.slice(0, 3))
    then = datetime.fromtimestamp(first.timestamp_ms / 1000, UTC).isoformat()
    for version in (str(first.snapshot_id), then, then.removesuffix("+00:00")):
        assert len(rows(sales, version=version)) == 5
    found = table_of(Input(data=str(folder(sales)), target="y", version=then)).found.table
    assert found.version == str(first.snapshot_id)
    assert found.described == f"Iceberg, snapshot {first.snapshot_id} of {then[:19]}Z"


@pytest.mark.parametrize(
    ("version", "text"),
    [
        ("7", "`version` of '7': `data` of 'sales' has no such snapshot; the last ones are "),
        (
            "1999-01-01",
            "`version` of '1999-01-01': `data` of 'sales' has no such snapshot; the last ones are ",
        ),
        ("newest", "`version` of 'newest' is neither a number nor a time; write 3 or 2026-11-23T06:00Z"),
    ],
)
def test_a_snapshot_that_there_is_not_is_refused(sales: Table, version: str, text: str) -> None:
    assert refusal(folder(sales), version=version).startswith(text)


def test_a_column_that_was_renamed_or_added_later(sales: Table) -> None:
    """Columns are known by numbers in the files: old rows have a new name at once, and a new column is missing."""
    with sales.update_schema() as change:
        change.rename_column("x", "size")
        change.add_column("z", DoubleType())
    sales.append(pa.table({"size": [4.0, -8.0], "y": [2.0, 2.5], "z": [1.0, 3.0]}))
    found, facts = read(folder(sales), missing="mean")
    assert facts["features"] == ["size", "z"]
    assert facts["missing_counts"] == {"z": 5}
    assert sorted(found["size"].to_pylist()) == [-8.0, -3.0, 0.5, 1.5, 2.25, 4.0, 9.0]


def test_the_same_rows_in_other_files_leave_the_same_bytes(sales: Table, tmp_path: Path) -> None:
    sales.append(ROWS.slice(1, 2))
    before = ingested(sales, tmp_path / "store")
    sales.overwrite(sales.scan().to_arrow())
    assert ingested(sales, tmp_path / "store").contents() == before.contents()
    sales.append(ROWS.slice(0, 1))
    assert ingested(sales, tmp_path / "store").contents() != before.contents()


def test_a_table_of_a_catalogue(sales: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As pyiceberg's own configuration names it; what it does not know is said in one line."""
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", f"sqlite:///{tmp_path}/catalog.db")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", _configuration())
    assert read("iceberg://lake/shop.sales")[0].to_pylist() == by_pyiceberg(sales)
    assert "the table cannot be read (Table does not exist: shop.none)" in str(
        BadTable(*refused("iceberg://lake/shop.none"))
    )


def _configuration() -> Any:
    from pyiceberg.utils.config import Config

    return Config()


def test_without_the_library_the_table_is_refused_with_the_line_to_install(
    sales: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyiceberg.catalog", None)
    text = refusal(folder(sales))
    assert text.startswith("`data` of 'sales' is a table of Iceberg, as 'metadata/")
    assert text.endswith(
        "`pip install '.[iceberg]'` in the checkout, or export its present rows to Parquet, and name that file"
    )


def test_a_file_that_is_gone_is_named(sales: Table) -> None:
    for path in (folder(sales) / "data").glob("*.parquet"):
        path.unlink()
    assert "which this snapshot of the table needs, is gone; name a later `version`" in refusal(folder(sales))


def test_a_file_beside_the_table_is_none_of_its_rows(sales: Table) -> None:
    pq.write_table(ROWS, folder(sales) / "data/stray.parquet")
    assert len(rows(sales)) == 5
