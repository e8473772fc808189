"""Delimited text: CSV and its relatives, read some rows at a time, with one row of names at the top."""

import codecs
import csv
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from tasks.table.cells import likely
from tasks.table.errors import BadTable, Violation, counted, located, quoted
from tasks.table.sources.dialect import SAMPLE, Dialect, Layout, detected, rewritten
from tasks.table.sources.files import DataFile, refuse_empty
from tasks.table.sources.source import Written

# Bytes that are parsed at a time; a row must fit.
BLOCK = 2**22

_MOST_IRREGULAR = 100_000

# Bytes that are rewritten at a time.
_REWRITTEN = 2**20

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
    """A text file whose first rows have been read."""

    file: DataFile
    layout: Layout
    missing: tuple[str, ...]
    # As they stand in the file, with the blanks around them.
    names: tuple[str, ...]
    schema: pa.Schema

    @property
    def written(self) -> Written:
        """How the cells are written."""
        layout = self.layout
        return Written(True, layout.numerals, self.missing, layout.findings, layout.assumed)

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, with these types, a block of text at a time.

        From the first cell on that cannot be read as its type, all columns come as bytes: what comes late, a cell of
        text at row ten million, must not cost every row the time that looking for it takes. Columns whose numbers
        have units or signs between thousands come as bytes from the beginning.

        Raises:
            BadTable: after the last row, if some had not as many cells as the header.
        """
        del rows  # a block is a number of bytes
        written = {name: self._type(name, kind) for name, kind in types.items()}
        irregular, done = Irregular(), 0
        try:
            for batch in self._batches(written, irregular):
                done += batch.num_rows
                yield _with_types(batch, types)
        except pa.ArrowInvalid:
            irregular = Irregular()
            for batch in self._batches(dict.fromkeys(types, pa.binary()), irregular):
                skipped = min(done, batch.num_rows)
                done -= skipped
                yield batch.slice(skipped)
        if irregular.count:
            raise BadTable(_irregular_rows(self, irregular))

    def _type(self, name: str, kind: pa.DataType) -> pa.DataType:
        """Return the type as which Arrow reads a column; the first point among whole numbers must be seen as text."""
        if pa.types.is_string(kind):
            return kind
        if kind == pa.float64() and name in self.layout.numerals.unsettled:
            return pa.int64()
        return kind if self._is_plain(name) else pa.binary()

    def _is_plain(self, name: str) -> bool:
        numerals = self.layout.numerals
        notation = numerals.of(name)
        return notation.is_plain and notation.decimal == numerals.decimal

    def _batches(self, types: Mapping[str, pa.DataType], irregular: Irregular) -> Iterator[pa.RecordBatch]:
        end = self.names[-1] if self.layout.ends_in_delimiter else None
        wanted = {name: types[name.strip()] for name in self.names if name.strip() in types and name != end}
        own = [*wanted]
        if end is not None:
            wanted[end] = pa.binary()
        options = arrow_csv.ConvertOptions(
            strings_can_be_null=False,
            include_columns=[*wanted],
            column_types=wanted,
            null_values=[*self.missing],
            decimal_point=self.layout.numerals.decimal,
        )
        with (
            self.file.stream() as stream,
            _explained(self.file, self.layout),
            _parsing(stream, self.layout, options, irregular) as reader,
        ):
            for batch in reader:
                rows = batch if end is None else _without_end(batch, len(self.names), irregular)
                yield rows.select(own).rename_columns([name.strip() for name in own])


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

    layout = detected(start[:SAMPLE], given)
    rows, complete = _first_rows(file, start, layout, given.missing)
    names = tuple(rows.column_names)
    if layout.ends_in_delimiter:
        rows = rows.drop_columns(names[-1:])
    rows = rows.rename_columns([name.strip() for name in rows.column_names])
    schema = likely(
        rows,
        complete=complete and is_whole,
        written=layout.numerals,
        strict=given.thousands is not None,
    )
    return TextTable(file, layout, given.missing, names, schema)


def _first_rows(
    file: DataFile, start: bytes, layout: Layout, missing: Sequence[str]
) -> tuple[pa.Table, bool]:
    """Parse the first block, with the types that it suggests; and say whether it is all that was read."""
    options = arrow_csv.ConvertOptions(
        strings_can_be_null=True, null_values=[*missing], decimal_point=layout.numerals.decimal
    )
    with _explained(file, layout):
        decoder = codecs.getincrementaldecoder(layout.encoding)()
        text = io.BytesIO(decoder.decode(start).encode()) if layout.encoding != "utf-8" else io.BytesIO(start)
        with _parsing(text, replace(layout, encoding="utf-8"), options, Irregular()) as reader:
            first = next(reader, None)
            rows = reader.schema.empty_table() if first is None else pa.Table.from_batches([first])
            return rows, _is_at_its_end(reader)


@cache
def _expect_undecodable_rows() -> None:
    """Leave it to the error that follows to tell of a row that Arrow cannot decode for `Irregular`.

    Python would print a traceback for it, since Arrow calls from its own code.
    """
    before = sys.unraisablehook

    def tell(found: Any) -> None:
        if not (isinstance(found.object, Irregular) and isinstance(found.exc_value, UnicodeDecodeError)):
            before(found)

    sys.unraisablehook = tell


def _with_types(batch: pa.RecordBatch, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """Turn columns that were read as whole numbers into the floats that were asked for."""
    columns = [
        column.cast(types[name], safe=False) if column.type == pa.int64() else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _without_end(batch: pa.RecordBatch, width: int, irregular: Irregular) -> pa.RecordBatch:
    """Drop the rows that have a cell behind their last delimiter, where all others have none.

    Args:
        batch: some rows, the cells behind the last delimiter as their last column.
        width: how many cells such a row has.
        irregular: counts them.
    """
    cells = batch.column(batch.num_columns - 1)
    empty = pc.equal(pc.binary_length(cells), 0)
    stray = batch.num_rows - int(pc.sum(empty).as_py() or 0)
    if not stray:
        return batch
    if not irregular.count:
        irregular.width, irregular.found = width - 1, width
        irregular.text = cells.filter(pc.invert(empty))[0].as_py().decode(errors="backslashreplace")
    irregular.count += stray
    return batch.filter(empty)


def _start(stream: pa.NativeFile | IO[bytes], size: int) -> tuple[bytes, bool]:
    """Read so many bytes from the front, and say whether these are all."""
    parts: list[bytes] = []
    missing = size
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts), missing > 0


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
        f"correct it, or quote cells that hold {quoted(table.layout.delimiter)}",
        count=met.count,
        row=row,
        value=met.text,
    )


def _misfit(name: str, message: str) -> str:
    if "straddl" in message:
        size = f"{BLOCK // 2**20} MiB"
        return f"{located(name)} has a row of more than {size}; shorten it, or close a quote that is open"
    if "\ufffd" in message:  # Arrow cannot hand such a row to `Irregular`
        return f"{located(name)} has an irregular row that is not UTF-8; correct it, or give the `encoding`"
    return f"{located(name)} is no CSV table; give it a row of column names with rows below"


@contextmanager
def _parsing(
    stream: pa.NativeFile | IO[bytes],
    layout: Layout,
    options: arrow_csv.ConvertOptions,
    irregular: Irregular,
) -> Iterator[arrow_csv.CSVStreamingReader]:
    _expect_undecodable_rows()
    parsing = arrow_csv.ParseOptions(
        delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=irregular
    )
    encoding, skipped = layout.encoding, layout.skipped + layout.name_lines
    if layout.is_rewritten:
        stream, encoding, skipped = Rewritten(stream, layout), "utf-8", layout.name_lines
    reading = arrow_csv.ReadOptions(
        block_size=BLOCK, encoding=encoding, skip_rows=skipped, column_names=layout.names
    )
    with arrow_csv.open_csv(stream, reading, parsing, options) as reader:
        yield reader


class Rewritten(io.RawIOBase):
    """A text file whose lines are rewritten as they are read; in UTF-8."""

    def __init__(self, stream: pa.NativeFile | IO[bytes], layout: Layout) -> None:
        """Read from `stream`, which stays the caller's to close."""
        super().__init__()
        self._blocks = _rewritten_blocks(stream, layout)
        self._left = b""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as that goes."""
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._left = block
        count = min(len(buffer), len(self._left))
        buffer[:count], self._left = self._left[:count], self._left[count:]
        return count


def _rewritten_blocks(stream: pa.NativeFile | IO[bytes], layout: Layout) -> Iterator[bytes]:
    """Yield whole lines, rewritten, without those above the names."""
    decoder = codecs.getincrementaldecoder(layout.encoding)()
    skipped, pending = layout.skipped, ""
    while True:
        block = stream.read(_REWRITTEN)
        pending += decoder.decode(block, final=not block)
        cut = len(pending) if not block else pending.rfind("\n") + 1
        lines, pending = pending[:cut].removeprefix("\ufeff"), pending[cut:]
        while skipped and lines:
            _, _, lines = lines.partition("\n")
            skipped -= 1
        yield rewritten(lines, layout).encode()
        if not block:
            return


@contextmanager
def _explained(file: DataFile, layout: Layout) -> Iterator[None]:
    """Turn what Arrow raises on a file that is no table in this layout into a finding."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise BadTable(
            f"{located(file.name)} is not text in {layout.encoding}, which cannot be "
            f"{quoted(error.object[error.start : error.end])}; give its `encoding`"
        ) from error
    except pa.ArrowInvalid as error:
        if "conversion error" in str(error):
            raise
        raise BadTable(_misfit(file.name, str(error))) from error


def _is_regular(row: Sequence[str], width: int, layout: Layout) -> bool:
    return len(row) == width and not (layout.ends_in_delimiter and row[-1])


def _first_irregular(table: TextTable) -> int | None:
    """Read once more, slowly, for the number of the first row that has too many or too few cells."""
    layout = table.layout
    with suppress(csv.Error, EOFError, OSError, UnicodeError), table.file.stream() as stream:
        source = io.BufferedReader(Rewritten(stream, layout)) if layout.is_rewritten else stream
        encoding = "utf-8" if layout.is_rewritten else layout.encoding
        lines = io.TextIOWrapper(source, encoding=encoding, errors="replace", newline="")
        skipped = layout.name_lines + (0 if layout.is_rewritten else layout.skipped)
        rows = (row for row in csv.reader(islice(lines, skipped, None), delimiter=layout.delimiter) if row)
        width = len(layout.names or next(rows, []))
        numbered = enumerate(rows, start=1)
        return next((number for number, row in numbered if not _is_regular(row, width, layout)), None)
    return None
