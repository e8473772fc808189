"""DuckDB files, through its own library; no extension is fetched, and nothing outside of the file is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tasks.table.sources.database import Database, Rejected, missing_extra, quoted_name, selected
from tasks.table.sources.location import existing_database_file
from tasks.table.sources.source import ROWS, Origin

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

NAME = "DuckDB"

ALONE = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # a table is never a variable of this program
}


@dataclass(frozen=True, slots=True)
class DuckDB:
    """A file of DuckDB."""

    path: Path
    name: str = NAME

    def schema(self, query: str) -> pa.Schema:
        """Return the columns that a query answers with; its rows are not asked for."""
        with self._connected() as connection:
            return connection.sql(selected(query, "*") + " LIMIT 0").to_arrow_reader(1).schema

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Answer a query, with these columns alone."""
        names = ", ".join(quoted_name(name) for name in schema.names)
        with self._connected() as connection:
            yield from connection.sql(selected(query, names)).to_arrow_reader(ROWS)

    @contextmanager
    def _connected(self) -> Iterator["DuckDBPyConnection"]:
        import duckdb

        with rejecting(), duckdb.connect(str(self.path), read_only=True, config=ALONE) as connection:
            yield connection


def opened(origin: Origin) -> Database:
    """Return the database in a file.

    Raises:
        BadTable: the library is not installed, or there is no such file.
    """
    require_library(origin.data)
    return DuckDB(existing_database_file(origin.data))


def require_library(data: str, setting: str = "data") -> None:
    """Look whether the library is installed.

    Raises:
        BadTable: it is not.
    """
    try:
        import duckdb  # noqa: F401 - whether it is there
    except ImportError as error:
        raise missing_extra(data, NAME, "duckdb", setting) from error


@contextmanager
def rejecting() -> Iterator[None]:
    """Turn what the library raises into what `sql` knows.

    Raises:
        Rejected: it refuses a statement, or cannot open the file.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise Rejected(str(error).partition("\nLINE ")[0]) from error
