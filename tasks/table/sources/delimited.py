"""Delimited text: CSV and its relatives, read some rows at a time, with one row of names at the top."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Literal

import pyarrow as pa
import pyarrow.csv as arrow_csv

from tasks.table.cells import likely
from tasks.table.errors import BadTable, Violation, counted, located, quoted
from tasks.table.sources.dialect import SAMPLE, Dialect, detected
from tasks.table.sources.files import DataFile, refuse_empty

# Bytes that are parsed at a time; a row must fit.
BLOCK = 2**22

_MOST_IRREGULAR = 100_000

_DISGUISED = {
    b"PAR1": "Parquet; name it .parquet",
    b"PK": "a zip archive or an Excel workbook; save its table as CSV",
    b"\x1f\x8b": "gzip; name it .csv.gz",
    b"ARROW1": "Feather; name it .feather",
}


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
class TextTable:
    """A text file, of which the first rows have been read."""

    file: DataFile
    dialect: Dialect
    names: tuple[str, ...]
    """As they stand in the file, with the blanks around them."""
    schema: pa.Schema
    is_text: bool = True

    @property
    def decimal(self) -> str:
        """The sign before the decimals."""
        return self.dialect.decimal or "."

    def batches(
        self, types: Mapping[str, pa.DataType], rows: int, *, verbatim: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, with these types, a block of text at a time.

        From the first cell on that cannot be read as its type, all columns come as bytes: what comes late, a cell of
        text at row ten million, must not cost every row the time that looking for it takes.

        Raises:
            BadTable: after the last row, if some had not as many cells as the header.
        """
        del rows  # a block is a number of bytes
        irregular, done = Irregular(), 0
        try:
            for batch in self._batches(types, irregular, verbatim=verbatim):
                done += batch.num_rows
                yield batch
        except pa.ArrowInvalid:
            irregular = Irregular()
            for batch in self._batches(dict.fromkeys(types, pa.binary()), irregular, verbatim=verbatim):
                skipped = min(done, batch.num_rows)
                done -= skipped
                yield batch.slice(skipped)
        if irregular.count:
            raise BadTable(_irregular_rows(self, irregular))

    def _batches(
        self, types: Mapping[str, pa.DataType], irregular: Irregular, *, verbatim: bool
    ) -> Iterator[pa.RecordBatch]:
        wanted = {name: types[name.strip()] for name in self.names if name.strip() in types}
        options = arrow_csv.ConvertOptions(
            strings_can_be_null=not verbatim,
            include_columns=list(wanted),
            column_types=wanted,
            decimal_point=self.decimal,
        )
        with (
            self.file.stream() as stream,
            _explained(self.file, self.dialect),
            _parsing(stream, self.dialect, self.dialect.encoding, options, irregular) as reader,
        ):
            for batch in reader:
                yield batch.rename_columns([name.strip() for name in batch.schema.names])


def read(file: DataFile, given: Dialect) -> TextTable:
    """Find out how a text file is written, and read its first rows with the types that they suggest.

    Raises:
        BadTable: it is blank, no text, or has no regular header.
    """
    with file.stream() as stream:
        start, is_whole = _start(stream, 2 * BLOCK)
    refuse_empty(file, start.strip(b"\xef\xbb\xbf\r\n\t \0"))
    disguise = next((advice for magic, advice in _DISGUISED.items() if start.startswith(magic)), None)
    if disguise and not file.compression:
        raise BadTable(f"{located(file.name)} is not CSV but {disguise}")

    dialect = detected(start[:SAMPLE], given)
    options = arrow_csv.ConvertOptions(strings_can_be_null=True, decimal_point=dialect.decimal or ".")
    with _explained(file, dialect):
        text = io.BytesIO(_in_utf8(start, dialect))
        with _parsing(text, dialect, "utf-8", options, Irregular()) as reader:
            first = next(reader, None)
            rows = reader.schema.empty_table() if first is None else pa.Table.from_batches([first])
            complete = is_whole and _is_at_its_end(reader)
    names = tuple(rows.column_names)
    return TextTable(
        file, dialect, names, likely(rows.rename_columns([name.strip() for name in names]), complete=complete)
    )


def _start(stream: pa.NativeFile, size: int) -> tuple[bytes, bool]:
    """Read so many bytes from the front, and say whether these are all."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts), missing > 0


def _in_utf8(start: bytes, dialect: Dialect) -> bytes:
    """Write the first bytes of a file in UTF-8; a sign that is cut off at their end is left out."""
    if dialect.encoding in {None, "utf-8"}:
        return start
    return codecs.getincrementaldecoder(dialect.encoding)().decode(start).encode()


def _is_at_its_end(reader: arrow_csv.CSVStreamingReader) -> bool:
    try:
        return next(reader, None) is None
    except pa.ArrowInvalid:  # a row further on is of another type
        return False


def _irregular_rows(table: TextTable, met: Irregular) -> Violation:
    """Report the rows that were skipped, with the number of the first, for which the file is read once more."""
    row = _first_irregular(table)
    which = f"row {row:,} has" if row else "a row has"
    more = f", and {counted(met.count - 1, 'more row')} like it" if met.count > 1 else ""
    return Violation(
        "irregular-rows",
        f"{which} {counted(met.found, 'cell')} where the header has {met.width}: {quoted(met.text)}{more}",
        f"correct it, or quote cells that hold {quoted(table.dialect.delimiter)}",
        count=met.count,
        row=row,
        value=met.text,
    )


def _misfit(name: str, message: str) -> str:
    if "straddl" in message:
        size = f"{BLOCK // 2**20} MiB"
        return f"{located(name)} has a row of more than {size}; shorten it, or close a quote that is open"
    return f"{located(name)} is no CSV table; give it a row of column names with rows below"


@contextmanager
def _parsing(
    stream: pa.NativeFile | IO[bytes],
    dialect: Dialect,
    encoding: str | None,
    options: arrow_csv.ConvertOptions,
    irregular: Irregular,
) -> Iterator[arrow_csv.CSVStreamingReader]:
    parsing = arrow_csv.ParseOptions(
        delimiter=dialect.delimiter or ",", newlines_in_values=True, invalid_row_handler=irregular
    )
    reading = arrow_csv.ReadOptions(
        block_size=BLOCK, encoding=encoding or "utf-8", skip_rows=dialect.preamble
    )
    with arrow_csv.open_csv(stream, reading, parsing, options) as reader:
        yield reader


@contextmanager
def _explained(file: DataFile, dialect: Dialect) -> Iterator[None]:
    """Turn what Arrow raises on a file that is no table in this dialect into a finding."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadTable(
            f"{located(file.name)} is not text in {dialect.encoding}, which cannot be "
            f"{quoted(error.object[error.start : error.end])}; give its `encoding`"
        ) from error
    except pa.ArrowInvalid as error:
        if "conversion error" in str(error):
            raise
        raise BadTable(_misfit(file.name, str(error))) from error


def _first_irregular(table: TextTable) -> int | None:
    """Read once more, slowly, for the number of the first row that has too many or too few cells."""
    with suppress(csv.Error, EOFError, OSError, UnicodeError), table.file.stream() as stream:
        lines = io.TextIOWrapper(stream, encoding=table.dialect.encoding, errors="replace", newline="")
        rows = (row for row in csv.reader(lines, delimiter=table.dialect.delimiter or ",") if row)
        for _ in range(table.dialect.preamble):
            next(rows, None)
        width = len(next(rows, []))
        return next((number for number, row in enumerate(rows, start=1) if len(row) != width), None)
    return None
