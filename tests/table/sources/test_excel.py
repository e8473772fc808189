"""Workbooks: cells of every kind with their types, blank rows, several sheets, and what is no workbook."""

import builtins
import datetime as dt
import io
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources import excel
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.excel import SheetTable, read
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import FORMATS
from tasks.table.sources.found import FoundTable
from tasks.table.sources.reader import preview
from tasks.table.sources.source import Origin
from tests.table import reading

KIND = next(each for each in FORMATS if each.name == "Excel")
# Workbooks know no time zones.
DAY = dt.datetime.fromisoformat("2026-11-27")
TIME = dt.datetime.fromisoformat("2026-11-27T20:15:30")


def write(path: Path, **sheets: Any) -> Path:
    """Write a workbook of sheets, each a list of rows; a cell such as #N/A is an error, as Excel would have it."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for number, row in enumerate(rows, start=1):
            for place, cell in enumerate(row, start=1):
                sheet.cell(number, place, cell)
    book.save(path)
    return path


def look_at(path: Path, given: Dialect | None = None) -> SheetTable:
    return read(DataFile(fs.LocalFileSystem(), str(path), path.name, KIND), given or Dialect())


def table_of(found: SheetTable, rows: int = 2) -> pa.Table:
    return pa.Table.from_batches(list(found.batches(dict.fromkeys(found.schema.names, pa.null()), rows)))


# Cells of a column; the type that it gets, and what is read.
COLUMNS: dict[str, tuple[list[Any], str, list[Any]]] = {
    "whole numbers": ([1, -2, None], "int64", [1, -2, None]),
    "whole floats": ([1.0, 2e15, 3.0], "int64", [1, 2 * 10**15, 3]),
    "vast whole numbers": ([1e300, 1, 2], "double", [1e300, 1.0, 2.0]),
    "fractions": ([1, 2.5, None], "double", [1.0, 2.5, None]),
    "booleans": ([True, False, None], "bool", [True, False, None]),
    "dates": (
        [dt.date(2026, 11, 27), None, dt.date(2026, 1, 2)],
        "timestamp[us]",
        [DAY, None, dt.datetime.fromisoformat("2026-01-02")],
    ),
    "times": ([TIME, dt.date(2026, 11, 27), None], "timestamp[us]", [TIME, DAY, None]),
    "times of day": (
        [dt.time(3, 4), None, dt.time(23, 59, 59)],
        "time64[us]",
        [dt.time(3, 4), None, dt.time(23, 59, 59)],
    ),
    "durations": ([dt.timedelta(hours=30), None, None], "duration[us]", [dt.timedelta(hours=30), None, None]),
    "text": ([" a ", "", "NA"], "string", [" a ", None, "NA"]),
    "blanks": (["  ", None, "b"], "string", [None, None, "b"]),
    "errors among numbers": ([1.5, "#N/A", "#DIV/0!"], "double", [1.5, None, None]),
    "formulas never calculated": (["=1+1", 2.5, 3], "double", [None, 2.5, 3.0]),
    "text and numbers": (["x", 3.0, "y", 0.5], "string", ["x", "3", "y", "0.5"]),
    "text, booleans and times": (["x", True, TIME], "string", ["x", "TRUE", "2026-11-27 20:15:30"]),
    "text among numbers": (["?", 3.0, 0.5, 7], "double", [b"?", b"3", b"0.5", b"7"]),
    "empty": ([None, None, None], "double", [None, None, None]),
}


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("place", [0, 1])
def test_cells_keep_their_types_in_every_place(tmp_path: Path, kind: str, place: int) -> None:
    """Beside a column that is never blank, before and behind it."""
    cells, stored, expected = COLUMNS[kind]
    rows = [
        ["id", "v"][:: 1 - 2 * place],
        *([number, cell][:: 1 - 2 * place] for number, cell in enumerate(cells)),
    ]
    found = look_at(write(tmp_path / "t.xlsx", Data=rows))
    assert str(found.schema.field("v").type) == stored
    table = table_of(found)
    assert table["v"].to_pylist() == expected
    assert table["id"].to_pylist() == [*range(len(cells))]
    assert found.written.findings == ()


def test_the_columns_that_are_asked_for_come_in_their_order(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", Data=[["a", "b", "c"], *([n, n + 0.5, f"t{n}"] for n in range(10))])
    batches = list(look_at(path).batches({"c": pa.null(), "none": pa.null(), "a": pa.null()}, 4))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    assert batches[-1].to_pydict() == {"c": ["t8", "t9"], "a": [8, 9]}


def test_the_table_may_stand_anywhere_with_blank_rows_in_it(tmp_path: Path) -> None:
    """Blank rows among others are said, those around the table are none; so are columns without name and cells."""
    rows = [
        [],
        [],
        [None, "x", None, "y", " "],
        [None, 1, None, 2],
        [None, " "],
        [],
        [None, 3, None, 4],
        [],
        [None, ""],
    ]
    found = look_at(write(tmp_path / "t.xlsx", Data=rows))
    assert found.schema.names == ["x", "y"]
    assert table_of(found).to_pydict() == {"x": [1, 3], "y": [2, 4]}
    (finding,) = found.written.findings
    assert str(finding) == (
        "2 blank rows of sheet 'Data' passed over, first row 5; fill in or remove them if they stand for rows"
    )


@pytest.mark.parametrize(
    "given",
    [{"skip_rows": 2}, {"header_row": 3}, {"skip_rows": 1, "header_row": 2}],
)
def test_the_row_of_names_can_be_said(tmp_path: Path, given: dict[str, Any]) -> None:
    rows = [["Sales of 2026"], ["in thousands"], ["x", 2024, DAY], [1, 2, 3]]
    path = write(tmp_path / "t.xlsx", Data=rows)
    assert look_at(path).schema.names == ["Sales of 2026", "", ""]
    found = look_at(path, Dialect(**given))
    assert found.schema.names == ["x", "2024", "2026-11-27"]
    assert table_of(found).num_rows == 1


def test_a_sheet_without_names_and_words_for_missing_values(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", Data=[[1, "n/a"], [2, 0.5], [3, 1.5]])
    found = look_at(path, Dialect(header_row=0, na_values=("n/a",)))
    assert table_of(found).to_pydict() == {"c1": [1, 2, 3], "c2": [None, 0.5, 1.5]}


def test_of_several_sheets_one_is_named_or_the_only_one_with_rows(tmp_path: Path) -> None:
    rows = [["x"], [1]]
    one = write(tmp_path / "one.xlsx", Notes=[], Data=rows, Empty=[[None, ""]])
    assert look_at(one).sheet == "Data"
    two = write(tmp_path / "two.xlsx", Notes=[["read me"]], Empty=[], Data=rows)
    assert look_at(two, Dialect(sheet="Data")).schema.names == ["x"]
    with pytest.raises(BadTable, match="holds 2 sheets with rows; set `sheet` to one of 'Notes', 'Data'"):
        look_at(two)
    with pytest.raises(BadTable, match="has no `sheet` 'data'; it has 'Notes', 'Empty', 'Data'"):
        look_at(two, Dialect(sheet="data"))
    with pytest.raises(BadTable, match="holds no rows; fill in a sheet"):
        look_at(write(tmp_path / "none.xlsx", A=[], B=[]))


def test_a_table_is_taken_in_from_a_workbook(tmp_path: Path) -> None:
    """As from any other file: categories, dates that are left out, missing values, text among numbers."""
    rows = [[n, n % 3 + 1.0, 2.0 * n + n % 5, dt.date(2026, 1, 1 + n)] for n in range(20)]
    path = write(tmp_path / "t.xlsx", Notes=[["sold"]], Data=[["x", "store", "y", "day"], *rows])
    table, facts = reading.read(path, sheet="Data", categorical="store")
    assert table["store"][:3].to_pylist() == ["1", "2", "3"]
    assert table["y"].to_pylist() == [row[2] for row in rows]
    assert facts["notes"] == [
        "left out, as they hold no numbers: 'day'; add columns of text to `categorical` to use them"
    ]
    rows[3][0], rows[5][0] = "n/a", "#N/A"
    spoilt = write(tmp_path / "spoilt.xlsx", Data=[["x", "store", "y", "day"], *rows])
    assert reading.refusal(spoilt) == (
        "2 findings: column 'x' has 1 missing value (empty or NaN), first in row 6; fill in or remove that row, "
        "or set `missing` | column 'x' has 1 text cell in 20 rows, first 'n/a' in row 4; "
        "correct those cells or remove their rows"
    )
    assert reading.read(spoilt, na_values="n/a", missing="drop")[0].num_rows == 18
    assert "column 'x' stores its numbers as text" in reading.refusal(
        write(tmp_path / "quoted.xlsx", Data=[["x", "y"], *([f"{n}.5", n * n] for n in range(9))])
    )


def test_the_lineage_names_the_sheet(tmp_path: Path) -> None:
    path = write(tmp_path / "t.xlsx", Data=[["x"], [1]])
    found = FoundTable.at(Origin(str(path)), Dialect())
    found.previews()
    assert found.described == "sheet 'Data'"


def test_only_a_workbook_has_sheets(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x\n1\n")
    with pytest.raises(BadTable, match="is no workbook, so that it has no `sheet`; leave it out"):
        FoundTable.at(Origin(str(tmp_path / "t.csv")), Dialect(sheet="Data"))


def test_in_a_folder_workbooks_are_a_table_unless_there_are_others(tmp_path: Path) -> None:
    """What Office leaves beside an open workbook is none."""
    for name in ("a", "b"):
        write(tmp_path / f"{name}.xlsx", Data=[["x"], [1]])
    (tmp_path / "~$a.xlsx").write_bytes(b"\5admin")
    assert [each.name for each in source(Origin(str(tmp_path))).members] == ["a.xlsx", "b.xlsx"]
    (tmp_path / "c.csv").write_text("x\n1\n")
    found = source(Origin(str(tmp_path)))
    assert [each.name for each in found.members] == ["c.csv"]
    assert "2 files of the folder not read: 'a.xlsx', 'b.xlsx'" in str(found.findings[0])


def repacked(path: Path, change: Callable[[bytes], bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)))
    return content.getvalue()


@pytest.mark.parametrize("far", ["XFD1048576", "xfd1048576"])
def test_a_cell_far_off_does_not_take_all_memory(tmp_path: Path, far: str) -> None:
    """A sheet is a rectangle in memory, and what reads it would end the process."""
    path = write(tmp_path / "t.xlsx", Data=[["x"], [1]])
    path.write_bytes(repacked(path, lambda text: text.replace(b'r="A2"', f'r = "{far}"'.encode())))
    with pytest.raises(BadTable, match="has a sheet of 1,048,576 rows and 16,384 columns; clear the cells"):
        look_at(path)


def test_a_workbook_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "t.xlsx", Data=[["x"], *([n] for n in range(100))])
    monkeypatch.setattr(excel, "MOST_BYTES", 5000)
    with pytest.raises(BadTable, match="unpacks to more than 5,000 bytes; save it as CSV"):
        look_at(path)


def spoilt(content: bytes, most: int, chance: np.random.Generator) -> bytes:
    """Overwrite up to so many bytes."""
    changed = bytearray(content)
    for place in chance.integers(len(content), size=chance.integers(most + 1)):
        changed[place] = chance.integers(32, 127)
    return bytes(changed)


def test_damage_is_one_line_whatever_is_damaged(tmp_path: Path) -> None:
    """Rows may be read for all that, but nothing else than `BadTable` is raised."""
    path = write(tmp_path / "t.xlsx", Data=[["x", "when"], *([n, TIME] for n in range(5))])
    whole, outcomes = path.read_bytes(), set()
    for seed in range(300):
        chance = np.random.default_rng(seed)
        change = partial(spoilt, most=2, chance=chance)
        content = spoilt(whole, 1, chance) if seed % 2 else repacked(path, change)
        (tmp_path / "s.xlsx").write_bytes(content)
        look = preview(DataFile(fs.LocalFileSystem(), str(tmp_path / "s.xlsx"), "s.xlsx", KIND), Dialect())
        outcomes.add(bool(look.violations))
        assert all(str(each).isprintable() for each in look.violations)
    assert outcomes == {True, False}
    for content in (b"", b"PK\x03\x04", whole[:500], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99, b"x,y\n1,2\n"):
        (tmp_path / "s.xlsx").write_bytes(content)
        assert reading.refusal(tmp_path / "s.xlsx").startswith("`data` of 's.xlsx' is ")


def test_the_package_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "python_calamine":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(BadTable, match=r"needs another package; `pip install '\.\[excel\]'` in the checkout"):
        look_at(tmp_path / "t.xlsx")
