"""Stage `ingest`: take the user's own table in, checked."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyarrow.fs import LocalFileSystem
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from tasks.config import Input
from tasks.neuron.statistics import Moments, column_moments, merge
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.parts import Parts, gather
from tasks.store.verification import content
from tasks.store.writing import draft, publish
from tasks.table.agreement import disagreements
from tasks.table.columns import Columns, Wanted, choose
from tasks.table.dealing import check_columns
from tasks.table.dialect import Dialect
from tasks.table.errors import BadTable, Finding, counted, judged, shown
from tasks.table.intake import Layout, carried, layout, merged, taken
from tasks.table.location import Member, anchored, source
from tasks.table.source import explained, look
from tasks.table.summary import Summary
from tasks.table.validation import Table as Known
from tasks.table.validation import findings

MOST_PAIRED = 2000
"""Columns up to which those that copy each other are looked for: it takes time and memory by their square."""


class Table(BaseModel):
    """The user's table as the cache sees it: by what it holds, not by where it lies or when it was saved."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(exclude=True)
    ending: str
    contents: str
    target: str
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    missing: str
    warn: tuple[str, ...]
    delimiter: str | None
    decimal: str | None
    encoding: str | None
    by: tuple[str, ...] = ()
    """Columns that the rows will be dealt by; those that are not learnt from go along behind the target."""

    @property
    def wanted(self) -> Wanted:
        """The columns as the user names them."""
        return Wanted(self.target, self.features, self.exclude, self.categorical)

    @property
    def dialect(self) -> Dialect:
        """What the user says about how a text file is written."""
        return Dialect(self.delimiter, self.decimal, self.encoding)


@stage
def ingest(table: Table, root: Path) -> Artifact:
    """Read the features and the target from the user's files, check every value, and leave them as `data.parquet`.

    Large data (above 5 million rows) is left as `data-00000.parquet` and so on, in constant memory. Columns of
    categories are text. Rows with a missing value are left out, or kept with nulls in the features where `missing` is
    `mean`. Runs again when the files' contents, the choice of columns or this code changes.

    Raises:
        BadTable: a file or a value in it cannot be used; nothing is stored.
    """
    found = source(table.path)
    looked = [look(member, table.dialect) for member in found.members]
    readable = [look.schema for look in looked if look.schema is not None]
    if not readable:
        raise BadTable(*(finding for look in looked for finding in look.findings))
    columns = choose(readable[0], table.wanted, table.warn, cells_are_text=found.is_text)
    stored = [look.stored for look in looked if look.stored is not None]
    along = carried(stored, [name for name in table.by if name not in columns.used], is_text=found.is_text)
    plan = layout(readable, columns, is_text=found.is_text, keep_missing=table.missing == "mean", along=along)
    with draft(root) as folder:
        files = [
            _take_in(look.member, plan, table.dialect, Parts(folder, f"file{number}", plan.schema))
            for number, look in enumerate(looked)
            if look.schema is not None
        ]
        known = _known(columns, files)
        broken = len(files) < len(looked) or any(file.findings for file in files)
        told = [
            *(finding for look in looked for finding in look.findings),
            *disagreements(looked, columns, table.wanted, is_text=found.is_text),
            *(finding for file in files for finding in file.findings),
            *(
                each
                for each in findings(known, missing=table.missing)
                if not (broken and each.rule == "too-few-rows")
            ),
        ]
        warnings = [*columns.warnings, *judged(told, table.warn)]
        gather(folder, "data", [path for file in files for path in file.paths], plan.schema)
        return publish(folder, root, "ingest", _facts(columns, known, table.missing, warnings))


def check(given: Input, by: Sequence[str] = ()) -> None:
    """Take a first look at the user's table, if there is one: is it there, and has it the columns?

    Args:
        given: the table.
        by: columns that its rows will be dealt by.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    if given.data is not None:
        table = _described(given, "")
        found = source(given.data)
        first = look(found.members[0], table.dialect)
        if first.schema is not None:
            choose(first.schema, table.wanted, table.warn, cells_are_text=found.is_text)
            check_columns(by, first.schema.names)
        elif not found.is_folder:
            raise BadTable(*first.findings)


def table_of(given: Input, by: Sequence[str] = ()) -> Table:
    """Describe the user's table for `ingest`, its contents by a digest over all of its files.

    Args:
        given: the table.
        by: columns that its rows will be dealt by.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    check(given, by)
    found = source(given.data or "")
    listing = "".join(
        f"{member.name if found.is_folder else '.'}\0{_digest(member)}\n" for member in found.members
    )
    return _described(given, hashlib.sha256(listing.encode()).hexdigest(), by)


