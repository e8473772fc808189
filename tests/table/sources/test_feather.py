"""Arrow's files and streams: the same rows from both; and neither an old version nor damage is read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, fs

from tasks.table.errors import BadTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.feather import ArrowTable, read
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import FORMATS

KIND = next(each for each in FORMATS if each.name == "Feather")
ROWS = pa.table(
    {"i": range(100), "v": pa.array(["x", None] * 50, pa.string_view()), "f": np.linspace(0, 1, 100)}
)


def by_feather(path: Path) -> None:
    feather.write_feather(ROWS, path, chunksize=30)


def as_file(path: Path) -> None:
    with pa.ipc.new_file(path, ROWS.schema) as writer:
        writer.write_table(ROWS, max_chunksize=30)


def as_stream(path: Path) -> None:
    with pa.ipc.new_stream(path, ROWS.schema) as writer:
        writer.write_table(ROWS, max_chunksize=30)


WRITERS: list[Callable[[Path], None]] = [by_feather, as_file, as_stream]


def look_at(path: Path) -> ArrowTable:
    return read(DataFile(fs.LocalFileSystem(), str(path), path.name, KIND), Dialect())


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("rows", [1, 7, 1000])
def test_the_columns_that_are_asked_for_come_in_their_order(
    tmp_path: Path, write: Callable[[Path], None], rows: int
) -> None:
    write(tmp_path / "t.arrow")
    table = look_at(tmp_path / "t.arrow")
    assert [str(kind) for kind in table.schema.types] == ["int64", "string", "double"]
    pieces = list(table.batches({"f": pa.null(), "missing": pa.null(), "v": pa.null()}, rows))
    assert max(piece.num_rows for piece in pieces) == min(rows, 30)
    assert pa.Table.from_batches(pieces).to_pydict() == ROWS.select(["f", "v"]).to_pydict()


def test_files_without_a_byte_and_of_version_1_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.feather").touch()
    with pytest.raises(BadTable, match="is empty"):
        look_at(tmp_path / "a.feather")
    (tmp_path / "b.feather").write_bytes(b"FEA1" + bytes(100))
    with pytest.raises(BadTable, match="is Feather version 1; write it again as version 2"):
        look_at(tmp_path / "b.feather")


def test_offsets_that_lead_out_of_the_buffers_are_not_followed(tmp_path: Path) -> None:
    """Arrow reads them unchecked: the text would be other memory of the process."""
    with pa.ipc.new_file(tmp_path / "t.arrow", pa.schema([("k", pa.string())])) as writer:
        sound = pa.RecordBatch.from_arrays([pa.array(["aaa", "bbbb"])], ["k"])
        writer.write_batch(sound)
    content = (tmp_path / "t.arrow").read_bytes()
    offsets = np.array([0, 3, 7], np.int32).tobytes()
    assert content.count(offsets) == 1
    damaged = content.replace(offsets, np.array([0, 3, 2**30], np.int32).tobytes())
    (tmp_path / "t.arrow").write_bytes(damaged)
    with pytest.raises(pa.ArrowInvalid):
        list(look_at(tmp_path / "t.arrow").batches({"k": pa.string()}, 10))
