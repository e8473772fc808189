"""Excel workbooks: one sheet is a table. It is held in memory; its rows come some at a time, each cell with its type.

Cells have types, columns do not: a pass over all cells settles them. Percentages are the numbers behind them, errors
such as #N/A and formulas that were never calculated are missing values, and blank rows are none.
"""

import datetime as dt
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tasks.table.errors import BadTable, Violation, counted, located, quoted
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile, refuse_empty
from tasks.table.sources.source import Written

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

NAME = "Excel"

# A sheet is laid out as a rectangle of cells: one cell far off would take all memory.
MOST_CELLS = 50_000_000
MOST_BYTES = 2**31

_LISTED = 8
# Where a workbook keeps its sheets.
_SHEETS = "xl/worksheets/"
_CELL = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["']""")
_LONGEST_CELL = 32

# Cells by what they are; a column that holds more than one kind is text, or numbers among which there is text.
_KINDS: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    dt.datetime: "time",
    dt.date: "time",
    dt.time: "of day",
    dt.timedelta: "duration",
    str: "text",
}
_TYPES = {
    "boolean": pa.bool_(),
    "time": pa.timestamp("us"),
    "of day": pa.time64("us"),
    "duration": pa.duration("us"),
}
_LARGEST_WHOLE = 2**53


@dataclass(frozen=True, slots=True)
class _Column:
    place: int
    field: pa.Field
    as_cell: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A sheet, all of whose cells have been looked at.

    Attributes:
        file: The workbook.
        sheet: The name of the sheet.
        first: The number, from 0, of the first row below the names.
        missing: Cells of text that are missing values.
        columns: Where they stand, and what they hold.
        written: What was passed over and detected.
    """

    file: DataFile
    sheet: str
    first: int
    missing: frozenset[str]
    columns: tuple[_Column, ...]
    written: Written

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return pa.schema([column.field for column in self.columns])

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are; numbers among which is text come as bytes."""
        places = {column.field.name: column for column in reversed(self.columns)}
        wanted = [places[name] for name in types if name in places]
        with _opened(self.file) as book:
            cells = _rows(book.get_sheet_by_name(self.sheet), self.first, self.missing)
            while chunk := list(islice(cells, rows)):
                yield pa.RecordBatch.from_arrays(
                    [_array(column, chunk) for column in wanted], [column.field.name for column in wanted]
                )


def read(file: DataFile, given: Dialect) -> SheetTable:
    """Choose the sheet, find the names, and settle what each column holds.

    Raises:
        BadTable: what reads workbooks is not installed, it is none, or it is not clear which sheet is meant.
    """
    with _opened(file, is_first=True) as book:
        name = _sheet(book, file, given.sheet)
        sheet = book.get_sheet_by_name(name)
        top = _top(sheet, given)
        names = _names(sheet, top, given)
        first = top + (0 if given.header_row == 0 else 1)
        missing = frozenset(given.na_values or ())
        kinds, blank = _kinds(sheet, first, missing)
    columns = tuple(
        _column(place, title, kinds[place])
        for place, title in enumerate(names)
        if title or kinds[place]  # beside or below a table there may be empty cells with a border
    )
    assumed = f"detected: names in row {top + 1} of sheet {quoted(name)} – if that is wrong, set `header_row`"
    written = Written(
        findings=tuple(_blank_rows(blank, name)), assumed=assumed if given.sheet is None else ""
    )
    return SheetTable(file, name, first, missing, columns, written)


def _sheet(book: "CalamineWorkbook", file: DataFile, wanted: str | None) -> str:
    """Return the name of the sheet that is meant: the one that is named, or the only one that holds anything."""
    names = book.sheet_names
    if wanted is not None:
        if wanted not in names:
            raise BadTable(f"{located(file.name)} has no `sheet` {quoted(wanted)}; it has {_listed(names)}")
        return wanted
    filled = [name for name in names if _is_filled(book, name)]
    if len(filled) != 1:
        held = f"holds {counted(len(filled), 'sheet')} with rows" if filled else "holds no rows"
        advice = f"set `sheet` to one of {_listed(filled)}" if filled else "fill in a sheet"
        raise BadTable(f"{located(file.name)} {held}; {advice}")
    return filled[0]


def _is_filled(book: "CalamineWorkbook", name: str) -> bool:
    """Say whether a sheet holds a cell; one of charts or macros holds none."""
    from python_calamine import WorksheetNotFound

    try:
        return book.get_sheet_by_name(name).height > 0
    except WorksheetNotFound:
        return False


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(map(quoted, names[:_LISTED])) + more


def _top(sheet: "CalamineSheet", given: Dialect) -> int:
    """Return the number, from 0, of the row of names: the first that is not blank, unless the user says which."""
    if given.skip_rows is not None or given.header_row is not None:
        return (given.skip_rows or 0) + max(given.names_line - 1, 0)
    return next((number for number, row in enumerate(sheet.iter_rows()) if _is_filled_row(row)), 0)


def _names(sheet: "CalamineSheet", top: int, given: Dialect) -> list[str]:
    row = next(islice(sheet.iter_rows(), top, None), [])
    if given.header_row == 0:
        return [f"c{number}" for number in range(1, len(row) + 1)]
    return [_text(cell).strip() for cell in row]


def _rows(sheet: "CalamineSheet", first: int, missing: frozenset[str]) -> Iterator[list[Any]]:
    """Yield the rows that are not blank, None in place of missing values."""
    for row in islice(sheet.iter_rows(), first, None):
        if _is_filled_row(row):
            yield [_present(cell, missing) for cell in row]


