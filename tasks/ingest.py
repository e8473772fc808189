"""Stage `ingest`: take the user's own table in, checked."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path, PurePosixPath
from typing import Literal

from pyarrow.fs import LocalFileSystem
from pydantic import BaseModel, ConfigDict, Field

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
from tasks.store.verification import content
from tasks.store.writing import draft, publish
from tasks.table.casting import CastPlan, carried, layout
from tasks.table.columns import Columns, Wanted, choose
from tasks.table.consistency import disagreements
from tasks.table.drift import ColumnRange, TableSchema, lost
from tasks.table.errors import BadTable, Violation, counted, quoted, raise_on_errors
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import FileTable, Member, anchored, source
from tasks.table.sources.reader import Preview, explained, preview
from tasks.table.split_rules import check_columns
from tasks.table.validation import TableSummary as Known
from tasks.table.validation import findings

DATA = "data"  # of the draft: the folder that is published
WAITING = ("duplicate-names", "unnamed-columns")
"""Rules about names whose breach waits for what the values have to say, so that all findings come together."""
MOST_NAMED = 100
"""Files of a folder whose digests are kept apart in the key."""


class UserTable(BaseModel):
    """The user's table as the cache sees it: by what it holds, not by where it lies or when it was saved."""

    model_config = ConfigDict(frozen=True)

    path: str = Field(exclude=True)
    ending: str
    contents: str | dict[str, str]
    """A digest; of a folder with not too many files, that of each by name, so that a run can say what is new."""
    files: dict[str, str] = Field(exclude=True)
    """Of a folder, the digest of each file's contents: what was read of one before need not be read again."""
    code: str = Field(exclude=True)
    """Of a folder, a digest of the code that reads a file."""
    target: str
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    missing: Literal["error", "drop", "mean"]
    warn: tuple[str, ...]
    delimiter: str | None
    decimal: str | None
    encoding: str | None
    by: tuple[str, ...] = ()
    """Columns that the rows will be dealt by; those that are not learnt from go along behind the target."""

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
        return Dialect(self.delimiter, self.decimal, self.encoding)


@stage
def ingest(table: UserTable, root: Path) -> Artifact:
    """Read the features and the target from the user's files, check every value, and leave them as `data.parquet`.

    Large data (above 5 million rows) is left as `data-00000.parquet` and so on, in constant memory. Columns of
    categories are text. Rows with a missing value are left out, or kept with nulls in the features where `missing` is
    `mean`. Runs again when the files' contents, the choice of columns or this code changes.

    Raises:
        BadTable: a file or a value in it cannot be used; nothing is stored.
    """
    found = source(table.path)
    looked = [preview(member, table.dialect) for member in found.members]
    readable = [preview.schema for preview in looked if preview.schema is not None]
    if not readable:
        raise BadTable(*(finding for preview in looked for finding in preview.violations))
    columns = choose(readable[0], table.wanted, (*table.warn, *WAITING), cells_are_text=found.is_text)
    stored = [preview.stored for preview in looked if preview.stored is not None]
    along = carried(stored, [name for name in table.by if name not in columns.used], is_text=found.is_text)
    plan = layout(readable, columns, is_text=found.is_text, keep_missing=table.missing == "mean", along=along)
    with draft(root) as folder:
        files = [
            _file(preview.member, plan, table, root, folder / str(number))
            for number, preview in enumerate(looked)
            if preview.schema is not None
        ]
        known = _known(columns, files)
        warnings = raise_on_errors(_told(looked, columns, files, known, table), table.warn)
        facts = _facts(columns, known, table)
        notes = [*map(str, warnings), *_drops(facts)]
        (folder / DATA).mkdir()
        data.write_schema(folder / DATA, _schema(known, columns))
        if table.files:
            files = [file if file.artifact else kept(file, root) for file in files]
            if is_large(known.rows, len(plan.schema)):
                return _referring(files, publish(folder / DATA, root, "ingest", facts.as_json(), notes))
        data.gather_rows(folder / DATA, [path for file in files for path in file.paths], plan.schema)
        return publish(folder / DATA, root, "ingest", facts.as_json(), notes)


