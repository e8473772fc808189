"""Dates that are text: the format in which they are written, and times in their place."""

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.errors import BadTable, quoted

_DAY_OR_MONTH_FIRST = re.compile(
    r"\s*\d{1,2}([/.-])\d{1,2}\1(\d{4}|\d{2})([ T]\d{1,2}:\d{2})?(:\d{2})?\s*", re.ASCII
)
_YEAR_FIRST = re.compile(r"\s*\d{4}([/.])\d{1,2}\1\d{1,2}([ T]\d{1,2}:\d{2})?(:\d{2})?\s*", re.ASCII)


# What dates are kept as: times with a zone as they are in UTC.
TIME = pa.timestamp("us")

# February 31 is taken for March 3 at most.
LAST_ROLLED_DAY = 3

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?", re.ASCII)


def as_times(column: pa.Array, date_format: str | None = None) -> tuple[pa.Array, pa.BooleanArray]:
    """Turn dates, times, or text into times without a zone, and say which cells of text are none.

    Text is written as `date_format` says, by default as in 2024-02-13 or 2024-02-13 17:30:00. Each text is read once,
    however many rows have it.
    """
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kinds.is_null(column.type) or kinds.is_temporal(column.type):
        return column.cast(TIME, safe=False), pa.repeat(pa.scalar(False), len(column))
    encoded = column.dictionary_encode()
    cells = [_decoded(cell) for cell in encoded.dictionary.to_pylist()]
    known = pa.array([_time(cell, date_format) for cell in cells], TIME)
    times = known.take(encoded.indices)
    return times, pc.and_(pc.is_valid(column), pc.is_null(times))


def _decoded(cell: str | bytes) -> str:
    return (cell.decode(errors="replace") if isinstance(cell, bytes) else cell).strip()


def _time(cell: str, date_format: str | None) -> datetime | None:
    try:
        if date_format is not None:
            # Arrow's own would take February 31 for March 2.
            found = datetime.strptime(cell, date_format)  # noqa: DTZ007 - the format may have a zone
            return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
        return datetime.fromisoformat(cell) if _ISO.fullmatch(cell) else None
    except ValueError:
        return None


def date_format_of(read: Callable[[], Iterable[pa.ChunkedArray]], name: str) -> str | None:
    """Find the format in which a column of text writes its dates; None where it is none of those that are known.

    Args:
        read: Gives the column, some rows at a time, as often as it is called.
        name: The column.

    Raises:
        BadTable: no row distinguishes days from months.
    """
    first = next((cell for column in read() for cell in column.drop_null()[:1].to_pylist()), "")
    fitting = [
        each for each in _candidates(first) if not any(len(_times(column, each)[1]) for column in read())
    ]
    if len(fitting) > 1:
        raise BadTable(
            f"`by` column {quoted(name)} holds dates such as {quoted(first)}, which may be {' or '.join(fitting)}; "
            "set `date_format` to the right one"
        )
    return fitting[0] if fitting else None


def times(column: pa.ChunkedArray, date_format: str, name: str) -> pa.ChunkedArray:
    """Turn dates that are text into times.

    Raises:
        BadTable: a cell is written otherwise.
    """
    found, odd = _times(column, date_format)
    if len(odd):
        raise BadTable(
            f"`date_format` of {quoted(date_format)} does not fit {quoted(odd[0].as_py())} in column {quoted(name)}; "
            "give the format of all cells, such as %m/%d/%Y"
        )
    return found


def _times(column: pa.ChunkedArray, date_format: str) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """Return the times that text stands for, and the cells that hold none.

    Arrow reads a hundred times as fast as Python, but takes February 30 for March 1, and second 60 for the next minute.
    So what it takes for a month's first days, or for a full minute, is read again by `as_times`.
    """
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    found = pc.strptime(trimmed, date_format, "us", error_is_null=True)
    is_doubtful = pc.less_equal(pc.day(found), LAST_ROLLED_DAY)
    if "%z" in date_format:  # the day in UTC may be another
        is_doubtful = pc.is_valid(found)
    elif "%S" in date_format or "%T" in date_format:
        is_doubtful = pc.or_(is_doubtful, pc.equal(pc.second(found), 0))
    cells = trimmed.filter(is_doubtful).unique()
    rolled = cells.filter(as_times(cells, date_format)[1])
    is_odd = pc.or_(pc.and_(pc.is_valid(column), pc.is_null(found)), pc.is_in(trimmed, value_set=rolled))
    return found, column.filter(is_odd)


def _candidates(cell: str) -> Iterator[str]:
    found = _DAY_OR_MONTH_FIRST.fullmatch(cell)
    if found:
        sign, year = found[1], "%Y" if len(found[2]) == 4 else "%y"
        for order in (("%m", "%d", year), ("%d", "%m", year)):
            yield sign.join(order) + _time_of_day(found[3], found[4])
    elif found := _YEAR_FIRST.fullmatch(cell):
        yield found[1].join(("%Y", "%m", "%d")) + _time_of_day(found[2], found[3])


def _time_of_day(minutes: str | None, seconds: str | None) -> str:
    return f"{minutes[0]}%H:%M{':%S' if seconds else ''}" if minutes else ""
