"""Stage `ingest`: take the user's own table in, checked."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, replace
from functools import reduce
from pathlib import Path, PurePosixPath
from typing import Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from tasks.config import Input
from tasks.outputs import data
from tasks.outputs.data import DataFacts
from tasks.outputs.files import IngestedFile, joined, kept, key_of, read_file, remembered
from tasks.outputs.runs import last_schema
from tasks.runtime.provenance import provenance
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.digests import Digests
from tasks.store.parts import is_large
from tasks.store.writing import draft, publish
from tasks.table.casting import CastPlan, carried, layout
from tasks.table.columns import Columns, Wanted, choose, whole_names
from tasks.table.consistency import disagreements
from tasks.table.drift import ColumnRange, TableSchema, lost
from tasks.table.errors import BadTable, Violation, counted, quoted, raise_on_errors
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import anchored
from tasks.table.sources.found import FoundTable
from tasks.table.sources.reader import Preview
from tasks.table.split_rules import check_columns
from tasks.table.validation import TableSummary, findings

DATA = "data"  # of the draft: the folder that is published

# Rules about names whose breach waits for what the values have to say, so that all findings come together.
WAITING = ("duplicate-names", "unnamed-columns")

# Files of a folder whose digests are kept apart in the key.
MOST_NAMED = 100

_FOUND: ContextVar[dict[str, FoundTable] | None] = ContextVar("found", default=None)


class UserTable(BaseModel):
    """The user's table as the cache sees it: by what it holds, not by where it lies or when it was saved."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(exclude=True)
    ending: str
    # A digest; of a folder with not too many files, that of each by name, so that a run can say what is new.
    contents: str | dict[str, str]
    # Of a folder, the digest of each file's contents: what was read of one before need not be read again.
    files: dict[str, str] = Field(exclude=True)
    # Of a folder, a digest of the code that reads a file.
    code: str = Field(exclude=True)
    target: str
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    missing: Literal["error", "drop", "mean"]
    warn: tuple[str, ...]
    strict: bool
    delimiter: str | None
    decimal: str | None
    thousands: str | None
    encoding: str | None
    na_values: tuple[str, ...] | None
    skip_rows: int | None
    header_row: int | None
    comment: str | None
    # Columns that the rows will be split by; those that are not learnt from are passed through behind the
    # target.
    by: tuple[str, ...] = ()

    _found: FoundTable | None = PrivateAttr(default=None)

    @property
    def found(self) -> FoundTable:
        """The table itself, with what is known of it already."""
        return self._found or FoundTable.at(self.path, self.dialect)

    @property
    def digest(self) -> str:
        """A digest over all files, for people to compare."""
        if isinstance(self.contents, str):
            return self.contents
        return _over(self.contents)

    @property
    def wanted(self) -> Wanted:
        """The columns as the user names them."""
        return Wanted(self.target, self.features, self.exclude, self.categorical)

    @property
    def dialect(self) -> Dialect:
        """What the user says about how a text file is written."""
        return _dialect(self)


@stage
def ingest(table: UserTable, root: Path) -> Artifact:
    """Read the features and the target from the user's files, check every value, and leave them as `data.parquet`.

    Large data (above 5 million rows) is left as `data-00000.parquet` and so on, in constant memory. Columns of
    categories are text. Rows with a missing value are left out, or kept with nulls in the features where `missing` is
    `mean`. Runs again when the files' contents, the choice of columns or this code changes.

    Raises:
        BadTable: a file or a value in it cannot be used; nothing is stored.
    """
    found = table.found
    looks = found.previews()
    readable = [look for look in looks if look.schema is not None]
    if not readable:
        raise BadTable(*(finding for look in looks for finding in look.violations))

    names = list(dict.fromkeys(name for look in readable if look.schema for name in look.schema.names))
    wanted = whole_names(table.wanted, names)
    columns = _columns(readable[0], wanted, table.warn, names)
    plan = _plan(readable, columns, table)
    with draft(root) as folder:
        files = [
            _file(look, plan, table, found, root, folder / str(number))
            for number, look in enumerate(readable)
        ]
        summary = _summary(columns, files)
        described = [*found.table.findings, *_findings(looks, columns, wanted, files, summary, table)]
        warnings = raise_on_errors(described, table.warn, strict=table.strict)
        facts = _facts(columns, summary, table)
        notes = [*map(str, warnings), *_drops(facts)]

        (folder / DATA).mkdir()
        data.write_schema(folder / DATA, _schema(summary, columns))
        if table.files:
            files = [file if file.artifact else kept(file, root) for file in files]
            if is_large(summary.rows, len(plan.schema)):
                return _referring(files, publish(folder / DATA, root, "ingest", facts.as_json(), notes))
        data.gather_rows(folder / DATA, [path for file in files for path in file.paths], plan.schema)
        return publish(folder / DATA, root, "ingest", facts.as_json(), notes)


