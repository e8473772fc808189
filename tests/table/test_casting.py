"""Rows of a file as columns that can be used: every way of writing in every place, and what cannot be used."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.table.casting import CastPlan, Taken, carried, layout, merged, taken
from tasks.table.columns import Columns, Wanted, choose
from tasks.table.errors import BadTable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.reader import preview
from tasks.table.sources.source import Origin


def take(
    path: Path,
    dialect: Dialect | None = None,
    *,
    keep_missing: bool = False,
    by: tuple[str, ...] = (),
    **more: object,
) -> tuple[pa.Table, Taken]:
    """Take a file's rows in, with the target `y`; return them, and the account of the first piece."""
    look = preview(source(Origin(str(path))).members[0], dialect or Dialect())
    assert look.schema is not None
    columns = choose(look.schema, Wanted("y", **more), cells_are_text=look.is_text)  # type: ignore[arg-type]
    plan = layout(
        [look.schema],
        columns,
        is_text=look.is_text,
        keep_missing=keep_missing,
        passthrough=carried([look.schema], by, is_text=look.is_text),
    )
    pieces = list(taken(look, plan))
    return pa.Table.from_batches([piece.rows for piece in pieces]), pieces[0]


# By way of writing: the dialect, and cells with what they mean; 7.5 of each kind, which leaves no doubt.
WAYS: dict[str, tuple[Dialect, list[str], list[float]]] = {
    "plain": (Dialect(), ["1.5", "-2", "1e3"], [1.5, -2, 1000]),
    "decimal comma": (Dialect(delimiter=";"), ["1,5", "-2", "7,25"], [1.5, -2, 7.25]),
    "commas between thousands": (
        Dialect(delimiter=";", thousands=","),
        ["1,200", "3", "1.5"],
        [1200, 3, 1.5],
    ),
    "points between thousands": (
        Dialect(delimiter=";", thousands="."),
        ["1.200", "3", "1,5"],
        [1200, 3, 1.5],
    ),
    "blanks between thousands": (Dialect(delimiter=";"), ["1 200", "3", "1.5"], [1200, 3, 1.5]),
    "percent": (Dialect(delimiter=";"), ["12%", "3.5%", "1%"], [12, 3.5, 1]),
    "dollars": (Dialect(delimiter=";"), ["$12", "$3.5", "$1"], [12, 3.5, 1]),
    "Fortran's exponents": (Dialect(delimiter=";"), ["1.5D+03", "2.0", "1.0D-01"], [1500, 2, 0.1]),
    "a minus as printed": (Dialect(delimiter=";"), ["−1.5", "2", "3"], [-1.5, 2, 3]),
}


