"""Rows written for people come back as they were, in every format."""

import csv
import gzip
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather

from tasks.store.rows import Style, is_text, writer

ROWS = pa.table({"n": [0.1, None, -3.0], "s": ["a", None, 'b "c"'], "i": [1, 2, 3]})

PLAIN = Style()

text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


def written(path: Path, rows: pa.Table, style: Style = PLAIN) -> Path:
    """Write rows, two at a time."""
    with writer(path, path, rows.schema, style) as write:
        for batch in rows.to_batches(max_chunksize=2):
            write(batch)
    return path


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("out.parquet", pq.read_table),
        ("out.pq", pq.read_table),
        ("out.feather", feather.read_table),
        ("OUT.ARROW", feather.read_table),
    ],
)
def test_columnar_files_hold_the_same_table(tmp_path: Path, name: str, read: object) -> None:
    assert read(written(tmp_path / name, ROWS)).equals(ROWS)  # type: ignore[operator]
    assert not is_text(Path(name))


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(cells=st.lists(st.tuples(text, st.none() | text), min_size=1), name=text)
def test_pythons_reader_finds_every_cell_of_text(
    tmp_path_factory: pytest.TempPathFactory, delimiter: str, cells: list[tuple[str, str | None]], name: str
) -> None:
    """Quotes, delimiters and ends of lines within cells and names; what is missing is an empty cell."""
    rows = pa.table([pa.array(column, pa.string()) for column in zip(*cells, strict=True)], [name, "b"])
    path = written(tmp_path_factory.mktemp("rows") / "out.csv", rows, Style(delimiter))
    found = list(csv.reader(StringIO(path.read_bytes().decode(), newline=""), delimiter=delimiter))
    assert found == [[name, "b"], *([a, b or ""] for a, b in cells)]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_are_written_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    path = written(tmp_path_factory.mktemp("rows") / "out.csv", pa.table({"n": numbers}), Style(";", ","))
    _, *lines = path.read_text().splitlines()
    assert [float(line.replace(",", ".")) for line in lines] == numbers


def test_the_name_decides_the_delimiter_and_the_compression(tmp_path: Path) -> None:
    """A .tsv has tabs whatever is asked for; a .csv.gz is what gunzip reads."""
    assert written(tmp_path / "out.tsv", ROWS).read_text().splitlines()[1] == "0.1\ta\t1"
    plain = written(tmp_path / "out.csv", ROWS).read_bytes()
    assert gzip.decompress(written(tmp_path / "out.CSV.gz", ROWS).read_bytes()) == plain
