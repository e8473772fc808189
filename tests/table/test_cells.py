"""Cells of every way of writing a number × every type they may be taken for, and categories as text."""

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.cells import (
    as_levels,
    as_numbers,
    as_text,
    batch_without_views,
    likely,
    parsed,
    plain,
    points,
    reads_as_foreign,
    share_of_numbers,
    with_nulls,
    without_views,
)
from tasks.table.numerals import BLANKS, Notation

# By notation, cells and the numbers that they are; None: no number.
WRITTEN: dict[str, tuple[Notation, dict[str, float | None]]] = {
    "plain": (
        Notation(),
        {
            "1": 1,
            " -2.5 ": -2.5,
            "+3.": 3,
            ".5": 0.5,
            "1e3": 1000,
            "1.5E-2": 0.015,
            "1.5D+03": 1500,
            "−2": -2,
            "inf": math.inf,
            "-Infinity": -math.inf,
            "1,5": None,
            "1,200": None,
            "1 200": None,
            "12%": None,
            "0x1F": None,
            "1e": None,
            "1_000": None,
            "١٢": None,
            "": None,
            "-": None,
        },
    ),
    "decimal comma": (Notation(","), {"1,5": 1.5, ",5": 0.5, "-2,": -2, "1.5": None, "1,5e2": 150, "7": 7}),
    "commas between thousands": (
        Notation(".", ","),
        {"1,200.50": 1200.5, "6,953": 6953, "378": 378, "1,2": None, "12,34,567": None, "1234.5": 1234.5},
    ),
    "points between thousands": (
        Notation(",", "."),
        {"1.200,50": 1200.5, "1.234.567": 1234567, "1.2": None, "99,5": 99.5},
    ),
    "blanks between thousands": (
        Notation(".", BLANKS),
        {"1 234": 1234, "17\u00a0870.5": 17870.5, "1'000": 1000, "1\u202f000\u202f000": 1e6, "1 2": None},
    ),
    "percent": (
        Notation(".", "", "%"),
        {"12%": 12, "12 %": 12, "-0.5%": -0.5, "%3": 3, "12": None, "1%2": None},
    ),
    "dollars": (Notation(".", ",", "$"), {"$1,200.50": 1200.5, "-$3": -3, "$ 7": 7, "$-7": -7, "$": None}),
}


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()], ids=str)
@pytest.mark.parametrize("stored", [pa.string(), pa.large_string(), pa.binary()], ids=str)
@pytest.mark.parametrize("way", WRITTEN)
def test_every_way_of_writing_a_number_is_read(way: str, stored: pa.DataType, kind: pa.DataType) -> None:
    """By its notation, from text and from bytes; every other cell is one of text and becomes null."""
    notation, cells = WRITTEN[way]
    found, is_text = parsed(pa.array([*cells, None]).cast(stored), kind, notation)
    assert found.type == kind
    assert is_text.to_pylist() == [*(value is None for value in cells.values()), False]
    read = [math.nan if value is None else value for value in found.to_pylist()]
    expected = [math.nan if value is None else value for value in [*cells.values(), None]]
    np.testing.assert_allclose(read, expected, rtol=1e-6 if kind == pa.float32() else 0)


@given(st.lists(st.floats(allow_nan=False).map(repr)))
def test_what_python_writes_is_read_to_the_last_bit(cells: list[str]) -> None:
    found, is_text = parsed(pa.array(cells, pa.string()), pa.float64())
    assert found.to_pylist() == [float(cell) for cell in cells]
    assert not any(is_text.to_pylist())


@given(st.integers(-(10**12), 10**12), st.sampled_from([",", ".", " ", "'"]))
def test_grouped_digits_are_the_number_without_the_groups(number: int, sign: str) -> None:
    cell = f"{number:,}".replace(",", sign)
    decimal = "," if sign == "." else "."
    found, _ = parsed(pa.array([cell]), pa.float64(), Notation(decimal, sign))
    assert found.to_pylist() == [number]


def test_words_are_booleans() -> None:
    """True and 1, false and 0, in three ways; nothing else."""
    cells = ["true", "False", "TRUE", "0", "1", "yes", "2", None]
    found, is_text = parsed(pa.array(cells), pa.bool_())
    assert found.to_pylist() == [1, 0, 1, 0, 1, None, None, None]
    assert is_text.to_pylist() == [False] * 5 + [True, True, False]


def test_bytes_that_are_no_text_are_no_numbers() -> None:
    found, is_text = parsed(pa.array([b"1", b"\xff\xfe", b"2"]), pa.float64())
    assert (found.to_pylist(), is_text.to_pylist()) == ([1, None, 2], [False, True, False])