@dataclass(frozen=True, slots=True)
class _File:
    """What was taken from one file: the parts with the rows that can be used, and what there is to say about all."""

    name: str
    paths: Sequence[Path]
    rows: int
    summaries: Mapping[str, Summary]
    moments: Moments | None
    findings: Sequence[Finding] = ()


def _described(given: Input, contents: str, by: Sequence[str] = ()) -> Table:
    return Table(
        path=anchored(given.data or ""),
        ending="".join(PurePosixPath(given.data or "").suffixes[-2:]),
        contents=contents,
        by=tuple(by),
        **given.model_dump(exclude={"data"}),
    )


def _digest(member: Member) -> str:
    with explained(member):
        if isinstance(member.filesystem, LocalFileSystem):
            return content(Path(member.path).resolve())
        with member.opened() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()


def _take_in(member: Member, plan: Layout, dialect: Dialect, parts: Parts) -> _File:
    """Read a file once: write its usable rows, and sum up all of them. Of one that breaks off nothing is used."""
    summaries: Mapping[str, Summary] = dict.fromkeys(plan.kinds, Summary())
    moments = None
    try:
        for some in taken(member, plan, dialect):
            parts.append(some.rows)
            summaries = merged(summaries, some.summaries)
            moments = _joined(moments, _moments(some.rows, plan, None if moments is None else moments.shift))
        parts.finish()
    except BadTable as error:
        if any(finding.rule != "irregular-rows" for finding in error.findings):
            for path in parts.paths:
                path.unlink()
            return _File(member.name, (), 0, summaries, None, error.findings)
        parts.finish()
        return _File(member.name, parts.paths, parts.rows, summaries, moments, error.findings)
    return _File(member.name, parts.paths, parts.rows, summaries, moments)


def _moments(rows: pa.RecordBatch, plan: Layout, shift: NDArray[np.float64] | None) -> Moments | None:
    """Return the moments of the numeric columns over the rows in which all have a value, if there are any."""
    columns = [rows.column(name) for name in plan.kinds if name not in plan.categorical]
    whole = [column for column in columns if column.null_count]
    if whole:
        mask = reduce(pc.and_, map(pc.is_valid, whole))
        columns = [column.filter(mask) for column in columns]
    if len(columns) > MOST_PAIRED or not len(columns[0]):
        return None
    try:
        return column_moments([column.to_numpy(zero_copy_only=False) for column in columns], shift)
    except ValueError:  # too large to square; the fit will say so
        return None


def _joined(a: Moments | None, b: Moments | None) -> Moments | None:
    return merge(a, b) if a and b else a or b


def _known(columns: Columns, files: Sequence[_File]) -> Known:
    moments = reduce(_joined, (file.moments for file in files), None)
    return Known(
        features=columns.features,
        target=columns.target,
        categorical=columns.categorical,
        files=[(file.name if len(files) > 1 else None, file.summaries) for file in files],
        rows=sum(file.rows for file in files),
        paired=moments.rows if moments else 0,
        scatter=moments.scatter if moments else None,
    )


def _facts(columns: Columns, known: Known, missing: str, warnings: Sequence[Finding]) -> dict[str, JsonValue]:
    counts = {name: total for name in columns.used if (total := known.total(name, "missing"))}
    dropped = known.read - known.rows
    return {
        "features": list(columns.features),
        "target": columns.target,
        "categorical": list(columns.categorical),
        "missing": missing,
        "missing_counts": {**counts},
        "dropped": dropped,
        "notes": [*map(str, warnings), *_drops(counts, dropped)],
    }


def _drops(counts: Mapping[str, int], dropped: int) -> Iterator[str]:
    if dropped:
        each = ", ".join(f"{count:,} in {shown(name)}" for name, count in counts.items())
        yield f"{counted(dropped, 'row')} left out for want of a value" + (
            f": missing {each}" if each else ""
        )
