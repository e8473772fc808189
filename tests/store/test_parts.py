"""Parts of large data: sizes, order, and rows that are dealt to parts and taken back."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.store.artifact import Artifact, StoredFile
from tasks.store.parts import MOST_PARTS, ParquetPart, is_large, part_count, part_paths, write_part
from tasks.store.spill import spilled


@pytest.fixture
def table() -> pa.Table:
    """Return 200,000 rows of mixed types."""
    rng = np.random.default_rng(0)
    return pa.table({"a": np.arange(200_000), "b": rng.normal(size=200_000).astype(np.float32)})


def test_what_is_large() -> None:
    """More than five million rows, or 512 MiB."""
    assert not is_large(5_000_000, 3)
    assert is_large(5_000_001, 3)
    assert is_large(100_000, 1000)
    assert [part_count(rows, 3) for rows in (1, 2**20, 2**20 + 1, 10**10)] == [1, 1, 2, MOST_PARTS]
    assert part_count(2**20, 1024) == 64


def test_a_shard_gives_back_what_was_written_in_its_types(tmp_path: Path, table: pa.Table) -> None:
    write_part(tmp_path / "a.parquet", table)
    shard = ParquetPart(tmp_path / "a.parquet")
    batches = list(shard.batches())
    assert shard.rows == 200_000
    assert len(batches) == 4
    for place, name in enumerate(table.column_names):
        joined = np.concatenate([batch[place] for batch in batches])
        assert joined.dtype == table[name].to_numpy().dtype
        np.testing.assert_array_equal(joined, table[name].to_numpy())


def test_a_shard_read_in_random_order_has_the_same_rows(tmp_path: Path, table: pa.Table) -> None:
    write_part(tmp_path / "a.parquet", table)
    read = np.concatenate(
        [a for a, _ in ParquetPart(tmp_path / "a.parquet").batches(np.random.default_rng(2))]
    )
    assert not np.array_equal(read, table["a"].to_numpy())
    np.testing.assert_array_equal(np.sort(read), table["a"].to_numpy())


def test_missing_values_are_not_written(tmp_path: Path) -> None:
    """They have no place in a part: `ingest` has refused them."""
    with pytest.raises(ValueError, match="null"):
        write_part(tmp_path / "a.parquet", pa.table({"a": [1.0, None]}))


def test_paths_are_those_of_one_table_in_order(tmp_path: Path) -> None:
    names = ["train-00001.parquet", "test.parquet", "train-00000.parquet", "training.parquet"]
    artifact = Artifact(stage="s", files={n: StoredFile(path=f"s/{n}", bytes=0, sha256="") for n in names})
    assert [path.name for path in part_paths(artifact, tmp_path, "train")] == [
        "train-00000.parquet",
        "train-00001.parquet",
    ]
    assert [path.name for path in part_paths(artifact, tmp_path, "test")] == ["test.parquet"]


def test_rows_that_were_dealt_come_back_by_part(tmp_path: Path, table: pa.Table) -> None:
    """Each in the part that was drawn for it, in the order of arrival; nothing is left on the disk."""
    numbers = np.random.default_rng(0).integers(3, size=200_000, dtype=np.uint16)
    with spilled(tmp_path, "x", table.schema, 4) as spill:
        spill.append(table.slice(0, 70_000), numbers[:70_000])
        spill.append(table.slice(70_000), numbers[70_000:])
    taken = [part["a"].to_numpy().copy() for part in spill.taken()]
    for number in range(4):
        np.testing.assert_array_equal(taken[number], np.flatnonzero(numbers == number))
    assert list(tmp_path.iterdir()) == []


def test_the_columns_of_a_part_are_declared_present(tmp_path: Path, table: pa.Table) -> None:
    write_part(tmp_path / "a.parquet", table)
    assert not any(field.nullable for field in pq.read_schema(tmp_path / "a.parquet"))
