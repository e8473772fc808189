"""Rows of a source without an order: the same bytes, in whatever order and files they come."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.outputs.sorting import in_order
from tasks.store import parts

ROWS = 3000


@pytest.fixture
def table() -> pa.Table:
    """Rows of every kind that is stored, with ties, missing values and both zeros."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=ROWS).round(1)
    x[rng.random(ROWS) < 0.1] = -0.0
    words = pa.array(rng.choice(["a", "b", "é"], ROWS), mask=rng.random(ROWS) < 0.1)
    days = pa.array(rng.integers(0, 9, ROWS), pa.int32()).cast(pa.date32())
    return pa.table({"x": x, "word": words, "day": days, "flag": x > 0, "id": rng.permutation(ROWS)})


def put(folder: Path, table: pa.Table, cuts: list[int], rng: np.random.Generator) -> list[Path]:
    """Write the rows, shuffled, as several files."""
    folder.mkdir()
    shuffled = table.take(rng.permutation(table.num_rows))
    pieces = zip([0, *cuts], [*cuts, table.num_rows], strict=True)
    paths = []
    for number, (start, end) in enumerate(pieces):
        paths.append(folder / f"{number}.parquet")
        pq.write_table(shuffled.slice(start, end - start), paths[-1])
    return paths


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("columns", [["x", "word"], ["x", "word", "day", "flag", "id"]])
def test_the_order_does_not_depend_on_that_of_the_rows(
    tmp_path: Path, table: pa.Table, is_large: bool, columns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows are there, once each, in the same order bit by bit; in small parts, and in memory."""
    if is_large:
        monkeypatch.setattr(parts, "MOST_ROWS", ROWS // 3)
        monkeypatch.setattr(parts, "PART_ROWS", ROWS // 8)
    table, rng, found = table.select(columns), np.random.default_rng(1), []
    for name, cuts in (("a", []), ("b", [10, 11, 2000]), ("c", [1500])):
        paths = put(tmp_path / name, table, cuts, rng)
        found.append(list(in_order(paths, table.schema, ["id"], tmp_path)))
    assert (len(found[0]) > 4) == is_large
    assert not list(tmp_path.glob("unsorted*"))
    for others in found[1:]:
        assert [each.equals(other) for each, other in zip(found[0], others, strict=True)] == [True] * len(
            others
        )
    whole = pa.concat_tables(found[0])
    assert not np.signbit(whole["x"].to_numpy()[whole["x"].to_numpy() == 0]).any()
    keys = [(name, "ascending") for name in columns]
    assert whole.sort_by(keys).equals(table.sort_by(keys).combine_chunks())


def test_the_key_decides_first(tmp_path: Path, table: pa.Table) -> None:
    paths = put(tmp_path / "a", table, [], np.random.default_rng(1))
    (found,) = in_order(paths, table.schema, ["id"], tmp_path)
    assert found["id"].to_pylist() == list(range(ROWS))


def test_no_files_are_no_rows(table: pa.Table, tmp_path: Path) -> None:
    (found,) = in_order([], table.schema, [], tmp_path)
    assert found.equals(table.schema.empty_table())
