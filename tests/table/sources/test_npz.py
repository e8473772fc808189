"""Two arrays as columns: every type, order and block of rows; nothing is unpickled, nothing broadcast."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import FORMATS
from tasks.table.sources.npz import Arrays, feature_names, read

KIND = next(each for each in FORMATS if each.name == "npz")
X = np.arange(30.0).reshape(10, 3) % 7
Y = np.arange(10.0)


def look_at(path: Path, **arrays: Any) -> Arrays:
    np.savez(path / "t.npz", **arrays)
    return read(DataFile(fs.LocalFileSystem(), str(path / "t.npz"), "t.npz", KIND), Dialect())


def rows_of(found: Arrays, rows: int = 4) -> np.ndarray:
    table = pa.Table.from_batches(list(found.batches(dict.fromkeys(found.schema.names, pa.null()), rows)))
    return np.column_stack([column.to_numpy() for column in table.columns])


@pytest.mark.parametrize("rows", [1, 3, 10, 999])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<f2", "|i1", ">i4", "<u8", "|b1"])
def test_every_type_and_order_is_read_as_numpy_stored_it(
    tmp_path: Path, dtype: str, order: Any, rows: int
) -> None:
    """Other machines' byte order too."""
    inputs = np.asarray(X, dtype=dtype, order=order)
    found = look_at(tmp_path, inputs=inputs, targets=Y[:, None])
    np.testing.assert_array_equal(rows_of(found, rows), np.column_stack([inputs, Y]))
    assert found.schema.field("x1").type == pa.from_numpy_dtype(np.dtype(dtype))


@pytest.mark.parametrize("keys", [("inputs", "targets"), ("input", "target"), ("X", "y"), ("x", "y")])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_columns_are_named_by_their_number(tmp_path: Path, keys: tuple[str, str], width: int) -> None:
    found = look_at(tmp_path, **{keys[0]: X[:, :width], keys[1]: Y, "other": np.eye(2)})
    assert found.schema.names == [*feature_names(width), "y"]
    (batch,) = found.batches({"y": pa.null(), feature_names(width)[-1]: pa.null(), "none": pa.null()}, 99)
    assert batch.schema.names == ["y", feature_names(width)[-1]]
    np.testing.assert_array_equal(batch.column(1), X[:, width - 1])


REFUSED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "objects": (
        {"X": np.array([[1, None]] * 10, object), "y": Y},
        ["holds pickled objects, not plain numbers"],
    ),
    "dates": ({"X": X, "y": np.zeros(10, "M8[D]")}, ["array 'y' holds datetime64[D] values"]),
    "long doubles": (
        {"X": X.astype(np.longdouble), "y": Y},
        ["values, not plain numbers; save it as float64"],
    ),
    "one number": ({"X": np.float64(3), "y": Y}, ["array 'X' has shape (); it must be (rows, features)"]),
    "no columns": ({"X": X[:, :0], "y": Y}, ["array 'X' has shape (10, 0)"]),
    "both shapes": (
        {"X": X[None], "y": X},
        ["array 'X' has shape (1, 10, 3)", "array 'y' has shape (10, 3); it must be (rows,) or (rows, 1)"],
    ),
    "other rows": ({"X": X[:9], "y": Y}, ["array 'X' has 9 rows and 'y' 10; both need the same number"]),
    "no target": ({"X": X}, ["holds 'X'; it needs the keys 'inputs' and 'targets', or 'X' and 'y'"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_table_is_refused_at_the_door(tmp_path: Path, case: str) -> None:
    arrays, texts = REFUSED[case]
    with pytest.raises(BadTable) as caught:
        look_at(tmp_path, **arrays)
    lines = [str(each) for each in caught.value.violations]
    assert len(lines) == len(texts)
    for line, text in zip(lines, texts, strict=True):
        assert text in line


def test_an_array_that_promises_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    """A header of 10¹² rows must not be believed: memory would be taken for it."""
    path = tmp_path / "t.npz"
    np.savez(path, inputs=X, targets=Y)
    header = b"'shape': (10, 3)"
    content = path.read_bytes()
    assert content.count(header) == 1
    path.write_bytes(content.replace(header, b"'shape': (99, 3)"))
    with pytest.raises(Exception, match=r"holds 240 bytes, not 2,376|Bad CRC"):
        read(DataFile(fs.LocalFileSystem(), str(path), "t.npz", KIND), Dialect())
