"""What every kind of database offers: a connection that stages rows, and one transaction that uses them."""

from contextlib import AbstractContextManager
from typing import Protocol

import pyarrow as pa

# A temporary table: its connection alone sees it, and it is gone with it, however that ends.
STAGING = "linear_neuron_rows"


class TableSession(Protocol):
    """A connection in order to write. Whatever it cannot do is `Rejected` or, where it has ended, `BrokenOff`."""

    def stage(self, rows: pa.RecordBatchReader) -> None:
        """Copy rows in bulk into the temporary table `STAGING`."""

    def begin(self) -> None:
        """Begin the transaction that makes the change."""

    def lock(self, table: str) -> None:
        """Have other writers of a table wait until the transaction has ended; its readers need not."""

    def columns(self, table: str) -> list[str]:
        """Return the columns of a table; none of one that is not there. A point is between schema and name."""

    def execute(self, statement: str) -> None:
        """Execute a statement."""

    def count(self, query: str) -> int:
        """Return the one number that a query answers with."""

    def commit(self) -> None:
        """Let everybody see at once what has been changed; without it nothing has been."""


class WritableDatabase(Protocol):
    """A database that can be written to."""

    @property
    def name(self) -> str:
        """What its kind is called."""

    @property
    def exists(self) -> bool:
        """Whether it is there to be asked; a file is made by the first connection."""

    def connected(self) -> AbstractContextManager[TableSession]:
        """Connect.

        Raises:
            Rejected: it cannot be reached, or a statement in the block is refused.
            BrokenOff: it cannot be reached any more.
        """