@pytest.mark.parametrize("place", [0, 1, 2], ids=["first", "middle", "last"])
@pytest.mark.parametrize("way", WAYS)
def test_a_number_means_the_same_in_every_column(tmp_path: Path, way: str, place: int) -> None:
    """Also as the target, which is the last column that is taken in, wherever it stands."""
    dialect, cells, values = WAYS[way]
    for target in range(3):
        names = ["a", "b", "c"]
        names[target] = "y"
        rows = [["1", "2", "5"] for _ in cells]
        rows = [[*row[:place], cell, *row[place + 1 :]] for row, cell in zip(rows, cells, strict=True)]
        delimiter = dialect.delimiter or ","
        lines = [delimiter.join(row) for row in [names, *rows]]
        (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
        table, _ = take(tmp_path / "t.csv", dialect)
        assert table.column_names[-1] == "y"
        assert table[names[place]].to_pylist() == values
        others = {name: value for name, value in zip(names, [1, 2, 5], strict=True) if name != names[place]}
        assert {name: set(table[name].to_pylist()) for name in others} == {
            name: {value} for name, value in others.items()
        }


def test_rows_without_a_value_are_left_out_or_kept(tmp_path: Path) -> None:
    """Those without a target always go; a feature may be missing where that is wanted."""
    (tmp_path / "t.csv").write_text("x,k,y\n1,a,1\n,b,2\n3,,3\n4,d,\n5,e,inf\n6,f,6\n")
    table, piece = take(tmp_path / "t.csv", categorical=("k",))
    assert table.to_pydict() == {"x": [1, 6], "k": ["a", "f"], "y": [1, 6]}
    kept, _ = take(tmp_path / "t.csv", keep_missing=True, categorical=("k",))
    assert kept.to_pydict() == {"x": [1, None, 3, 6], "k": ["a", "b", None, "f"], "y": [1, 2, 3, 6]}
    assert [field.nullable for field in kept.schema] == [True, True, False]
    counts = {name: (each.rows, each.missing, each.infinite) for name, each in piece.summaries.items()}
    assert counts == {"x": (6, 1, 0), "k": (6, 1, 0), "y": (6, 1, 1)}
    assert (piece.summaries["y"].first_infinite, piece.summaries["y"].highest) == (5, 6)


def test_a_cell_of_text_is_counted_apart_from_a_missing_one(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('x,y\n1,1\nNA,2\n?,3\n"1,5",4\n2.5,5\n6,6\n')
    table, piece = take(tmp_path / "t.csv")
    found = piece.summaries["x"]
    assert table["x"].to_pylist() == [1, 2.5, 6]
    assert (found.missing, found.first_missing, found.text, found.first_text) == (1, 2, 2, 3)
    assert (found.first_text_value, found.foreign, found.usable) == ("?", 1, 3)


def test_what_was_taken_for_a_missing_category_is_said(tmp_path: Path) -> None:
    """An empty cell needs no word."""
    (tmp_path / "t.csv").write_text("k,y\nFR,1\nNA,2\n,3\n3.0,4\n")
    table, piece = take(tmp_path / "t.csv", keep_missing=True, categorical=("k",))
    assert table["k"].to_pylist() == ["FR", None, None, "3"]
    assert (piece.summaries["k"].missing_word, piece.summaries["k"].shortened) == ("NA", 1)


def test_columns_to_split_by_are_passed_through_as_they_are(tmp_path: Path) -> None:
    """Behind the target: as stored, but as text in text files."""
    rows = pa.table({"id": [7, 8], "x": [1, 2], "y": [1.0, 2.0], "day": ["a", "b"]})
    pq.write_table(rows.set_column(3, "day", rows["day"].dictionary_encode()), tmp_path / "t.parquet")
    table, piece = take(tmp_path / "t.parquet", by=("id", "day"), features=("x",))
    assert table.to_pydict() == {"x": [1, 2], "y": [1, 2], "id": [7, 8], "day": ["a", "b"]}
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "int64", "string"]
    assert set(piece.summaries) == {"x", "y"}
    (tmp_path / "t.csv").write_text("id,x,y\n007,1,1\n008,2,2\n")
    assert take(tmp_path / "t.csv", by=("id",), features=("x",))[0]["id"].to_pylist() == ["007", "008"]


def test_types_that_differ_between_files_are_floats() -> None:
    """Nulls say nothing; text files may have a point in any row."""
    whole, real, none = (
        pa.schema([("x", kind), ("y", kind)]) for kind in (pa.int8(), pa.float32(), pa.null())
    )
    columns = Columns(("x",), "y")

    def types(*schemas: pa.Schema, is_text: bool = False) -> list[str]:
        plan = layout(schemas, columns, is_text=is_text, keep_missing=False, passthrough={})
        return [str(kind) for kind in plan.schema.types]

    assert types(whole) == types(whole, none) == ["int8", "int8"]
    assert types(whole, real) == ["double", "double"]
    assert types(whole, is_text=True) == ["double", "double"]
    assert carried([whole, real], ["x", "new"], is_text=False) == {"x": pa.string(), "new": pa.string()}


NO_CATEGORIES = {
    "decimals": (
        pa.array([1.0, math.nan, 2.5]),
        "has 2.5 in row 3; a category is text, a whole number or a boolean",
    ),
    "too large": (pa.array([1.0, 2.0, 1e300]), "has 1e+300 in row 3; a category is text"),
    "bytes": (
        pa.array([b"a", b"b", b"\xff"]),
        "is not UTF-8, first in row 3; give the `encoding`, such as cp1252",
    ),
}


@pytest.mark.parametrize("case", NO_CATEGORIES)
def test_what_is_no_category_is_named_with_its_row(tmp_path: Path, case: str) -> None:
    values, text = NO_CATEGORIES[case]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"k": values, "y": [1, 2, 3]}), path)
    look = preview(source(Origin(str(path))).members[0], Dialect())
    plan = CastPlan({"k": pa.string(), "y": pa.int64()}, "y", frozenset({"k"}), keep_missing=False)
    with pytest.raises(BadTable) as caught:
        list(taken(look, plan))
    assert f"column 'k' of `data` of '{path}' {text}" in str(caught.value)
    assert caught.value.violations[0].row == 3


def test_summaries_of_parts_merge_column_by_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,1\n9,2\n")
    _, piece = take(tmp_path / "t.csv")
    twice = merged(piece.summaries, piece.summaries)
    assert {name: each.rows for name, each in twice.items()} == {"x": 4, "y": 4}
    assert (twice["x"].lowest, twice["x"].highest) == (1, 9)
    assert merged({}, piece.summaries) == piece.summaries
