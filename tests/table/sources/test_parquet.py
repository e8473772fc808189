"""Parquet: the columns that are asked for, in their order, some rows at a time; and damage is never read as rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import FORMATS
from tasks.table.sources.parquet import ParquetTable, read

KIND = next(each for each in FORMATS if each.name == "Parquet")
ROWS = pa.table(
    {
        "i": pa.array(range(1000), pa.int16()),
        "k": pa.array(["a", None] * 500),
        "v": pa.array(["x", "y"] * 500, pa.string_view()),
        "f": np.linspace(0, 1, 1000),
    }
)


def look_at(path: Path) -> ParquetTable:
    return read(DataFile(fs.LocalFileSystem(), str(path), path.name, KIND), Dialect())


@pytest.fixture
def table(tmp_path: Path) -> ParquetTable:
    path = tmp_path / "year=2024" / "t.parquet"
    path.parent.mkdir()
    pq.write_table(ROWS, path, row_group_size=300)
    return look_at(path)


def test_names_and_types_are_the_footers(table: ParquetTable) -> None:
    """Views are plain text, and folders such as year=2024 add no column here."""
    assert table.schema.names == ROWS.column_names
    assert [str(kind) for kind in table.schema.types] == ["int16", "string", "string", "double"]
    assert not table.written.is_text


@pytest.mark.parametrize("names", [["f", "i"], ["v"], ["k", "missing", "v"]])
@pytest.mark.parametrize("rows", [1, 7, 300, 5000])
def test_the_columns_that_are_asked_for_come_in_their_order(
    table: ParquetTable, names: list[str], rows: int
) -> None:
    """In no more rows at a time than that; what the file lacks is left out."""
    if rows == 1:
        names = names[:1]
    pieces = list(table.batches(dict.fromkeys(names, pa.null()), rows))
    assert max(piece.num_rows for piece in pieces) <= rows
    own = [name for name in names if name != "missing"]
    assert pa.Table.from_batches(pieces).to_pydict() == ROWS.select(own).to_pydict()


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").touch()
    with pytest.raises(BadTable, match="is empty"):
        look_at(tmp_path / "t.parquet")


def test_a_page_that_was_altered_is_not_read(tmp_path: Path) -> None:
    """Where it was written with checksums of its pages, or cannot be decompressed."""
    path = tmp_path / "t.parquet"
    pq.write_table(ROWS.select(["f"]), path, compression="zstd", write_page_checksum=True)
    content = bytearray(path.read_bytes())
    content[200] ^= 1
    path.write_bytes(content)
    with pytest.raises(OSError):  # noqa: PT011 - Arrow's own words; `reader` makes a finding of it
        list(look_at(path).batches({"f": pa.float64()}, 5000))
