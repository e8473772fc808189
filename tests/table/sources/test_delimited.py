"""Text as rows: the cells of the csv module, cells that come late, ragged rows, and lines that are rewritten."""

import csv
import io
import re
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.numerals import numerals
from tasks.table.sources import delimited
from tasks.table.sources.delimited import Rewritten, TextTable, read
from tasks.table.sources.dialect import Dialect, Layout, rewritten
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import CSV


def look_at(path: Path, content: str | bytes, **given: object) -> TextTable:
    file = path / "t.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read(DataFile(fs.LocalFileSystem(), str(file), "t.csv", CSV), Dialect(**given))  # type: ignore[arg-type]


def rows_of(table: TextTable, **types: pa.DataType) -> list[dict[str, object]]:
    return [row for batch in table.batches(types, 0) for row in batch.to_pylist()]


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse so few bytes at a time that a short file has many blocks."""
    monkeypatch.setattr(delimited, "BLOCK", 64)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\ufeff"), max_size=6)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=9), st.sampled_from([",", ";", "\t", "|"]))
def test_cells_of_text_are_those_of_the_csv_module(
    tmp_path: Path, rows: list[tuple[str, str]], delimiter: str
) -> None:
    """Quotes, delimiters and line ends inside them too."""
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [("a", "b"), *rows]
    )
    table = look_at(tmp_path, file.getvalue(), delimiter=delimiter, encoding="utf-8")
    found = rows_of(table, b=pa.string(), a=pa.string())
    assert [(row["a"], row["b"]) for row in found] == rows


@pytest.mark.usefixtures("small_blocks")
def test_a_cell_of_text_that_comes_late_costs_no_row(tmp_path: Path) -> None:
    """From there on all columns come as bytes; each row comes once."""
    lines = [f"{number},{number % 5}" for number in range(200)]
    lines[150] = "twelve,0"
    table = look_at(tmp_path, "\n".join(["x,y", *lines]) + "\n")
    pieces = list(table.batches({"x": pa.float64(), "y": pa.float64()}, 0))
    assert [str(piece.schema.types[0]) for piece in pieces][:: len(pieces) - 1] == ["double", "binary"]
    cells = [cell for piece in pieces for cell in piece.column(0).to_pylist()]
    assert len(cells) == 200
    assert [float(cell) for cell in cells[:150]] == list(range(150))
    assert cells[150] == b"twelve"
    assert cells[151:] == [str(number).encode() for number in range(151, 200)]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("ragged", ["9", "9,9,9"])
@pytest.mark.parametrize("places", [[0], [57], [57, 58, 199], [199]])
def test_ragged_rows_are_skipped_counted_and_numbered(tmp_path: Path, ragged: str, places: list[int]) -> None:
    """The finding comes after the last row."""
    lines = [f"{number},0" for number in range(200)]
    for place in places:
        lines[place] = ragged
    table = look_at(tmp_path, "\n".join(["x,y", *lines]) + "\n")
    seen: list[object] = []
    with pytest.raises(BadTable) as caught:
        seen.extend(
            cell for batch in table.batches({"x": pa.float64()}, 0) for cell in batch.column(0).to_pylist()
        )
    (finding,) = caught.value.violations
    assert seen == [number for number in range(200) if number not in places]
    assert (finding.rule, finding.count, finding.row) == ("irregular-rows", len(places), places[0] + 1)
    assert finding.value == ragged


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_signs_of_several_bytes_may_lie_across_blocks(tmp_path: Path, encoding: str) -> None:
    text = "größe;y\n" + "".join(f"{'ü' * (number % 9)};{number}\n" for number in range(60))
    table = look_at(tmp_path, text.encode(encoding), delimiter=";", encoding=encoding.removesuffix("-sig"))
    found = rows_of(table, größe=pa.string(), y=pa.float64())
    assert found == [{"größe": "ü" * (number % 9), "y": number} for number in range(60)]


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    """Names are found despite the blanks around them; what the file lacks is left out."""
    table = look_at(tmp_path, "a, x ,b\n1,2,3\n")
    assert rows_of(table, x=pa.float64(), none=pa.float64()) == [{"x": 2.0}]
    assert table.schema.names == ["a", "x", "b"]


def test_numbers_with_units_or_groups_come_as_bytes(tmp_path: Path) -> None:
    """They are read later, cell by cell; plain ones by Arrow."""
    table = look_at(tmp_path, "a;b;c\n1.234.567;12%;5,5\n", delimiter=";")
    kinds = dict.fromkeys("abc", pa.float64())
    (batch,) = table.batches(kinds, 0)
    assert [str(kind) for kind in batch.schema.types] == ["binary", "binary", "double"]
    assert batch.column(2).to_pylist() == [5.5]


@pytest.mark.usefixtures("small_blocks")
def test_a_cell_behind_the_last_delimiter_makes_a_row_irregular(tmp_path: Path) -> None:
    """Where every other row ends in the delimiter."""
    lines = ["1,2,"] * 100
    table = look_at(tmp_path, "\n".join(["x,y", *lines]) + "\n")
    assert table.layout.ends_in_delimiter
    assert len(rows_of(table, x=pa.float64(), y=pa.float64())) == 100
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines[:90], "1,2,3", *lines[91:]]) + "\n")
    with pytest.raises(BadTable, match=r"^row 91 has 3 cells where the header has 2: '3'; correct it"):
        rows_of(table, x=pa.float64())


@pytest.mark.parametrize(
    ("content", "text"), [(b"PAR1....", "Parquet"), (b"\x1f\x8b..", "gzip"), (b"ARROW1..", "Feather")]
)
def test_another_format_under_this_name_is_named(tmp_path: Path, content: bytes, text: str) -> None:
    with pytest.raises(BadTable, match=rf"'t\.csv' is not CSV but {text}"):
        look_at(tmp_path, content)


@pytest.mark.parametrize("sizes", [1, 7, 10_000])
@pytest.mark.parametrize("skipped", [0, 1, 3])
def test_lines_are_rewritten_as_one_text_would_be(
    monkeypatch: pytest.MonkeyPatch, sizes: int, skipped: int
) -> None:
    """Whatever the blocks in which they are read; without those above the names."""
    monkeypatch.setattr(delimited, "_REWRITTEN", sizes)
    text = (
        "  a   b\n# über\n 1\t 2  \r\n"
        + "".join(f"  {number}    é\n# no\n" for number in range(50))
        + " 7  8"
    )
    layout = Layout(" ", "utf-8", numerals({}), skipped, comment="#")
    expected = rewritten("".join(text.splitlines(keepends=True)[skipped:]), layout)
    assert Rewritten(io.BytesIO(text.encode()), layout).readall().decode() == expected


@pytest.mark.usefixtures("small_blocks")
def test_the_first_point_among_whole_numbers_is_seen_as_it_is_written(tmp_path: Path) -> None:
    """Until then whole numbers come as the floats that were asked for."""
    lines = [f"{number % 900}" for number in range(5000)]
    table = look_at(tmp_path, "\n".join(["x", *lines, "6.953", "7"]) + "\n")
    assert table.layout.numerals.unsettled == {"x"}
    pieces = list(table.batches({"x": pa.float64()}, 0))
    assert {str(piece.schema.types[0]) for piece in pieces} == {"double", "binary"}
    cells = [cell for piece in pieces for cell in piece.column(0).to_pylist()]
    assert list(map(float, cells)) == [*map(float, lines), 6.953, 7]
    assert cells[-2:] == [b"6.953", b"7"]


@pytest.mark.parametrize(
    "rows", [b"1,2\n" * 50_000 + b"1\xce\n3,4\n", b"1,2\n\xc3"], ids=["far down", "a sign cut off at the end"]
)
def test_an_irregular_row_that_is_no_text_is_one_line(
    tmp_path: Path, rows: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found by `make fuzz`: Arrow decodes such a row to count it, and Python printed a traceback for the failure."""
    text = "has an irregular row that is not UTF-8; correct it, or give the `encoding`"
    with pytest.raises(BadTable, match=re.escape(text)):
        rows_of(look_at(tmp_path, b"x,y\n" + rows, encoding="utf-8"), x=pa.float64())
    assert capsys.readouterr().err == ""
