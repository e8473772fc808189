"""What every way in which rows come in has to offer: the protocol of a source.

A table is one or more members, each read by itself: files, for instance. A member says where it lies and how it looks
from outside, and opens into its contents: the columns, and the rows in batches. A new kind of source is a module with
both, and an entry: in `formats.FORMATS` for a format of files, in `discovery.FINDERS` for anything else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Protocol

import pyarrow as pa
from pydantic import SecretStr

from tasks.table.errors import BadTable, Violation, located
from tasks.table.numerals import Numerals
from tasks.table.sources.dialect import Dialect

# How a member looks from outside, its size and the time of its last write first; another may hold other rows.
Version = tuple[int, ...]

# Rows that are read at once.
ROWS = 2**16


@dataclass(frozen=True, slots=True)
class Written:
    """How the cells of a member are written; by default as where the types of columns are stated.

    Attributes:
        is_text: Whether all cells are text, so that the types of columns are guessed and not stated.
        numerals: How columns of text write their numbers.
        missing: The cells of text that are missing values.
        findings: What was detected or passed over, and what is in doubt.
        assumed: What was detected, in words, for messages on what may come of it; empty where nothing was.
        is_stated: Whether text is text because whoever keeps the rows says so, and is no number in any case.
    """

    is_text: bool = False
    numerals: Numerals = field(default_factory=lambda: Numerals(".", {}, ()))
    missing: tuple[str, ...] = ()
    findings: tuple[Violation, ...] = ()
    assumed: str = ""
    is_stated: bool = False


TYPED = Written()
STATED = Written(is_stated=True)


@dataclass(frozen=True, slots=True)
class Origin:
    """What the user says of where the rows are.

    Attributes:
        data: A path or an address.
        version: Of a table that keeps its past, a version's number or a time.
        query: Of a database, what it is asked.
        table: Of a database, the table whose rows are asked for.
        unchanged_if: A query; while its answer is the same the rows are taken to be.
        password: Of a database, where it is not in the environment.
    """

    data: str
    version: str | None = None
    query: str | None = None
    table: str | None = None
    unchanged_if: str | None = None
    password: SecretStr | None = None

    def refuse_others(self, kind: str, *allowed: str) -> None:
        """Refuse settings that belong to another kind of source.

        Raises:
            BadTable: something is given that is not among `allowed`.
        """
        for each in fields(self):
            if each.name not in ("data", *allowed) and getattr(self, each.name) is not None:
                raise BadTable(
                    f"{located(self.data)} is {kind}, for which `{each.name}` says nothing; leave it out"
                )


class Contents(Protocol):
    """What a first look at a member has found: its columns, and how its rows are read."""

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns as they are stored, or, of text, as they are likely to be."""

    @property
    def written(self) -> Written:
        """How the cells are written."""

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time.

        Cells of columns of text are as they are written, those that are missing values too.

        Args:
            types: by name, the type of a column where the format leaves that open.
            rows: the most rows of a batch.

        Raises:
            BadTable: the member is damaged; or, after the last row, some rows had to be skipped.
        """


class Member(Protocol):
    """One part of the user's table that is read by itself."""

    @property
    def name(self) -> str:
        """What messages call it."""

    @property
    def format(self) -> str:
        """What it is, such as CSV or Parquet."""

    @property
    def place(self) -> str:
        """Where it lies, in full."""

    @property
    def keys(self) -> Mapping[str, pa.Scalar]:
        """Columns with one value in all rows, such as those that folders give: year=2024/part.parquet."""

    def version(self) -> Version | None:
        """Return how it looks from outside: size, time of the last write in nanoseconds, and whatever else tells.

        None where nothing does: its digest is then taken anew each time, and it is not held to it.
        """

    def digest(self) -> str:
        """Return what the cache knows it by: the SHA-256 of what it holds, for which all of it is read."""

    def contents(self, dialect: Dialect) -> Contents:
        """Take a cheap first look, without reading all rows.

        Raises:
            BadTable: it is empty, or not what its name says.
        """


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The user's table: its members in the order of their names, at least one, all of one format.

    Attributes:
        data: A path or an address, as the user names it.
        members: What is read by itself.
        findings: What was passed over.
        is_ordered: Whether the order of the rows is the user's; otherwise it is chance, and `ingest` sorts them.
        described: What it is, in words, where there is more to say than its path: its version, for instance.
        version: What `Origin.version` must be for the same rows; None where nothing keeps them.
        is_asked: Whether it is asked anew each time, so that its digests do not tell its contents.
    """

    data: str
    members: tuple[Member, ...]
    findings: tuple[Violation, ...] = ()
    is_ordered: bool = True
    described: str | None = None
    version: str | None = None
    is_asked: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether a message must say in which member something is."""
        return self.members[0].name != self.data