def check(given: Input, by: Sequence[str] = ()) -> None:
    """Take a first look at the user's table, if there is one: is it there, and has it the columns?

    Args:
        given: the table.
        by: columns that its rows will be dealt by.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    if given.data is not None:
        _, columns = _first_look(given, by)
        raise_on_errors(columns.warnings if columns else (), given.warn)


def table_of(given: Input, by: Sequence[str] = (), root: Path | None = None) -> UserTable:
    """Describe the user's table for `ingest`, its contents by a digest over all of its files.

    Args:
        given: the table.
        by: columns that its rows will be dealt by.
        root: the store; it has the last run's columns, and the digests of large files that were read before.

    Raises:
        BadTable: it is missing, unreadable, lacks a column, or one that the last run learnt from.
    """
    found, columns = _first_look(given, by)
    before = last_schema(root, given) if root else None
    if before and columns:
        ambiguous = [finding.column for finding in columns.warnings if finding.column]
        raise_on_errors(lost(before, [*columns.used, *ambiguous], columns.left_out), given.warn)
    known = Digests(root or Path())
    files = {member.name if found.is_folder else ".": _digest(member, known) for member in found.members}
    if root:
        known.write()
    if not found.is_folder:
        return _described(given, files["."], by)
    return _described(given, files if len(files) <= MOST_NAMED else _over(files), by, files)


def _first_look(given: Input, by: Sequence[str]) -> tuple[FileTable, Columns | None]:
    """Find the files, and choose the columns by the first of them; of a folder another one may be readable."""
    table = _described(given, "")
    found = source(given.data or "")
    first = preview(found.members[0], table.dialect)
    if first.schema is None:
        if found.is_folder:
            return found, None
        raise BadTable(*first.violations)
    check_columns(by, first.schema.names)
    return found, choose(first.schema, table.wanted, (*table.warn, *WAITING), cells_are_text=found.is_text)


def _over(files: Mapping[str, str]) -> str:
    listing = "".join(f"{name}\0{digest}\n" for name, digest in files.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _described(
    given: Input,
    contents: str | dict[str, str],
    by: Sequence[str] = (),
    files: Mapping[str, str] | None = None,
) -> UserTable:
    return UserTable(
        path=anchored(given.data or ""),
        ending="".join(PurePosixPath(given.data or "").suffixes[-2:]),
        contents=contents,
        files=dict(files or {}),
        code=_code() if files else "",
        by=tuple(by),
        **given.model_dump(exclude={"data"}),
    )


def _code() -> str:
    """Return a digest of the code that reads a file, and of the libraries that it uses."""
    found = provenance("tasks.outputs.files", "read_file")
    return hashlib.sha256(json.dumps([found.modules, found.libraries]).encode()).hexdigest()


def _digest(member: Member, known: Digests) -> str:
    with explained(member):
        return known.of(_place(member), member.look, lambda: _read_digest(member))


def _place(member: Member) -> str:
    if isinstance(member.filesystem, LocalFileSystem):
        return str(Path(member.path).absolute())
    return f"{member.filesystem.type_name} {member.path}"


def _read_digest(member: Member) -> str:
    if isinstance(member.filesystem, LocalFileSystem):
        return content(Path(member.path).absolute())
    with member.opened() as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _file(member: Member, plan: CastPlan, table: UserTable, root: Path, folder: Path) -> IngestedFile:
    """Return what is in a file: read now, or, of one of many, when it was first met."""
    if not table.files:
        return read_file(member, plan, table.dialect, folder)
    key = key_of(table.files[member.name], member, plan, table.dialect, table.code)
    return remembered(key, member.name, root) or read_file(member, plan, table.dialect, folder, key)


def _told(
    looked: Sequence[Preview], columns: Columns, files: Sequence[IngestedFile], known: Known, table: UserTable
) -> Iterator[Violation]:
    """Yield all that is to be said: of the names, of each file, of how they agree, and of the rows of all of them.

    Where a file could not be read, or not all of it, it is no wonder that the rows are few.
    """
    yield from columns.warnings
    broken = [finding for preview in looked for finding in preview.violations]
    broken += [finding for file in files for finding in file.violations]
    yield from broken
    yield from disagreements(looked, columns, table.wanted, is_text=looked[0].member.format == "CSV")
    for finding in findings(known, missing=table.missing):
        if not broken or finding.rule != "too-few-rows":
            yield finding


def _schema(known: Known, columns: Columns) -> TableSchema:
    ranges = {name: known.range(name) for name in columns.used}
    described = (ColumnRange(name=name, lowest=low, highest=high) for name, (low, high) in ranges.items())
    return TableSchema(columns=tuple(described), left_out=columns.left_out)


def _referring(files: Sequence[IngestedFile], told: Artifact) -> Artifact:
    """Return the record of large data that lies where its files were left, in order, and of what is told of it."""
    parts = [
        file.artifact.files[path.name] for file in files if file.artifact is not None for path in file.paths
    ]
    names = [data.row_file(number) for number in range(len(parts))]
    every = dict(zip(names, parts, strict=True)) | told.files
    return told.model_copy(update={"files": every}).checked()


def _known(columns: Columns, files: Sequence[IngestedFile]) -> Known:
    moments = reduce(joined, (file.moments for file in files), None)
    return Known(
        features=columns.features,
        target=columns.target,
        categorical=columns.categorical,
        files=[(file.name if len(files) > 1 else None, file.summaries) for file in files],
        rows=sum(file.rows for file in files),
        paired=moments.rows if moments else 0,
        scatter=moments.scatter if moments else None,
    )


def _facts(columns: Columns, known: Known, table: UserTable) -> DataFacts:
    return DataFacts(
        features=tuple(columns.features),
        target=columns.target,
        categorical=tuple(columns.categorical),
        missing=table.missing,
        missing_counts={name: total for name in columns.used if (total := known.total(name, "missing"))},
        dropped=known.read - known.rows,
    )


def _drops(facts: DataFacts) -> Iterator[str]:
    if facts.dropped:
        counts = facts.missing_counts
        each = ", ".join(f"{count:,} in {quoted(name)}" for name, count in counts.items())
        yield f"{counted(facts.dropped, 'row')} left out for want of a value" + (
            f": missing {each}" if each else ""
        )
