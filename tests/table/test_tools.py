"""Tables as other programs write them: pandas, polars, DuckDB, Arrow."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

from tests.paths import DATA
from tests.table.reading import read, refusal

RNG = np.random.default_rng(0)
ROWS = 500
FRAME = pd.DataFrame(
    {
        "i": RNG.integers(-5, 5, ROWS),
        "f": RNG.normal(size=ROWS),
        "b": RNG.random(ROWS) < 0.5,
        "k": RNG.choice(["a", "b,c", 'say "d"', "é"], ROWS),
        "y": RNG.normal(size=ROWS),
    }
)


def by_pandas_nullable(path: Path) -> None:
    types = {"i": "Int32", "f": "Float64", "b": "boolean", "k": "string"}
    FRAME.astype(types).to_parquet(path, index=False)


def by_pandas_categories(path: Path) -> None:
    FRAME.astype({"k": "category"}).to_parquet(path, index=False)


def by_polars(path: Path) -> None:
    frame = pl.DataFrame(FRAME)
    if path.suffix == ".parquet":
        frame.write_parquet(path)
    elif path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_ipc(path)


def by_polars_compressed(path: Path) -> None:
    pl.DataFrame(FRAME).write_ipc(path, compression="zstd")


def by_duckdb(path: Path) -> None:
    with duckdb.connect() as database:
        database.register("frame", FRAME).execute(f"copy frame to '{path}'")


def by_duckdb_as_decimals(path: Path) -> None:
    with duckdb.connect() as database:
        select = "select i::hugeint i, f::decimal(30, 20) f, b, k, y from frame"
        database.register("frame", FRAME).execute(f"copy ({select}) to '{path}'")


def by_arrow(path: Path) -> None:
    feather.write_feather(pa.Table.from_pandas(FRAME, preserve_index=False), path, chunksize=64)


def by_arrow_with_views(path: Path) -> None:
    table = pa.Table.from_pandas(FRAME, preserve_index=False)
    pq.write_table(table.cast(table.schema.set(3, pa.field("k", pa.large_string()))), path, row_group_size=77)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("t.parquet", by_pandas_nullable),
        ("t.parquet", by_pandas_categories),
        ("t.parquet", by_polars),
        ("t.arrow", by_polars),
        ("t.ipc", by_polars_compressed),
        ("t.csv", by_polars),
        ("t.parquet", by_duckdb),
        ("t.csv", by_duckdb),
        ("t.parquet", by_duckdb_as_decimals),
        ("t.feather", by_arrow),
        ("t.parquet", by_arrow_with_views),
    ],
)
def test_the_rows_are_the_frames(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    """Numbers of every stored type, booleans and text come out as they went in."""
    write(tmp_path / name)
    table, facts = read(tmp_path / name, categorical=("k",))
    assert facts["features"] == ["i", "f", "b", "k"]
    found = table.to_pandas()
    assert found["k"].tolist() == FRAME["k"].tolist()
    for column in ("i", "f", "b", "y"):
        np.testing.assert_allclose(found[column], FRAME[column].astype(float), rtol=0, atol=1e-15)


def test_hive_partitions_by_polars_and_duckdb(tmp_path: Path) -> None:
    """The partitions' values come from the folders' names, blanks and slashes included."""
    frame = FRAME.assign(k=FRAME["k"].replace("b,c", "b/c d"))
    pl.DataFrame(frame).write_parquet(tmp_path / "polars", partition_by="k")
    with duckdb.connect() as database:
        to = f"'{tmp_path}/duckdb' (format parquet, partition_by (k))"
        database.register("frame", frame).execute(f"copy frame to {to}")
    for tool in ("polars", "duckdb"):
        table, _ = read(tmp_path / tool, categorical=("k",))
        found = table.to_pandas().sort_values("f")["k"].tolist()
        assert found == frame.sort_values("f")["k"].tolist()


def test_missing_values_of_every_kind(tmp_path: Path) -> None:
    """Nulls, NaN and NA are missing alike; the rows are dropped, or kept with nulls in the features alone."""
    full = pl.DataFrame(FRAME).with_columns(
        pl.when(pl.int_range(ROWS) == 3).then(None).otherwise(pl.col("i")).alias("i"),
        pl.when(pl.int_range(ROWS) == 5).then(float("nan")).otherwise(pl.col("f")).alias("f"),
        pl.when(pl.int_range(ROWS) == 7).then(None).otherwise(pl.col("k")).alias("k"),
    )
    full.write_parquet(tmp_path / "t.parquet")
    full.write_csv(tmp_path / "t.csv")
    for name in ("t.parquet", "t.csv"):
        dropped, facts = read(tmp_path / name, categorical=("k",), missing="drop")
        assert (len(dropped), facts["dropped"]) == (ROWS - 3, 3)
        assert facts["missing_counts"] == {"i": 1, "f": 1, "k": 1}
        assert (
            facts["notes"][-1]
            == "3 rows dropped because a value is missing: missing 1 in 'i', 1 in 'f', 1 in 'k'"
        )
        kept, facts = read(tmp_path / name, categorical=("k",), missing="mean")
        assert [kept[column].null_count for column in kept.column_names] == [1, 1, 0, 1, 0]
        assert kept.schema.field("y").nullable is False
        assert refusal(tmp_path / name, categorical=("k",)).startswith("3 findings: column 'i' has 1 missing")


def test_a_missing_target_is_never_filled_in(tmp_path: Path) -> None:
    """`mean` is for features; rows without a target are refused, or dropped when asked for."""
    FRAME.assign(y=FRAME["y"].where(FRAME.index != 9)).to_csv(tmp_path / "t.csv", index=False)
    assert refusal(tmp_path / "t.csv", missing="mean") == (
        "column 'y' has 1 missing value (empty or NaN), first in row 10; fill in or remove that row"
    )
    assert len(read(tmp_path / "t.csv", missing="drop")[0]) == ROWS - 1
    table, facts = read(tmp_path / "t.csv", missing="mean", warn=("missing-target",))
    assert len(table) == ROWS - 1
    assert facts["notes"][1].startswith("column 'y' has 1 missing value")


def test_the_penguins_with_all_their_columns() -> None:
    """The file has the numbers of the smaller one, in the same order, beside text and gaps."""
    data = DATA
    everything = pd.read_csv(data / "penguins_all.csv")
    assert everything["species"].value_counts().to_dict() == {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}
    numbers = pd.read_csv(data / "penguins.csv")
    whole = everything.dropna(subset=["bill_len"]).reset_index(drop=True)
    pd.testing.assert_frame_equal(whole[numbers.columns.tolist()], numbers)
