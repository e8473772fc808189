"""Delimited text: CSV and its relatives, plain or gzipped, UTF-8, one row of names at the top."""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.types as kinds

from tasks.table.errors import BadTable, counted, located, shown

_DELIMITERS = (",", ";", "\t", "|")
_SAMPLE = 1 << 16
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def header(path: Path) -> pa.Schema:
    """Read the names, and the types that the first block of rows suggests: later rows can still change them.

    Raises:
        BadTable: the text is not UTF-8, has no header, or is not regular.
    """
    parsing = _parsing(path)
    with _explained(path, parsing.delimiter), _opened(path) as stream:
        schema = arrow_csv.open_csv(stream, parse_options=parsing, convert_options=_converting()).schema
        return pa.schema([field.with_name(field.name.strip()) for field in schema])


def read(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read all rows of the named columns (by default of all); empty cells, NA, NaN, null become nulls.

    Raises:
        BadTable: the text is not UTF-8, or a row has not as many cells as the header.
    """
    parsing = _parsing(path)
    with _explained(path, parsing.delimiter):
        with _opened(path) as stream:
            raw = arrow_csv.open_csv(stream, parse_options=parsing).schema.names
        wanted = [] if names is None else [name for name in raw if name.strip() in names]
        with _opened(path) as stream:
            table = arrow_csv.read_csv(stream, parse_options=parsing, convert_options=_converting(wanted))
    table = table.rename_columns([name.strip() for name in table.column_names])
    findings = [
        f"column {shown(name)} is not UTF-8, first in row {_first_undecodable(column):,}; save it in UTF-8"
        for name, column in zip(table.column_names, table.columns, strict=True)
        if kinds.is_binary(column.type)
    ]
    if findings:
        raise BadTable(*findings)
    return table


def sniffed(sample: str) -> str:
    r"""Find the delimiter: the one that cuts most rows into as many cells as the header, and into most cells.

    >>> sniffed("a;b\n1,5;2\n")
    ';'
    """

    def regularity(delimiter: str) -> tuple[float, int]:
        widths = [
            len(row) for row in csv.reader(sample.splitlines(keepends=True), delimiter=delimiter) if row
        ]
        if not widths or widths[0] == 1:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(_DELIMITERS, key=regularity)


def _parsing(path: Path) -> arrow_csv.ParseOptions:
    with _explained(path, ","), _opened(path) as stream:
        sample = stream.read(_SAMPLE)
    if not sample.strip():
        raise BadTable(f"{located(path)} is empty; give a table with a row of column names")
    if sample.startswith(_UTF16) or b"\0" in sample:
        raise BadTable(f"{located(path)} is not UTF-8 text; save it as CSV in UTF-8")
    text = sample.decode("utf-8-sig", errors="replace")
    whole = text if len(sample) < _SAMPLE else text[: text.rfind("\n") + 1] or text
    return arrow_csv.ParseOptions(delimiter=sniffed(whole), newlines_in_values=True)


def _converting(names: Sequence[str] = ()) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(strings_can_be_null=True, include_columns=list(names))


def _opened(path: Path) -> pa.NativeFile:
    return pa.input_stream(str(path), compression="gzip" if path.suffix.lower() == ".gz" else None)


@contextmanager
def _explained(path: Path, delimiter: str) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadTable(f"{located(path)}: the header is not UTF-8; save the file in UTF-8") from error
    except pa.ArrowInvalid as error:
        no_table = f"{located(path)} is no CSV table; give it a row of column names with rows below"
        raise BadTable(_irregular_row(path, delimiter) or no_table) from error


def _irregular_row(path: Path, delimiter: str) -> str | None:
    """Read once more, slowly, for the first row that has too many or too few cells."""
    with suppress(csv.Error, EOFError, OSError), _opened(path) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        rows = (row for row in csv.reader(lines, delimiter=delimiter) if row)
        width = len(next(rows, []))
        for number, row in enumerate(rows, start=1):
            if len(row) != width:
                return (
                    f"row {number:,} has {counted(len(row), 'cell')} where the header has {width}: "
                    f"{shown(delimiter.join(row))}; correct it, or quote cells that hold {shown(delimiter)}"
                )
    return None


def _first_undecodable(column: pa.ChunkedArray) -> int:
    for number, cell in enumerate(column.to_pylist(), start=1):
        try:
            (cell or b"").decode()
        except UnicodeDecodeError:
            return number
    return 1
