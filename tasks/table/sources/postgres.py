"""PostgreSQL, through ADBC's driver: binary COPY, in a transaction that sees one state of the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.sources.adbc import answering, read_batches
from tasks.table.sources.database import Database, missing_extra, quoted_name, selected
from tasks.table.sources.source import Origin

if TYPE_CHECKING:
    from adbc_driver_postgresql.dbapi import Connection

NAME = "PostgreSQL"

# One state of all tables, whatever is written meanwhile; and nothing is written by this.
ONE_STATE = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

# Bytes of a batch; the driver's own 16 MiB are half a million rows.
BATCH_BYTES = 2**22

# How the server is asked for columns of a type: the driver gives money in cents, and pads characters with blanks.
_CAST = {"money": "numeric", "bpchar": "text"}
_NUMERIC = "numeric"


@dataclass(frozen=True, slots=True)
class Postgres:
    """A database of PostgreSQL at an address that may have a password in it, for the driver alone."""

    address: str = field(repr=False)
    name: str = NAME

    def schema(self, query: str) -> pa.Schema:
        """Return the columns that a query answers with; its rows are not asked for."""
        with self._connected(first=True) as connection, connection.cursor() as cursor, answering():
            described = cursor.adbc_execute_schema(selected(query, "*"))
        return pa.schema([pa.field(field.name, _kind(field), metadata=field.metadata) for field in described])

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Answer a query, with these columns alone."""
        statement = selected(query, ", ".join(map(_expression, schema)))
        with self._connected() as connection, connection.cursor() as cursor:
            with answering():
                cursor.execute(ONE_STATE)
                options = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
                cursor.adbc_statement.set_options(**options)
            for batch in read_batches(cursor, statement):
                columns = [
                    _plain(column).cast(field.type)
                    for column, field in zip(batch.columns, schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, schema.names)

    @contextmanager
    def _connected(self, *, first: bool = False) -> Iterator["Connection"]:
        from adbc_driver_postgresql import dbapi

        with answering(is_connecting=first):
            connection = dbapi.connect(self.address)
        try:
            yield connection
        finally:
            with answering():
                connection.close()


def opened(origin: Origin) -> Database:
    """Return the database at an address.

    Raises:
        BadTable: the driver is not installed.
    """
    return Postgres(with_password(origin))


def with_password(origin: Origin, setting: str = "data") -> str:
    """Return the address for the driver; a password that is not in PGPASSWORD or ~/.pgpass goes with it.

    Raises:
        BadTable: the driver is not installed.
    """
    try:
        import adbc_driver_postgresql.dbapi  # noqa: F401 - whether it is there
    except ImportError as error:
        raise missing_extra(origin.data, NAME, "postgres", setting) from error
    if origin.password is None:
        return origin.data
    parts = urlsplit(origin.data)
    user, _, host = parts.netloc.rpartition("@")
    secret = quote(origin.password.get_secret_value(), safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{host}"))


def _type_name(field: pa.Field) -> str:
    metadata = field.metadata or {}
    return str((metadata.get(b"POSTGRESQL:type") or metadata.get(b"ADBC:postgresql:typname") or b"").decode())


def _kind(field: pa.Field) -> pa.DataType:
    """Return the type in which a column comes: numbers of any precision as float64, other types without one as text."""
    if _type_name(field) in {_NUMERIC, "money"}:
        return pa.float64()
    is_text = isinstance(field.type, pa.BaseExtensionType) or _type_name(field) in _CAST
    return pa.string() if is_text else field.type


def _expression(field: pa.Field) -> str:
    """Write how a column is asked for; what the driver has no type for comes as the server writes it."""
    name = quoted_name(field.name)
    if _type_name(field) in _CAST:
        return f"{name}::{_CAST[_type_name(field)]} AS {name}"
    if kinds.is_string(field.type):
        return f"{name}::text AS {name}"
    return name


def _plain(column: pa.Array) -> pa.Array:
    """Return the text in which the driver gives a number of any precision: `12.50`, `nan`, `inf`."""
    return column.storage if isinstance(column.type, pa.BaseExtensionType) else column