@contextmanager
def looking_once() -> Iterator[None]:
    """Within this block a table is listed, opened and digested once, however often it is asked for."""
    token = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(token)


def check(given: Input, by: Sequence[str] = ()) -> None:
    """Take a first look at the user's table, if there is one: is it there, and has it the columns?

    Args:
        given: the table.
        by: columns that its rows will be split by.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    if given.data is not None:
        columns = _first_columns(_found(given), given, by)
        raise_on_errors(columns.warnings if columns else (), given.warn, strict=given.strict)


def table_of(given: Input, by: Sequence[str] = (), root: Path | None = None) -> UserTable:
    """Describe the user's table for `ingest`, its contents by a digest over all of its files.

    Args:
        given: the table.
        by: columns that its rows will be split by.
        root: the store; it has the last run's columns, and the digests of large files that were read before.

    Raises:
        BadTable: it is missing, unreadable, lacks a column, or one that the last run learnt from.
    """
    found = _found(given)
    columns = _first_columns(found, given, by)
    before = last_schema(root, given) if root else None
    if before and columns:
        ambiguous = [finding.column for finding in columns.warnings if finding.column]
        raise_on_errors(lost(before, [*columns.used, *ambiguous], columns.left_out), given.warn)

    digests = Digests(root or Path())
    files = found.digests(digests.of)
    if root:
        digests.write()
    table = _described(given, files, by, is_folder=found.table.is_folder)
    table._found = found
    return table


def _found(given: Input) -> FoundTable:
    """Return the table; the one that was found before, within `looking_once`."""
    known = _FOUND.get()
    key = given.model_dump_json()
    if known and key in known:
        return known[key]
    found = FoundTable.at(given.data or "", _dialect(given))
    if known is not None:
        known[key] = found
    return found


def _first_columns(found: FoundTable, given: Input, by: Sequence[str]) -> Columns | None:
    """Choose the columns by the first file; None where that one cannot be read, but another one may be."""
    first = found.preview(found.table.members[0])
    if first.schema is None:
        if found.table.is_folder:
            return None
        raise BadTable(*first.violations)
    check_columns(by, first.schema.names)
    wanted = Wanted(given.target or "", given.features, given.exclude, given.categorical)
    elsewhere = None if found.table.is_folder else ()
    return _columns(first, whole_names(wanted, first.schema.names), given.warn, elsewhere)


def _columns(first: Preview, wanted: Wanted, warn: Sequence[str], elsewhere: Sequence[str] | None) -> Columns:
    """Choose the columns by the first file; a message on one that is not there says what was guessed of the file."""
    schema = first.schema or pa.schema([])
    try:
        return choose(schema, wanted, (*warn, *WAITING), cells_are_text=first.is_text, elsewhere=elsewhere)
    except BadTable as error:
        assumed = first.contents.assumed if first.contents else ""
        missing = next((each for each in error.violations if each.rule == "unknown-column"), None)
        if missing is None or not assumed:
            raise
        explained = replace(missing, remedy=f"{missing.remedy} ({assumed})")
        others = (explained if each is missing else each for each in error.violations)
        raise BadTable(*others) from error


def _plan(readable: Sequence[Preview], columns: Columns, table: UserTable) -> CastPlan:
    """Lay out the columns over all files."""
    is_text = readable[0].is_text
    schemas = [look.schema for look in readable if look.schema is not None]
    stored = [look.stored for look in readable if look.stored is not None]
    others = [name for name in table.by if name not in columns.used]
    return layout(
        schemas,
        columns,
        is_text=is_text,
        keep_missing=table.missing == "mean",
        passthrough=carried(stored, others, is_text=is_text),
    )


def _over(files: Mapping[str, str]) -> str:
    listing = "".join(f"{name}\0{digest}\n" for name, digest in files.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _described(given: Input, files: Mapping[str, str], by: Sequence[str], *, is_folder: bool) -> UserTable:
    contents: str | dict[str, str] = dict(files) if len(files) <= MOST_NAMED else _over(files)
    if not is_folder:
        (contents,) = files.values()
    return UserTable(
        path=anchored(given.data or ""),
        ending="".join(PurePosixPath(given.data or "").suffixes[-2:]),
        contents=contents,
        files=dict(files) if is_folder else {},
        code=_code() if is_folder else "",
        by=tuple(by),
        **given.model_dump(exclude={"data"}),
    )


def _dialect(given: "Input | UserTable") -> Dialect:
    return Dialect(**given.model_dump(include={field.name for field in fields(Dialect)}))


def _code() -> str:
    """Return a digest of the code that reads a file, and of the libraries that it uses."""
    found = provenance("tasks.outputs.files", "read_file")
    return hashlib.sha256(json.dumps([found.modules, found.libraries]).encode()).hexdigest()


def _file(
    look: Preview, plan: CastPlan, table: UserTable, found: FoundTable, root: Path, folder: Path
) -> IngestedFile:
    """Return what is in a file: read now, or, of one of many, when it was first met."""
    key = ""
    if table.files:
        key = key_of(table.files[look.member.name], look.member, plan, table.dialect, table.code)
        if known := remembered(key, look.member.name, root):
            return known
    file = read_file(look, plan, folder, key)
    found.check_unchanged(look.member)
    return file


def _findings(
    looks: Sequence[Preview],
    columns: Columns,
    wanted: Wanted,
    files: Sequence[IngestedFile],
    summary: TableSummary,
    table: UserTable,
) -> Iterator[Violation]:
    """Yield all findings: about the names, each file, how they agree, and the rows of all of them.

    Where a file could not be read, or not all of it, it is no wonder that the rows are few.
    """
    yield from columns.warnings
    broken = [finding for look in looks for finding in look.violations]
    broken += [finding for file in files for finding in file.violations]
    yield from broken
    detected = list(_detected(looks, columns))
    doubted = {each.column for each in detected if each.rule == "ambiguous-numbers"}
    yield from detected
    yield from disagreements(looks, columns, wanted)
    is_read = all(finding.rule in table.warn for finding in broken)
    for finding in findings(summary, missing=table.missing, warn=table.warn):
        if (
            finding.rule == "text-in-numbers"
            and finding.column in doubted
            and "ambiguous-numbers" not in table.warn
        ):
            continue  # a doubt about the sign says the same
        if finding.rule != "too-few-rows":
            yield finding
        elif is_read:
            skipped = sum(each.count or 0 for each in broken if each.rule == "irregular-rows")
            why = f" ({counted(skipped, 'irregular row')} skipped)" if skipped else ""
            yield replace(finding, problem=f"{finding.problem}{why}")


def _detected(looks: Sequence[Preview], columns: Columns) -> Iterator[Violation]:
    """Yield what was detected about the used columns, and doubts; what is the same of several files only once."""
    found: dict[tuple[str, str | None], list[tuple[str, Violation]]] = {}
    for look in looks:
        for finding in look.contents.findings if look.contents else ():
            if finding.column is None or finding.column in columns.used:
                key = (finding.rule, finding.column or finding.remedy)
                found.setdefault(key, []).append((look.member.name, finding))
    for (name, first), *others in found.values():
        if len(looks) == 1:
            yield first
        else:
            more = f" and {counted(len(others), 'more file')}" if others else ""
            yield replace(first, problem=f"{quoted(name)}{more}: {first.problem}", file=name)


def _schema(summary: TableSummary, columns: Columns) -> TableSchema:
    ranges = {name: summary.range(name) for name in columns.used}
    described = (ColumnRange(name=name, lowest=low, highest=high) for name, (low, high) in ranges.items())
    return TableSchema(columns=tuple(described), left_out=columns.left_out)


def _referring(files: Sequence[IngestedFile], described: Artifact) -> Artifact:
    """Return the record of large data that lies where its files were left, in order, and of what describes it."""
    parts = [
        file.artifact.files[path.name] for file in files if file.artifact is not None for path in file.paths
    ]
    names = [data.row_file(number) for number in range(len(parts))]
    every = dict(zip(names, parts, strict=True)) | described.files
    return described.model_copy(update={"files": every}).checked()


def _summary(columns: Columns, files: Sequence[IngestedFile]) -> TableSummary:
    moments = reduce(joined, (file.moments for file in files), None)
    return TableSummary(
        features=columns.features,
        target=columns.target,
        categorical=columns.categorical,
        files=[(file.name if len(files) > 1 else None, file.summaries) for file in files],
        rows=sum(file.rows for file in files),
        paired=moments.rows if moments else 0,
        scatter=moments.scatter if moments else None,
    )


def _facts(columns: Columns, summary: TableSummary, table: UserTable) -> DataFacts:
    return DataFacts(
        features=tuple(columns.features),
        target=columns.target,
        categorical=tuple(columns.categorical),
        missing=table.missing,
        missing_counts={name: total for name in columns.used if (total := summary.total(name, "missing"))},
        dropped=summary.read - summary.rows,
    )


def _drops(facts: DataFacts) -> Iterator[str]:
    if facts.dropped:
        counts = facts.missing_counts
        each = ", ".join(f"{count:,} in {quoted(name)}" for name, count in counts.items())
        yield f"{counted(facts.dropped, 'row')} dropped because a value is missing" + (
            f": missing {each}" if each else ""
        )