STORED = [
    *(getattr(pa, f"{sign}int{bits}")() for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *(pa.float16(), pa.float32(), pa.float64(), pa.bool_(), pa.decimal128(9, 2)),
]


@pytest.mark.parametrize("kind", STORED, ids=str)
def test_stored_numbers_keep_their_values(kind: pa.DataType) -> None:
    """Whole numbers and floats their type, too; in dictionaries as well."""
    values = [1, 0, None, 1]
    if kind == pa.float16():  # Arrow neither casts to these nor makes dictionaries of them
        columns = [pa.array([None if value is None else np.float16(value) for value in values], kind)]
    else:
        column = pa.array(values, pa.int8()).cast(kind)
        columns = [column, column.dictionary_encode()]
    for column in columns:
        found = as_numbers(column, column.type)
        assert found.type == plain(kind) == plain(column.type)
        assert found.to_pylist() == values


def test_nan_is_a_missing_number() -> None:
    column = pa.array([1.0, math.nan, None])
    assert as_numbers(column, column.type).to_pylist() == [1, None, None]


def test_categories_are_text_in_one_way_of_writing() -> None:
    """Whole numbers have no point, whatever they are stored as; a number with decimals is no category."""
    assert as_text(pa.array([3.0, math.nan, -1.0])).to_pylist() == ["3", None, "-1"]
    assert as_text(pa.array([3, None])).to_pylist() == ["3", None]
    assert as_text(pa.array([True, False])).to_pylist() == ["true", "false"]
    assert as_text(pa.array(["a", None]).dictionary_encode()).to_pylist() == ["a", None]
    for column in (pa.array([1.5]), pa.array([b"\xff"])):
        with pytest.raises(pa.ArrowInvalid):
            as_text(column)
    levels, count = as_levels(pa.array(["3.0", "3", "-7.00", "03", "03.0", "1.50", "0.0", None, "a.0"]))
    assert levels.to_pylist() == ["3", "3", "-7", "03", "03.0", "1.50", "0", None, "a.0"]
    assert count == 3


@pytest.mark.parametrize("stored", [pa.string(), pa.binary()], ids=str)
def test_cells_that_are_missing_values_are_null(stored: pa.DataType) -> None:
    """Only whole cells count."""
    column = pa.array(["NA", "x", "", "NA ", "nan"]).cast(stored)
    found = with_nulls(column, ["NA", ""])
    assert [None if cell is None else str(cell) for cell in found.cast(pa.string()).to_pylist()] == [
        None,
        "x",
        None,
        "NA ",
        "nan",
    ]
    assert with_nulls(column, ["?"]) is column


def test_a_column_is_one_of_numbers_if_most_cells_are() -> None:
    """For a typing error it would be left out otherwise; an empty one may become one, unless all was seen."""
    rows = pa.table(
        {
            "typing error": ["1", "2", "x"],
            "half": ["1", "x", None],
            "foreign": ["1,5", "2,5", "a"],
            "words": ["a", "b", "c"],
            "number": [1, 2, 3],
            "empty": pa.nulls(3),
        }
    )
    expected = {"typing error": "double", "half": "string", "foreign": "double", "words": "string"}
    expected |= {"number": "int64", "empty": "double"}
    assert {field.name: str(field.type) for field in likely(rows, complete=False)} == expected
    assert likely(rows, complete=True).field("empty").type == pa.null()
    assert likely(rows, complete=False, strict=True).field("foreign").type == pa.string()
    assert share_of_numbers(rows["typing error"]) == pytest.approx(2 / 3)
    assert share_of_numbers(pa.array([None], pa.string())) == 0


@pytest.mark.parametrize(
    ("cell", "foreign"),
    [
        ("1,200.50", True),
        ("1.200,50", True),
        ("-1 200,5", True),
        ("1.5", False),
        ("1,", False),
        ("a,5", False),
    ],
)
def test_numbers_of_other_countries_are_told_from_text(cell: str, foreign: bool) -> None:
    assert reads_as_foreign(cell) is foreign


def test_points_that_may_stand_between_thousands_are_told_from_others() -> None:
    cells = [
        "6.953",
        " -12.500 ",
        "0.953",
        "1234.567",
        "1.5",
        ".5",
        "3.",
        "1.5e3",
        "7",
        "1.234.567",
        "a.125",
        None,
    ]
    pointed, grouped = points(pa.array(cells).cast(pa.binary()))
    assert [cell for cell, found in zip(cells, grouped.to_pylist(), strict=True) if found] == cells[:2]
    assert [cell for cell, found in zip(cells, pointed.to_pylist(), strict=True) if found] == cells[:8]


def test_views_become_plain_text() -> None:
    """In dictionaries, too; all else stays as it is."""
    view = pa.array(["a", "b"]).cast(pa.string_view())
    batch = pa.RecordBatch.from_arrays(
        [view, pa.array([b"x", None], pa.binary_view()), pa.array([1, 2])], [*"abc"]
    )
    found = batch_without_views(batch)
    assert (
        found.schema
        == without_views(batch.schema)
        == pa.schema([("a", pa.string()), ("b", pa.binary()), ("c", pa.int64())])
    )
    assert found.to_pydict() == {"a": ["a", "b"], "b": [b"x", None], "c": [1, 2]}
    dictionary = pa.dictionary(pa.int8(), pa.string_view())
    assert without_views(pa.schema([("k", dictionary)])).field("k").type == pa.dictionary(
        pa.int8(), pa.string()
    )
