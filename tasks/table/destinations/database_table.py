"""A table of a database as the place that rows go to: filled, replaced or merged by a key, all at once or not at all.

The rows are copied into a temporary table first. One transaction then makes the change, so that others see the table
before it or after it. Where it ends before its commit, by whatever it may be, nothing is left of it.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from tasks.table.destinations import duckdb_table, postgres_table, sqlite_table
from tasks.table.destinations.session import STAGING, TableSession, WritableDatabase
from tasks.table.errors import BadTable, counted, quoted
from tasks.table.sources.address import redacted
from tasks.table.sources.database import quoted_name
from tasks.table.sources.location import scheme
from tasks.table.sources.source import Origin
from tasks.table.sources.sql import answered, identifier

# By an address's scheme, what opens the database.
OPENED: dict[str, Callable[[Origin], WritableDatabase]] = {
    "postgresql": postgres_table.opened,
    "postgres": postgres_table.opened,
    "sqlite": sqlite_table.opened,
    "duckdb": duckdb_table.opened,
}


@dataclass(frozen=True, slots=True)
class DatabaseTable:
    """A table, and what becomes of the rows that it has.

    Attributes:
        origin: The database's address and password.
        table: The table, its schema before a point.
        key: Columns that identify a row: rows with the key of a new one are replaced, the others stay.
        overwrite: Whether all of its rows are replaced.
        database: What reaches it.
    """

    origin: Origin
    table: str
    key: tuple[str, ...]
    overwrite: bool
    database: WritableDatabase

    def __str__(self) -> str:
        """Name the table and its database."""
        return f"table {quoted(self.table)} of {quoted(redacted(self.origin.data))}"

    def check(self) -> None:
        """Check, before any row is read, that the rows may go there.

        Raises:
            BadTable: the database cannot be reached, or has the table and it is not said what becomes of its rows.
            ConnectionError: the connection broke off.
        """
        if self.database.exists:
            with self._connected() as session:
                self._check_columns(session.columns(self.table), None)

    def check_key(self, columns: Sequence[str]) -> None:
        """Check that the rows have the columns of the key.

        Raises:
            BadTable: they lack one.
        """
        for name in self.key:
            if name not in columns:
                raise BadTable(f"`output_key`: the rows have no column {quoted(name)}; name one of theirs")

    def fill(self, rows: pa.RecordBatchReader) -> None:
        """Bring rows into the table.

        Raises:
            BadTable: the database refuses them, or two of them have the same key; nothing is changed.
            ConnectionError: the connection broke off; nothing is changed, unless that was in the commit.
        """
        names = rows.schema.names
        listed = ", ".join(map(quoted_name, names))
        table = identifier(self.table)
        with self._connected() as session:
            session.stage(rows)
            self._check_staged(session)
            session.begin()
            before = session.columns(self.table)
            self._check_columns(before, names)
            if before:
                session.lock(self.table)
                session.execute(f"DELETE FROM {table}{self._of_staged()}")  # noqa: S608 - quoted
                session.execute(f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {STAGING}")  # noqa: S608
            else:
                session.execute(f"CREATE TABLE {table} AS SELECT {listed} FROM {STAGING}")  # noqa: S608
            session.commit()

    @contextmanager
    def _connected(self) -> Iterator[TableSession]:
        with (
            answered(self.origin, self.database.name, "correct the table or the address", "output"),
            self.database.connected() as session,
        ):
            yield session

    def _check_columns(self, before: Sequence[str], names: Sequence[str] | None) -> None:
        """Refuse a table that is there where it is not said what becomes of its rows, or that has no place for them."""
        if not before:
            return
        if not self.key and not self.overwrite:
            raise BadTable(
                f"{self} already exists; give `--output-key` to replace rows by a key, `--overwrite` to replace all "
                "of them, or another name"
            )
        lacking = [name for name in (self.key if names is None else names) if name not in before]
        if lacking:
            raise BadTable(f"{self} has no column {quoted(lacking[0])}; add it, or write into another table")

    def _check_staged(self, session: TableSession) -> None:
        """Refuse rows that their key does not tell apart.

        Raises:
            BadTable: a key is missing, or two rows have the same.
        """
        if not self.key:
            return
        missing = " OR ".join(f"{quoted_name(name)} IS NULL" for name in self.key)
        if lost := session.count(f"SELECT count(*) FROM {STAGING} WHERE {missing}"):  # noqa: S608 - quoted
            raise BadTable(f"`output_key`: {counted(lost, 'row')} without a key; fill it in")
        doubled = f"SELECT 1 FROM {STAGING} GROUP BY {self._names} HAVING count(*) > 1"  # noqa: S608
        if twice := session.count(f"SELECT count(*) FROM ({doubled}) AS doubled"):  # noqa: S608
            raise BadTable(
                f"`output_key`: {counted(twice, 'key')} of more than one row; name columns that identify a row"
            )

    @property
    def _names(self) -> str:
        return ", ".join(map(quoted_name, self.key))

    def _of_staged(self) -> str:
        """Write the condition for the rows that new ones replace: without a key, for all."""
        if not self.key:
            return ""
        # An IN is answered by one look-up table in all of them; a join would be quadratic in SQLite.
        return f" WHERE ({self._names}) IN (SELECT {self._names} FROM {STAGING})"  # noqa: S608 - quoted


def table_at(
    origin: Origin, table: str, key: tuple[str, ...] = (), *, overwrite: bool = False
) -> DatabaseTable:
    """Return a table of a database, at one of the addresses that `is_database` knows.

    Raises:
        BadTable: what writes into it is not installed.
    """
    return DatabaseTable(origin, table, key, overwrite, OPENED[scheme(origin.data)](origin))


def is_database(output: str) -> bool:
    """Say whether an output is a database's address.

    >>> is_database("sqlite:///shop.db"), is_database("out.csv")
    (True, False)
    """
    return scheme(output) in OPENED
