"""Databases through ADBC, Arrow's own interface to them: what its drivers have in common."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.table.sources.database import BrokenOff, Rejected

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor

# What a server's message begins with where it answers, and the connection lives on.
_ANSWER = "ERROR:"


def read_batches(cursor: "Cursor", statement: str) -> Iterator[pa.RecordBatch]:
    """Yield the rows that a statement answers with.

    Raises:
        Rejected: the statement is refused, or fails on a row.
        BrokenOff: the connection has ended before the last row.
    """
    with answering():
        cursor.execute(statement)
        reader = cursor.fetch_record_batch()
    while True:
        try:
            batch = next(reader, None)
        except (OSError, pa.ArrowException) as error:
            raise (Rejected if _ANSWER in str(error) else BrokenOff)(_said(error)) from error
        if batch is None:
            return
        yield batch


@contextmanager
def answering(*, is_connecting: bool = False) -> Iterator[None]:
    """Turn what a driver raises into what `sql` knows.

    Raises:
        Rejected: the server refuses, or, where the first look is taken, cannot be reached.
        BrokenOff: it cannot be reached.
    """
    import adbc_driver_manager as manager

    try:
        yield
    except manager.Error as error:
        is_lost = error.status_code == manager.AdbcStatusCode.IO and _ANSWER not in str(error)
        raise (BrokenOff if is_lost and not is_connecting else Rejected)(_said(error)) from error


def _said(error: Exception) -> str:
    """Return what a server says, without the statement that a driver has made of the query."""
    return str(error).partition("\n\nQuery was:")[0].partition("\nLINE ")[0]
