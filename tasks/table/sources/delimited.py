"""Delimited text: CSV and its relatives, read some rows at a time, with one row of names at the top."""

import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa
import pyarrow.csv as arrow_csv

from tasks.table.errors import BadTable, Violation, counted, located, quoted
from tasks.table.sources.dialect import SAMPLE, Dialect, detected
from tasks.table.sources.discovery import Member

BLOCK = 2**22
"""Bytes that are parsed at a time; a row must fit."""

_MOST_IRREGULAR = 100_000


@dataclass(slots=True)
class Irregular:
    """The rows that have too many or too few cells: counted as they are met."""

    count: int = 0
    width: int = 0
    found: int = 0
    text: str = ""

    def __call__(self, row: arrow_csv.InvalidRow) -> Literal["skip", "error"]:
        """Count a row; give up on a file that is full of them."""
        if self.count == 0:
            self.width, self.found, self.text = row.expected_columns, row.actual_columns, row.text
        self.count += 1
        return "skip" if self.count < _MOST_IRREGULAR else "error"


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file with its dialect, all found out."""

    member: Member
    dialect: Dialect
    irregular: Irregular = field(default_factory=Irregular)

    @property
    def delimiter(self) -> str:
        """What stands between the cells."""
        return self.dialect.delimiter or ","


def opened(member: Member, given: Dialect) -> TextFile:
    """Find out how a text file is written.

    Raises:
        BadTable: it is blank, or no text.
    """
    with member.stream() as stream:
        sample = stream.read(SAMPLE)
    if not sample.strip(b"\xef\xbb\xbf\r\n\t \0"):
        raise BadTable(_empty(member))
    return TextFile(member, detected(sample, given))


def head(text: TextFile) -> tuple[pa.Table, bool]:
    """Read the first rows with the types that they suggest, and say whether these are all rows.

    Raises:
        BadTable: there is no header, or it is not regular.
    """
    with _reader(text, _converting(text)) as reader:
        first = next(reader, None)
        rows = reader.schema.empty_table() if first is None else pa.Table.from_batches([first])
        return rows.rename_columns([name.strip() for name in rows.column_names]), _is_at_its_end(reader)


def _is_at_its_end(reader: arrow_csv.CSVStreamingReader) -> bool:
    try:
        return next(reader, None) is None
    except pa.ArrowInvalid:  # a row further on is of another type
        return False


def batches(
    text: TextFile, types: Mapping[str, pa.DataType], *, verbatim: bool = False
) -> Iterator[pa.RecordBatch]:
    """Yield those of the named columns that there are, with these types, and skip irregular rows.

    Empty cells, NA, NaN, null are nulls; in columns of text they stay as they are where `verbatim`.

    Raises:
        pa.ArrowInvalid: a cell cannot be read as the type of its column.
    """
    raw = _names(text)
    wanted = {name: types[name.strip()] for name in raw if name.strip() in types}
    with _reader(text, _converting(text, wanted, verbatim=verbatim)) as reader:
        for batch in reader:
            yield batch.rename_columns([name.strip() for name in batch.schema.names])


def irregular_finding(text: TextFile, name: str | None) -> Violation | None:
    """Report the rows that were skipped, with the number of the first, for which the file is read once more."""
    met = text.irregular
    if not met.count:
        return None
    row = _first_irregular(text)
    which = f"row {row:,} has" if row else "a row has"
    more = f", and {counted(met.count - 1, 'more row')} like it" if met.count > 1 else ""
    return Violation(
        "irregular-rows",
        f"{which} {counted(met.found, 'cell')} where the header has {met.width}: {quoted(met.text)}{more}",
        f"correct it, or quote cells that hold {quoted(text.delimiter)}",
        count=met.count,
        row=row,
        file=name,
        value=met.text,
    )


def _misfit(member: Member, message: str) -> str:
    if "straddl" in message:
        size = f"{BLOCK // 2**20} MiB"
        return (
            f"{located(member.name)} has a row of more than {size}; shorten it, or close a quote that is open"
        )
    return f"{located(member.name)} is no CSV table; give it a row of column names with rows below"


def _names(text: TextFile) -> list[str]:
    with _reader(text, arrow_csv.ConvertOptions()) as reader:
        return list(reader.schema.names)


def _converting(
    text: TextFile, types: Mapping[str, pa.DataType] | None = None, *, verbatim: bool = False
) -> arrow_csv.ConvertOptions:
    """Name the columns to read with their types; by default all columns, with types that fit the first block."""
    return arrow_csv.ConvertOptions(
        strings_can_be_null=not verbatim,
        include_columns=list(types or ()),
        column_types=dict(types or {}),
        decimal_point=text.dialect.decimal or ".",
    )


@contextmanager
def _reader(text: TextFile, options: arrow_csv.ConvertOptions) -> Iterator[arrow_csv.CSVStreamingReader]:
    text.irregular.count = 0
    parsing = arrow_csv.ParseOptions(
        delimiter=text.delimiter, newlines_in_values=True, invalid_row_handler=text.irregular
    )
    reading = arrow_csv.ReadOptions(
        block_size=BLOCK, encoding=text.dialect.encoding or "utf-8", skip_rows=text.dialect.preamble
    )
    try:
        with (
            text.member.stream() as stream,
            arrow_csv.open_csv(stream, reading, parsing, options) as reader,
        ):
            yield reader
    except UnicodeDecodeError as error:
        raise BadTable(
            f"{located(text.member.name)} is not text in {text.dialect.encoding}, which cannot be "
            f"{quoted(error.object[error.start : error.end])}; give its `encoding`"
        ) from error
    except pa.ArrowInvalid as error:
        if "conversion error" in str(error):
            raise
        raise BadTable(_misfit(text.member, str(error))) from error


def _first_irregular(text: TextFile) -> int | None:
    """Read once more, slowly, for the number of the first row that has too many or too few cells."""
    with suppress(csv.Error, EOFError, OSError, UnicodeError), text.member.stream() as stream:
        lines = io.TextIOWrapper(stream, encoding=text.dialect.encoding, errors="replace", newline="")
        rows = (row for row in csv.reader(lines, delimiter=text.delimiter) if row)
        for _ in range(text.dialect.preamble):
            next(rows, None)
        width = len(next(rows, []))
        return next((number for number, row in enumerate(rows, start=1) if len(row) != width), None)
    return None


def _empty(member: Member) -> str:
    return f"{located(member.name)} is empty; give a table with a row of column names"
