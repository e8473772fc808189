"""Tables and queries of databases, whose rows come in one read-only transaction, some at a time.

A database is asked anew at every run: nothing tells from outside whether it would answer the same. What it answered
last is what `ingest` has left, sorted; so the same rows, in whatever order they come, change nothing after it.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from tasks.table.errors import BadTable, located, printable
from tasks.table.sources import duckdb_file, postgres, sqlite_file
from tasks.table.sources.address import redacted
from tasks.table.sources.database import BrokenOff, Database, Rejected, quoted_name
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.location import scheme
from tasks.table.sources.source import STATED, Contents, Origin, SourceTable, Version, Written

# By an address's scheme, what opens the database; one that is a file is in location.FILE_DATABASES too.
OPENED: dict[str, Callable[[Origin], Database]] = {
    "postgresql": postgres.opened,
    "postgres": postgres.opened,
    "sqlite": sqlite_file.opened,
    "duckdb": duckdb_file.opened,
}


@dataclass(frozen=True, slots=True)
class Query:
    """A query as the one member of a table."""

    database: Database = field(compare=False)
    origin: Origin
    text: str
    format: str
    keys: Mapping[str, pa.Scalar] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The database's address."""
        return self.origin.data

    @property
    def place(self) -> str:
        """The address and the query."""
        return f"{self.origin.data} {self.text}"

    def version(self) -> Version | None:
        """Say that nothing tells from outside whether its rows have changed."""
        return None

    def digest(self) -> str:
        """Return when it was asked; or, where the user says what to go by, a SHA-256 of the answer to that."""
        if self.origin.unchanged_if is None:
            return f"asked {datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        with _answered(self):
            schema = self.database.schema(self.origin.unchanged_if)
            batches = self.database.batches(self.origin.unchanged_if, schema)
            answer = [[str(cell) for cell in row.values()] for batch in batches for row in batch.to_pylist()]
        asked = [self.origin.data, self.text, self.origin.unchanged_if, sorted(answer)]
        return hashlib.sha256(json.dumps(asked).encode()).hexdigest()

    def contents(self, _: Dialect) -> Contents:
        """Ask which columns there are."""
        with _answered(self):
            return Answer(self, self.database.schema(self.text))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query answers: its columns, and its rows when these are asked for."""

    query: Query
    schema: pa.Schema
    written: Written = STATED

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        wanted = [name for name in types if name in self.schema.names]
        # Without any, the rows could not be counted.
        schema = pa.schema([self.schema.field(name) for name in wanted or self.schema.names[:1]])
        with _answered(self.query):
            for batch in self.query.database.batches(self.query.text, schema):
                yield from (
                    batch.slice(start, rows).select(wanted) for start in range(0, batch.num_rows, rows)
                )


def find(origin: Origin) -> SourceTable | None:
    """Find a table or a query of a database.

    Raises:
        BadTable: what reads it is not installed, it cannot be reached, or it is not said what to ask.
    """
    kind = scheme(origin.data)
    if kind not in OPENED:
        return None
    database = OPENED[kind](origin)
    origin.refuse_others(f"a database of {database.name}", "query", "table", "unchanged_if", "password")
    if (origin.query is None) == (origin.table is None):
        raise BadTable(
            f"{located(origin.data)} is a database; give either a `query` or a `table`, such as `--table schema.name`"
        )
    text = (
        origin.query.strip().rstrip(";")
        if origin.query
        else f"SELECT * FROM {identifier(origin.table or '')}"  # noqa: S608 - quoted
    )
    asked = f"table {origin.table}" if origin.table else f"query `{printable(text)}`"
    if origin.unchanged_if:
        asked += f", read again when `{printable(origin.unchanged_if)}` answers otherwise"
    described = f"{database.name}, {redacted(origin.data)}, {asked}"
    member = Query(database, origin, text, database.name)
    return SourceTable(origin.data, (member,), is_ordered=False, described=described, is_asked=True)


def identifier(name: str) -> str:
    """Quote a name for a statement, its schema too.

    >>> identifier("sales.last week")
    '"sales"."last week"'
    """
    return ".".join(quoted_name(part) for part in name.split("."))


@contextmanager
def answered(origin: Origin, kind: str, remedy: str, setting: str = "data") -> Iterator[None]:
    """Name the database in an error, by the setting that has its address, and never the password.

    Raises:
        BadTable: the database refuses.
        BrokenOff: the connection has ended.
    """
    secret = origin.password.get_secret_value() if origin.password else ""
    where = located(origin.data, setting)
    try:
        yield
    except BrokenOff as error:
        raise BrokenOff(f"{where}: the connection broke off ({_shown(error, secret)[:200]})") from error
    except Rejected as error:
        raise BadTable(f"{where}: {kind} says: {_shown(error, secret)[:200]}; {remedy}") from error


def _answered(query: Query) -> AbstractContextManager[None]:
    return answered(query.origin, query.format, "correct the query or the address")


def _shown(error: Exception, secret: str) -> str:
    text = printable(redacted(str(error)))
    return text.replace(secret, "…") if secret else text
