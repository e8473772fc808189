"""Tables of PostgreSQL: one transaction from the staging, by binary COPY, to the commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tasks.table.destinations.adbc_session import AdbcSession
from tasks.table.sources.adbc import answering
from tasks.table.sources.postgres import NAME, with_password
from tasks.table.sources.source import Origin
from tasks.table.sources.sql import identifier

_COLUMNS = (
    "SELECT attname::text FROM pg_catalog.pg_attribute "
    "WHERE attrelid = pg_catalog.to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
)


@dataclass(frozen=True, slots=True)
class PostgresTables:
    """A database at an address that may have a password in it, for the driver alone."""

    address: str = field(repr=False)
    name: str = NAME
    exists: bool = True

    @contextmanager
    def connected(self) -> Iterator["PostgresSession"]:
        """Connect; the transaction begins with the first statement, and what is not committed is undone."""
        from adbc_driver_postgresql import dbapi

        with answering(is_connecting=True):
            connection = dbapi.connect(self.address)
        try:
            with connection.cursor() as cursor:
                yield PostgresSession(cursor)
        finally:
            with answering():
                connection.close()


class PostgresSession(AdbcSession):
    """A connection."""

    def begin(self) -> None:
        """Go on with the transaction that has staged the rows."""

    def lock(self, table: str) -> None:
        """Let nobody else change the table meanwhile."""
        self.execute(f"LOCK TABLE {identifier(table)} IN SHARE ROW EXCLUSIVE MODE")

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table."""
        return [str(name) for (name,) in self.answers(_COLUMNS, identifier(table))]

    def commit(self) -> None:
        """Commit, and wait until the server has it on its disk."""
        with answering():
            self.cursor.connection.commit()


def opened(origin: Origin) -> PostgresTables:
    """Return the database at an address.

    Raises:
        BadTable: the driver is not installed.
    """
    return PostgresTables(with_password(origin, "output"))
