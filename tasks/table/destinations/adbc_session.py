"""Writing through ADBC: what PostgreSQL's session and SQLite's have in common."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tasks.table.destinations.session import STAGING
from tasks.table.sources.adbc import answering

if TYPE_CHECKING:
    from adbc_driver_manager.dbapi import Cursor


@dataclass(frozen=True, slots=True)
class AdbcSession:
    """A cursor of a connection."""

    cursor: "Cursor"

    def stage(self, rows: pa.RecordBatchReader) -> None:
        """Copy rows in bulk into the temporary table."""
        with answering():
            self.cursor.adbc_ingest(STAGING, rows, mode="create", temporary=True)

    def execute(self, statement: str) -> None:
        """Execute a statement."""
        with answering():
            self.cursor.execute(statement)

    def count(self, query: str) -> int:
        """Return the one number that a query answers with."""
        return int(self.answers(query)[0][0])

    def answers(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        """Return what a query with these parameters answers."""
        with answering():
            self.cursor.execute(query, values or None)
            return list(self.cursor.fetchall())
