"""A model's columns out of rows of any format: every stored type, and every way of writing in text files."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.table.dates import TIME
from tasks.table.errors import BadTable
from tasks.table.model.inputs import check_names, inputs
from tasks.table.model.linear import CategoryInput, ColumnInput, LinearModel, ModelTerms, NumberInput
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.reader import Preview, batches, preview
from tasks.table.sources.source import Origin
from tasks.table.terms.formula import parse
from tests.table.terms.test_design import designed

MODEL = LinearModel(
    target="y",
    bias=0.0,
    inputs=(
        NumberInput(name="x", weight=1.0, mean=None),
        CategoryInput(name="k", weights={"a": 0.0, "3": 1.0}, reference="a", average=0.5, fill=False),
    ),
)


def look_at(path: Path, dialect: Dialect | None = None) -> Preview:
    return preview(source(Origin(str(path))).members[0], dialect or Dialect())


def of_text(folder: Path, cells: str, warn: tuple[str, ...] = (), **given: Any) -> dict[str, list[object]]:
    """Return the model's columns of a text file with these rows of `x` and `k`."""
    (folder / "t.csv").write_text(f"k;other;x\n{cells}")
    look = look_at(folder / "t.csv", Dialect(delimiter=";", **given))
    types = {name: pa.string() for name in look.stored.names} if look.stored else {}
    (rows,) = batches(look, types)
    return {name: column.to_pylist() for name, column in inputs(MODEL, rows, 0, look, warn).items()}


