"""What every kind of database offers to `sql`, and how it says what went wrong."""

from collections.abc import Iterator
from typing import Protocol

import pyarrow as pa

from tasks.table.errors import BadTable, located


class BrokenOff(ConnectionError):
    """A connection has ended before the last row; trying again may help."""


class Rejected(Exception):
    """A database does not answer; its message says why."""


class Database(Protocol):
    """A database that can be asked."""

    @property
    def name(self) -> str:
        """What its kind is called."""

    def schema(self, query: str) -> pa.Schema:
        """Return the columns that a query answers with, by the types that `batches` gives them.

        Raises:
            Rejected: it cannot be reached, or cannot answer.
        """

    def batches(self, query: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Answer a query in one read-only transaction, with the columns of `schema` alone.

        Raises:
            Rejected: it cannot answer.
            BrokenOff: it cannot be reached any more.
        """


def selected(query: str, columns: str) -> str:
    r"""Write a query for some columns of a query, which may end in a comment.

    >>> selected("select a, b from t -- all", '"a"')
    'SELECT "a" FROM (\nselect a, b from t -- all\n) AS "rows"'
    """
    # The query is the user's own; whoever reads it does so in a transaction that cannot write.
    return f'SELECT {columns} FROM (\n{query}\n) AS "rows"'  # noqa: S608


def quoted_name(name: str) -> str:
    """Quote a column's name for a statement.

    >>> print(quoted_name('last "w"eek'))
    "last ""w""eek"
    """
    return '"' + name.replace('"', '""') + '"'


def missing_extra(data: str, kind: str, extra: str, setting: str = "data") -> BadTable:
    """Say what must be installed for a kind of database."""
    return BadTable(
        f"{located(data, setting)} is a database of {kind}, which needs another package; "
        f"`pip install '.[{extra}]'` in the checkout"
    )
