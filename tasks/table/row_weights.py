"""By how much each row counts: by a column of weights, or by its age."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from tasks.table.columns import is_text
from tasks.table.dates import date_format_of, times
from tasks.table.errors import BadTable, counted, quoted

# Seconds of each unit of a duration.
SECONDS = {"h": 3600, "d": 86_400, "w": 604_800}

# What the oldest rows count at least, so that none is lost to rounding.
LEAST = 2.0**-40

Weights = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RowWeights:
    """Say how much each of some rows counts, from what it holds in some columns."""

    columns: tuple[str, ...]
    of: Callable[[pa.Table], Weights]
    # Whether only their ratios mean something: they are then made 1 on average over the training rows.
    relative: bool
    # In words.
    said: str


def by_column(name: str) -> RowWeights:
    """Count rows by a column of positive numbers, which `ingest` has checked."""
    return RowWeights((name,), partial(_weights_in, name), relative=False, said=f"by {quoted(name)}")


def by_age(
    read: Callable[[], Iterable[pa.ChunkedArray]], name: str, half_life: str, date_format: str | None = None
) -> RowWeights:
    """Count a row half for every half-life that it is older than the latest one, by a pass that finds that one.

    Args:
        read: Gives the column of times, some rows at a time, as often as it is called.
        name: The column.
        half_life: Such as 90d, 12h or 8w.
        date_format: How text in the column is written; detected by default.

    Raises:
        BadTable: the column holds no times, or misses some.
    """
    written = date_format
    if written is None and is_text(next(iter(read())).type):
        written = date_format_of(read, name)

    latest = max(float(_seconds(column, written, name).max(initial=-np.inf)) for column in read())
    life = float(half_life[:-1]) * SECONDS[half_life[-1]]
    return RowWeights(
        columns=(name,),
        of=partial(_weights_by_age, name, written, latest, life),
        relative=True,
        said=f"by age, half for every {half_life} before the latest {quoted(name)}",
    )


# Functions of a module rather than closures: other processes get them by name.
def _weights_in(name: str, rows: pa.Table) -> Weights:
    return _floats(rows[name])


def _weights_by_age(name: str, written: str | None, latest: float, life: float, rows: pa.Table) -> Weights:
    return np.maximum(np.exp2((_seconds(rows[name], written, name) - latest) / life), LEAST)


def _seconds(column: pa.ChunkedArray, written: str | None, name: str) -> Weights:
    """Return times as seconds since 1970."""
    if column.null_count:
        raise BadTable(
            f"column {quoted(name)} of `half_life` misses {counted(column.null_count, 'value')}; fill them in or "
            "drop those rows"
        )
    if is_text(column.type):
        column = times(column, written, name) if written else _read(column, name)
    if not (kinds.is_timestamp(column.type) or kinds.is_date(column.type)):
        raise BadTable(
            f"column {quoted(name)} of `half_life` holds {quoted(str(column.type))}; name one of dates or times in "
            "`by`"
        )
    zone = column.type.tz if kinds.is_timestamp(column.type) else None
    return _floats(column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())) / 1e6


def _read(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """Read text such as 2024-05-01 or 2024-05-01 12:30."""
    trimmed = pc.utf8_trim_whitespace(column.cast(pa.string()))
    try:
        return trimmed.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        pass
    try:
        return trimmed.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid as error:
        raise BadTable(
            f"column {quoted(name)} of `half_life` holds text such as {quoted(column[0].as_py())}, which is not read "
            "as a time; give its `date_format`, such as %m/%d/%Y"
        ) from error


def _floats(column: pa.ChunkedArray) -> Weights:
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(), np.float64)
