"""Tables of SQLite: rows are staged in a temporary file of the connection's own, and only the change locks the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.types as kinds

from tasks.table.destinations.adbc_session import AdbcSession
from tasks.table.sources.adbc import answering
from tasks.table.sources.location import database_file
from tasks.table.sources.source import Origin
from tasks.table.sources.sqlite_file import NAME, require_driver

# Milliseconds for which another writer is waited for.
PATIENCE = 30_000


@dataclass(frozen=True, slots=True)
class SqliteTables:
    """A file of SQLite."""

    path: Path
    name: str = NAME

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    @contextmanager
    def connected(self) -> Iterator["SqliteSession"]:
        """Connect; the file is made if there is none."""
        from adbc_driver_sqlite import dbapi

        with answering(is_connecting=True):
            connection = dbapi.connect(f"file:{quote(str(self.path))}?mode=rwc", autocommit=True)
        try:
            with connection.cursor() as cursor:
                session = SqliteSession(cursor)
                session.execute(f"PRAGMA busy_timeout = {PATIENCE}")
                yield session
        finally:
            connection.close()


class SqliteSession(AdbcSession):
    """A connection."""

    def stage(self, rows: pa.RecordBatchReader) -> None:
        """Copy rows into the temporary table; what SQLite has no type for, as text."""
        written = pa.schema([(field.name, _kind(field.type)) for field in rows.schema])
        batches = (
            pa.RecordBatch.from_arrays(
                [column.cast(kind) for column, kind in zip(batch.columns, written.types, strict=True)],
                schema=written,
            )
            for batch in rows
        )
        AdbcSession.stage(self, pa.RecordBatchReader.from_batches(written, batches))

    def begin(self) -> None:
        """Begin, and let nobody else change the file meanwhile."""
        self.execute("BEGIN IMMEDIATE")

    def lock(self, table: str) -> None:
        """Do nothing more: the whole file is locked."""

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table."""
        schema, _, name = table.rpartition(".")
        found = self.answers("SELECT name FROM pragma_table_info(?, ?)", name, schema or "main")
        return [str(column) for (column,) in found]

    def commit(self) -> None:
        """Commit, and wait until the file is on the disk."""
        self.execute("COMMIT")


def opened(origin: Origin) -> SqliteTables:
    """Return the database in a file, which need not be there yet.

    Raises:
        BadTable: the driver is not installed.
    """
    require_driver(origin.data, "output")
    return SqliteTables(database_file(origin.data))


def _kind(kind: pa.DataType) -> pa.DataType:
    is_text = kinds.is_decimal(kind) or kinds.is_time(kind) or kinds.is_duration(kind)
    return pa.string() if is_text or (kinds.is_timestamp(kind) and kind.tz is not None) else kind