def of_stored(folder: Path, columns: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    pq.write_table(pa.table(dict(columns)), folder / "t.parquet")
    look = look_at(folder / "t.parquet")
    (rows,) = batches(look, {name: column.type for name, column in columns.items()})
    return inputs(MODEL, rows, 10, look, ())


WAYS: dict[str, tuple[str, dict[str, Any], list[float | None]]] = {
    "plain": ("a;-;1.5\na;-;-2e3\n", {}, [1.5, -2000]),
    "blanks around": ("a;-; 1.5 \na;-;7\n", {}, [1.5, 7]),
    "a decimal comma": ("a;-;1,5\na;-;7\n", {}, [1.5, 7]),
    "thousands": ("a;-;1,200.5\na;-;7\n", {"thousands": ","}, [1200.5, 7]),
    "percent": ("a;-;12%\na;-;7%\n", {}, [12, 7]),
    "words": ("a;-;true\na;-;False\n", {}, [1, 0]),
    "missing values": ("a;-;NA\na;-;7\n", {}, [None, 7]),
    "missing values of one's own": ("a;-;?\na;-;7\n", {"na_values": ("?",)}, [None, 7]),
}


@pytest.mark.parametrize("way", WAYS)
def test_numbers_are_read_as_they_are_written(tmp_path: Path, way: str) -> None:
    cells, given, expected = WAYS[way]
    assert of_text(tmp_path, cells, **given)["x"] == expected


def test_levels_are_written_in_one_way(tmp_path: Path) -> None:
    """3.0 of a text file is 3, and so is one that is stored as a float."""
    assert of_text(tmp_path, "3.0;-;1\n3;-;2\nNA;-;3\n")["k"] == ["3", "3", None]
    found = of_stored(tmp_path, {"x": pa.array([1, 2]), "k": pa.array([3.0, None])})
    assert found["k"].to_pylist() == ["3", None]


STORED = {
    "whole numbers": pa.array([1, None, 3], pa.int16()),
    "floats": pa.array([1, None, 3], pa.float32()),
    "booleans": pa.array([True, None, False]),
    "decimals": pa.array([1, None, 3], pa.decimal128(9, 3)),
    "text": pa.array(["1", None, " 3e0 "]),
    "dictionaries": pa.array([1, None, 3]).dictionary_encode(),
    "dictionaries of text": pa.array(["1", None, "3"]).dictionary_encode(),
    "NaN": pa.array([1, np.nan, 3]),
    "nothing": pa.nulls(3),
}


@pytest.mark.parametrize("stored", STORED)
def test_every_stored_type_becomes_plain_numbers(tmp_path: Path, stored: str) -> None:
    column = STORED[stored]
    found = of_stored(tmp_path, {"k": pa.array(["a", "b", "c"]), "x": column})["x"]
    expected = {"booleans": [1, None, 0], "nothing": [None] * 3}.get(stored, [1, None, 3])
    assert found.type == pa.float64()
    assert found.to_pylist() == expected


def test_text_in_numbers_is_refused_with_its_row_or_missing(tmp_path: Path) -> None:
    cells = "a;-;1\na;-;twelve\na;-;3\n"
    with pytest.raises(
        BadTable, match=r"has 'twelve' in row 2; the model needs numbers there, or set `warn` to text-in"
    ):
        of_text(tmp_path, cells)
    assert of_text(tmp_path, cells, warn=("text-in-numbers",))["x"] == [1, None, 3]


def test_what_cannot_be_a_number_or_a_level_is_refused_by_its_type(tmp_path: Path) -> None:
    day, levels = pa.array([0], pa.date32()), pa.array(["a"])
    with pytest.raises(
        BadTable, match=r"column 'x' of .* holds date32\[day\]; the model needs numbers there"
    ):
        of_stored(tmp_path, {"x": day, "k": levels})
    for values in (pa.array([1.5]), pa.array([["a"]])):
        with pytest.raises(BadTable, match="the model needs text or whole numbers there"):
            of_stored(tmp_path, {"x": pa.array([1]), "k": values})


def test_bytes_that_are_no_text_are_refused_with_their_row(tmp_path: Path) -> None:
    """They come late in a file whose first rows were sound."""
    (tmp_path / "t.csv").write_bytes(b"k;x\na;1\n")
    look = look_at(tmp_path / "t.csv", Dialect(delimiter=";"))
    rows = pa.record_batch({"k": pa.array([b"a", b"\xe9"]), "x": pa.array([b"1", b"2"])})
    with pytest.raises(BadTable, match=r"column 'k' of .* is not UTF-8, first in row 9; give the `encoding`"):
        inputs(MODEL, rows, 7, look, ())


def test_columns_are_asked_for_by_name(tmp_path: Path) -> None:
    """The nearest name, or those there are; and none twice; all findings together."""
    member = look_at(tmp_path / "t.csv").member if (tmp_path / "t.csv").write_text("a\n1\n") else None
    assert member is not None
    check_names(MODEL, ["extra", "k", "x"], member)
    with pytest.raises(BadTable) as caught:
        check_names(MODEL, ["k", "k", "X1"], member)
    lines = [str(each) for each in caught.value.violations]
    where = f"`data` of '{tmp_path / 't.csv'}'"
    assert lines == [
        f"{where} has no column 'x', which the model needs; it has 'k', 'k', 'X1'",
        f"{where} has 2 columns named 'k'; rename all but one",
    ]
    with pytest.raises(BadTable, match=r"has no column 'k', which the model needs; did you mean 'kk'\?"):
        check_names(MODEL, ["x", "kk"], member)


DATED = LinearModel(
    target="y",
    bias=0.0,
    inputs=(
        ColumnInput(name="d", holds="date", date_format="%d.%m.%Y"),
        ColumnInput(name="x", holds="number"),
    ),
    terms=ModelTerms(
        design=designed(
            parse("y ~ year(d) + log(x)").terms(()), pa.table({"d": pa.array([0], TIME), "x": [1.0]})
        ),
        weights=(1.0, 2.0),
    ),
)


def dated(folder: Path, cells: str, warn: tuple[str, ...] = ()) -> dict[str, list[object]]:
    (folder / "t.csv").write_text(f"d;x\n{cells}")
    look = look_at(folder / "t.csv", Dialect(delimiter=";"))
    (rows,) = batches(look, {"d": pa.string(), "x": pa.string()})
    return {name: column.to_pylist() for name, column in inputs(DATED, rows, 0, look, warn).items()}


def test_columns_of_terms_are_read_as_they_were_in_the_run(tmp_path: Path) -> None:
    """Dates in the run's format, numbers as numbers; a cell that is no date is refused with its row."""
    assert dated(tmp_path, "13.02.2024;1.5\n;2\n") == {"d": [datetime(2024, 2, 13), None], "x": [1.5, 2.0]}  # noqa: DTZ001
    with pytest.raises(BadTable) as caught:
        dated(tmp_path, "13.02.2024;1\n2024-02-13;2\n")
    assert str(caught.value).endswith(
        "has '2024-02-13' in row 2; the model needs dates there, or set `warn` to unreadable-dates"
    )
    assert dated(tmp_path, "2024-02-13;2\n", warn=("unreadable-dates",))["d"] == [None]


def test_a_column_that_cannot_hold_dates_is_refused(tmp_path: Path) -> None:
    """By its stored type."""
    pq.write_table(pa.table({"d": [1], "x": [1.0]}), tmp_path / "t.parquet")
    look = look_at(tmp_path / "t.parquet")
    (rows,) = batches(look, {"d": pa.int64(), "x": pa.float64()})
    with pytest.raises(BadTable, match="holds int64; the model needs dates there"):
        inputs(DATED, rows, 0, look, ())
