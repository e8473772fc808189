"""The two formats between stages: equal contents, equal bytes; and nothing is unpickled."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.store.formats import read_npz, read_parquet, write_npz, write_parquet


def test_arrays_come_back_and_their_bytes_depend_on_nothing_else(tmp_path: Path) -> None:
    arrays = {"inputs": np.arange(6.0).reshape(3, 2), "count": np.array(3)}
    one, other = BytesIO(), tmp_path / "b.npz"
    write_npz(one, arrays)
    write_npz(other, arrays)
    assert one.getvalue() == other.read_bytes()
    back = read_npz(other)
    assert list(back) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype


def test_objects_are_not_unpickled(tmp_path: Path) -> None:
    """Unpickling runs code; the file says what it holds, and is refused."""
    path = tmp_path / "bad.npz"
    np.savez(path, x=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_npz(path)


def test_columns_keep_their_types_and_order(tmp_path: Path) -> None:
    """Some or all of them; and folders above the file called year=2024 add none."""
    path = tmp_path / "year=2024" / "rows.parquet"
    path.parent.mkdir()
    table = pa.table({"b": pa.array([1.5, None], pa.float32()), "a": ["x", "y"]})
    write_parquet(path, table)
    assert read_parquet(path).equals(table)
    assert read_parquet(path, ["a"]).equals(table.select(["a"]))


def test_numbers_are_stored_plainly(tmp_path: Path) -> None:
    """No dictionary and no compression: random numbers gain nothing from either."""
    path = tmp_path / "rows.parquet"
    write_parquet(path, pa.table({"x": np.random.default_rng(0).normal(size=1000)}))
    column = pq.ParquetFile(path).metadata.row_group(0).column(0)
    assert column.compression == "UNCOMPRESSED"
    assert not column.has_dictionary_page
