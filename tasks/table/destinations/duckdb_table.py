"""Tables of DuckDB files, through its own library: one transaction from the staging to the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.table.destinations.session import STAGING
from tasks.table.sources.duckdb_file import ALONE, NAME, rejecting, require_library
from tasks.table.sources.location import database_file
from tasks.table.sources.source import Origin

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_catalog = current_catalog() "
    "AND table_schema = ? AND table_name = ? ORDER BY ordinal_position"
)


@dataclass(frozen=True, slots=True)
class DuckDBTables:
    """A file of DuckDB."""

    path: Path
    name: str = NAME

    @property
    def exists(self) -> bool:
        """Whether there is such a file."""
        return self.path.exists()

    @contextmanager
    def connected(self) -> Iterator["DuckDBSession"]:
        """Connect; the file is made if there is none. Nobody else has it open meanwhile."""
        import duckdb

        with rejecting(), duckdb.connect(str(self.path), config=ALONE) as connection:
            connection.begin()
            yield DuckDBSession(connection)


@dataclass(frozen=True, slots=True)
class DuckDBSession:
    """A connection, in its transaction."""

    connection: "DuckDBPyConnection"

    def stage(self, rows: pa.RecordBatchReader) -> None:
        """Copy rows into the temporary table."""
        self.connection.register("arrow_rows", rows)
        self.connection.execute(f"CREATE TEMP TABLE {STAGING} AS SELECT * FROM arrow_rows")  # noqa: S608 - a constant
        self.connection.unregister("arrow_rows")

    def begin(self) -> None:
        """Go on with the transaction that has staged the rows."""

    def lock(self, table: str) -> None:
        """Do nothing: a file has one process that writes."""

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table."""
        schema, _, name = table.rpartition(".")
        found = self.connection.execute(_COLUMNS, [schema or "main", name]).fetchall()
        return [str(column) for (column,) in found]

    def execute(self, statement: str) -> None:
        """Execute a statement."""
        self.connection.execute(statement)

    def count(self, query: str) -> int:
        """Return the one number that a query answers with."""
        (row,) = self.connection.execute(query).fetchall()
        return int(row[0])

    def commit(self) -> None:
        """Commit."""
        self.connection.commit()


def opened(origin: Origin) -> DuckDBTables:
    """Return the database in a file, which need not be there yet.

    Raises:
        BadTable: the library is not installed.
    """
    require_library(origin.data, "output")
    return DuckDBTables(database_file(origin.data))
