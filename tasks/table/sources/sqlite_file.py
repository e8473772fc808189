"""SQLite, through ADBC's driver. Cells have types, columns do not: a pass counts the cells before rows are read."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.sources.adbc import answering, read_batches
from tasks.table.sources.database import Database, missing_extra, quoted_name, selected
from tasks.table.sources.location import existing_database_file
from tasks.table.sources.source import Origin

if TYPE_CHECKING:
    from adbc_driver_sqlite.dbapi import Connection, Cursor

NAME = "SQLite"

# Columns whose cells are counted in one statement: SQLite answers with 2000 numbers at most.
_COUNTED = 400
_CLASSES = ("integer", "real", "text", "blob")

# Marks a column of numbers that has cells of text.
_MIXED = {b"cells": b"mixed"}

# A number's shortest text that reads back as the same number is not among SQLite's; 17 digits always do.
_AS_TEXT = (
    "CASE typeof({0}) WHEN 'real' THEN printf('%!.17g', {0}) WHEN 'blob' THEN hex({0}) "
    "ELSE CAST({0} AS TEXT) END"
)


@dataclass(frozen=True, slots=True)
class Sqlite:
    """A file of SQLite."""

    path: Path
    name: str = NAME

    def schema(self, query: str) -> pa.Schema:
        """Return the columns by what their cells hold: numbers, if more than half of them are, or text."""
        with self._connected() as connection, connection.cursor() as cursor:
            with answering():
                cursor.execute(selected(query, "*") + " LIMIT 0")
                names = cursor.fetch_record_batch().schema.names
            fields = []
            for start in range(0, len(names), _COUNTED):
                fields += _fields(cursor, query, names[start : start + _COUNTED])
        return pa.schema(fields)

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Answer a query, with these columns alone; numbers among which is text come as bytes."""
        # The driver takes the types of the first rows for those of all: one row ahead has them.
        ahead = ", ".join(f"{_example(field)} AS {quoted_name(field.name)}" for field in schema)
        rows = selected(query, ", ".join(map(_expression, schema)))
        with self._connected() as connection, connection.cursor() as cursor:
            is_first = True
            for batch in read_batches(cursor, f"SELECT {ahead} UNION ALL {rows}"):
                columns = [
                    _as_bytes(column, field) for column, field in zip(batch.columns, schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, schema.names).slice(int(is_first))
                is_first = False

    @contextmanager
    def _connected(self) -> Iterator["Connection"]:
        from adbc_driver_sqlite import dbapi

        with answering():
            connection = dbapi.connect(f"file:{quote(str(self.path))}?mode=ro")
        try:
            yield connection
        finally:
            connection.close()


def opened(origin: Origin) -> Database:
    """Return the database in a file.

    Raises:
        BadTable: the driver is not installed, or there is no such file.
    """
    require_driver(origin.data)
    return Sqlite(existing_database_file(origin.data))


def require_driver(data: str, setting: str = "data") -> None:
    """Look whether the driver is installed.

    Raises:
        BadTable: it is not.
    """
    try:
        import adbc_driver_sqlite.dbapi  # noqa: F401 - whether it is there
    except ImportError as error:
        raise missing_extra(data, NAME, "sqlite", setting) from error


def _fields(cursor: "Cursor", query: str, names: list[str]) -> list[pa.Field]:
    """Count the cells of some columns by what they hold."""
    counts = [f"sum(typeof({quoted_name(name)}) = '{kind}')" for name in names for kind in _CLASSES]
    (row,) = pa.Table.from_batches(
        list(read_batches(cursor, selected(query, ", ".join(counts))))
    ).to_pylist() or [{}]
    values = [count or 0 for count in row.values()] if len(row) == len(counts) else [0] * len(counts)
    found = [dict(zip(_CLASSES, values[at : at + 4], strict=True)) for at in range(0, len(values), 4)]
    return [_field(name, counted) for name, counted in zip(names, found, strict=True)]


def _field(name: str, counted: Mapping[str, int]) -> pa.Field:
    numbers, others = counted["integer"] + counted["real"], counted["text"] + counted["blob"]
    if not numbers and not others:
        return pa.field(name, pa.float64())
    if not others:
        return pa.field(name, pa.float64() if counted["real"] else pa.int64())
    if numbers > others:
        return pa.field(name, pa.float64(), metadata=_MIXED)
    return pa.field(name, pa.string())


def _is_mixed(field: pa.Field) -> bool:
    return bool(field.metadata == _MIXED)


def _example(field: pa.Field) -> str:
    if kinds.is_string(field.type) or _is_mixed(field):
        return "''"
    return "0" if kinds.is_integer(field.type) else "0.0"


def _expression(field: pa.Field) -> str:
    name = quoted_name(field.name)
    is_text = kinds.is_string(field.type) or _is_mixed(field)
    return f"{_AS_TEXT.format(name) if is_text else name} AS {name}"


def _as_bytes(column: pa.Array, field: pa.Field) -> pa.Array:
    """Let a column of numbers that has text come as bytes: its cells are judged one by one, not its type."""
    return column.cast(pa.binary()) if _is_mixed(field) else column