def _is_filled_row(row: Iterable[Any]) -> bool:
    return any(cell != "" and not (isinstance(cell, str) and not cell.strip()) for cell in row)


def _present(cell: Any, missing: frozenset[str]) -> Any:
    if isinstance(cell, str) and (not cell.strip() or cell.strip() in missing):
        return None
    return cell


def _kinds(
    sheet: "CalamineSheet", first: int, missing: frozenset[str]
) -> tuple[Mapping[int, Counter[str]], list[int]]:
    """Count the cells of each column by what they are; and return the numbers of the blank rows among others."""
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    blank: list[int] = []
    last = first
    for number, row in enumerate(islice(sheet.iter_rows(), first, None), start=first):
        if not _is_filled_row(row):
            blank.append(number)
            continue
        last = number
        for place, cell in enumerate(row):
            present = _present(cell, missing)
            if present is not None:
                found[place][_kind(present)] += 1
    return found, [number for number in blank if number < last]


def _kind(cell: Any) -> str:
    kind = _KINDS[type(cell)]
    if kind == "number" and (cell != int(cell) if abs(cell) < _LARGEST_WHOLE else True):
        return "fraction"
    return kind


def _column(place: int, name: str, kinds: Counter[str]) -> _Column:
    """Settle a column's type: numbers, if more than half of its cells are, or what all of them are, or text."""
    numbers = kinds["number"] + kinds["fraction"]
    others = kinds.total() - numbers
    if numbers > others:
        if others:
            return _Column(place, pa.field(name, pa.float64()), _bytes)
        is_whole = not kinds["fraction"]
        return _Column(
            place, pa.field(name, pa.int64() if is_whole else pa.float64()), int if is_whole else float
        )
    if not kinds:
        return _Column(place, pa.field(name, pa.float64()), _same)
    only = next(iter(kinds)) if len(kinds) == 1 else "text"
    if only == "time":
        return _Column(place, pa.field(name, _TYPES[only]), _time)
    return _Column(place, pa.field(name, _TYPES.get(only, pa.string())), _same if only in _TYPES else _text)


def _array(column: _Column, rows: Sequence[Sequence[Any]]) -> pa.Array:
    cells = [None if (cell := row[column.place]) is None else column.as_cell(cell) for row in rows]
    return pa.array(cells, pa.binary() if column.as_cell is _bytes else column.field.type)


def _same(cell: Any) -> Any:
    return cell


def _time(cell: dt.date) -> dt.datetime:
    """Return a day as its beginning, as dates and times may stand in one column."""
    return cell if isinstance(cell, dt.datetime) else dt.datetime.combine(cell, dt.time())


def _text(cell: Any) -> str:
    """Write a cell as text: whole numbers without a point, times as in ISO 8601.

    >>> _text(3.0), _text(0.5), _text(dt.date(2026, 11, 27)), _text(True)
    ('3', '0.5', '2026-11-27', 'TRUE')
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return str(int(cell)) if _kind(cell) == "number" else repr(cell)
    return str(cell)


def _bytes(cell: Any) -> bytes:
    return _text(cell).encode()


def _blank_rows(blank: Sequence[int], sheet: str) -> Iterator[Violation]:
    if blank:
        yield Violation(
            "detected",
            f"{counted(len(blank), 'blank row')} of sheet {quoted(sheet)} passed over, first row {blank[0] + 1:,}",
            "fill in or remove them if they stand for rows",
            count=len(blank),
        )


@contextmanager
def _opened(file: DataFile, *, is_first: bool = False) -> Iterator["CalamineWorkbook"]:
    """Open a workbook, and turn what its reader raises into one line."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError as error:
        raise BadTable(
            f"{located(file.name)} is an Excel workbook, which needs another package; "
            "`pip install '.[excel]'` in the checkout"
        ) from error
    with file.opened() as stream:
        content = stream.read()
    refuse_empty(file, content[:1])
    if is_first:  # later passes read what has been measured
        _refuse_vast(file, content)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(content)) as book:
            yield book
    except PasswordError as error:
        raise BadTable(f"{located(file.name)} is protected by a password; save it without") from error
    except CalamineError as error:
        raise ValueError(f"{error}: {type(error).__name__}") from error


def _refuse_vast(file: DataFile, content: bytes) -> None:
    """Refuse a workbook whose sheets would not fit in memory: what reads them cannot be stopped."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if sum(entry.file_size for entry in entries) > MOST_BYTES:
            raise BadTable(f"{located(file.name)} unpacks to more than {MOST_BYTES:,} bytes; save it as CSV")
        for entry in entries:
            rows, columns = _extent(archive, entry) if entry.filename.startswith(_SHEETS) else (0, 0)
            if rows * columns > MOST_CELLS:
                raise BadTable(
                    f"{located(file.name)} has a sheet of {rows:,} rows and {columns:,} columns; "
                    "clear the cells far from the table, or save it as CSV"
                )


def _extent(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> tuple[int, int]:
    """Return the last row and the last column that a sheet's cells name, each counted from 1."""
    rows, columns = 0, 0
    with archive.open(entry) as part:
        rest = b""
        for block in iter(partial(part.read, 2**20), b""):
            found = set(_CELL.findall(rest + block))
            rows = max([rows, *(int(row) for _, row in found)])
            columns = max([columns, *(_number(letters) for letters in {letters for letters, _ in found})])
            rest = block[-_LONGEST_CELL:]
    return rows, columns


def _number(letters: bytes) -> int:
    """Return the number of a column.

    >>> _number(b"A"), _number(b"XFD")
    (1, 16384)
    """
    return sum((letter - 64) * 26**power for letter, power in zip(reversed(letters.upper()), count()))
