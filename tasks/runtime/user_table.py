"""The user's table as the cache sees it: found once, checked at a first look, known by its contents."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import fields, replace
from glob import escape
from pathlib import Path, PurePosixPath
from typing import Literal, cast

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, SecretStr

from tasks.config import Input
from tasks.outputs.runs import last_schema
from tasks.runtime.formulas import read_formula
from tasks.runtime.provenance import provenance
from tasks.store.digests import Digests
from tasks.table.columns import Columns, Wanted, choose, is_number, is_text, whole_names
from tasks.table.drift import lost
from tasks.table.errors import BadTable, quoted, raise_on_errors
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.found import FoundTable
from tasks.table.sources.location import anchored, without_query
from tasks.table.sources.reader import Preview
from tasks.table.sources.source import Origin
from tasks.table.split_rules import check_columns
from tasks.table.terms.formula import Formula, parse

# Rules about names whose breach waits for what the values have to say, so that all findings come together.
WAITING = ("duplicate-names", "unnamed-columns")

# Files of a folder whose digests are kept apart in the key.
MOST_NAMED = 100

_FOUND: ContextVar[dict[str, FoundTable] | None] = ContextVar("found", default=None)


class UserTable(BaseModel):
    """The user's table as the cache sees it: by what it holds, not by where it lies or when it was saved."""

    model_config = ConfigDict(frozen=True)

    origin: Origin = Field(exclude=True)
    ending: str
    # A digest; of a folder with not too many files, that of each by name, so that a run can say what is new.
    contents: str | dict[str, str]
    # Of a folder, the digest of each file's contents: what was read of one before need not be read again.
    files: dict[str, str] = Field(exclude=True)
    # Of a folder, a digest of the code that reads a file.
    code: str = Field(exclude=True)
    key: tuple[str, ...]
    target: str
    features: tuple[str, ...] | None
    exclude: tuple[str, ...]
    categorical: tuple[str, ...]
    formula: str | None
    dates: tuple[str, ...]
    dates_format: str | None
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
    sheet: str | None
    # Columns that the rows will be split by; those that are not learnt from are passed through behind the
    # target.
    by: tuple[str, ...] = ()
    # Whether the target must have a logarithm.
    log_target: bool = False
    # The one that they will count by.
    weights: str | None = None
    # Whether rare levels will be pooled.
    pools: bool = False

    _found: FoundTable | None = PrivateAttr(default=None)

    @property
    def found(self) -> FoundTable:
        """The table itself, with what is known of it already."""
        return self._found or FoundTable.at(self.origin, self.dialect)

    @property
    def digest(self) -> str | None:
        """A digest over all files, for people to compare; None of what is asked anew each time."""
        if self.found.table.is_asked:
            return None
        if isinstance(self.contents, str):
            return self.contents
        return _over(self.contents)

    @property
    def wanted(self) -> Wanted:
        """The columns as the user names them."""
        return _wanted(self, parse(self.formula) if self.formula is not None else None)

    @property
    def dialect(self) -> Dialect:
        """What the user says about how a text file is written."""
        return _dialect(self)


@contextmanager
def looking_once() -> Iterator[None]:
    """Within this block a table is listed, opened and digested once, however often it is asked for."""
    token = _FOUND.set({})
    try:
        yield
    finally:
        _FOUND.reset(token)


def check(given: Input, by: Sequence[str] = (), root: Path | None = None) -> None:
    """Take a first look at the user's table, if there is one: is it there, and has it the columns?

    Args:
        given: the table.
        by: columns that its rows will be split by.
        root: the store; it has formulas that were read before.

    Raises:
        BadTable: it is missing, unreadable, or lacks a column.
    """
    if given.data is not None:
        columns = _first_columns(_found(given), given, by, root)
        raise_on_errors(columns.warnings if columns else (), given.warn, strict=given.strict)


def table_of(given: Input, by: Sequence[str] = (), root: Path | None = None) -> UserTable:
    """Describe the user's table for `ingest`, its contents by a digest over all of its files.

    Args:
        given: the table.
        by: columns that its rows will be split by.
        root: the store; it has the last run's columns, and what is known of large files and formulas that were read
            before.

    Raises:
        BadTable: it is missing, unreadable, lacks a column, or one that the last run learnt from.
    """
    found = _found(given)
    columns = _first_columns(found, given, by, root)
    before = last_schema(root, given) if root else None
    if before and columns:
        ambiguous = [finding.column for finding in columns.warnings if finding.column]
        raise_on_errors(lost(before, [*columns.used, *ambiguous], columns.left_out), given.warn)

    digests = Digests(root or Path())
    files = found.digests(digests.of)
    if root:
        digests.write()
    table = _described(given, found, files, by)
    table._found = found
    return table


def password_in(block: str | None) -> SecretStr | None:
    """Read a password from a Prefect block; it is looked up at run time, and stands in no setting.

    Raises:
        BadTable: there is no such block.
    """
    if block is None:
        return None
    from prefect.blocks.system import Secret

    try:
        # It is a coroutine only where it is called from one.
        secret = cast("Secret[str]", Secret.load(block, _sync=True))  # type: ignore[call-arg]
        return SecretStr(str(secret.get()))
    except ValueError as error:
        raise BadTable(
            f"`password_block` of {block!r} is no Secret block that can be read; make it in Prefect's UI, or with "
            "`Secret(value=…).save(name)`"
        ) from error


def columns_by(
    first: Preview, wanted: Wanted, warn: Sequence[str], elsewhere: Sequence[str] | None
) -> Columns:
    """Choose the columns by the first file; a message on one that is not there says what was guessed of the file."""
    schema = first.schema or pa.schema([])
    try:
        return choose(schema, wanted, (*warn, *WAITING), cells_are_text=first.is_text, elsewhere=elsewhere)
    except BadTable as error:
        assumed = first.written.assumed
        missing = next((each for each in error.violations if each.rule == "unknown-column"), None)
        if missing is None or not assumed:
            raise
        explained = replace(missing, remedy=f"{missing.remedy} ({assumed})")
        others = (explained if each is missing else each for each in error.violations)
        raise BadTable(*others) from error


def _found(given: Input) -> FoundTable:
    """Return the table; the one that was found before, within `looking_once`."""
    known = _FOUND.get()
    key = given.model_dump_json()
    if known and key in known:
        return known[key]
    found = FoundTable.at(_origin(given), _dialect(given))
    if known is not None:
        known[key] = found
    return found


def _first_columns(found: FoundTable, given: Input, by: Sequence[str], root: Path | None) -> Columns | None:
    """Choose the columns by the first file; None where that one cannot be read, but another one may be."""
    first = found.preview(found.table.members[0])
    if first.schema is None:
        if found.table.is_folder:
            return None
        raise BadTable(*first.violations)
    check_columns(by, first.schema.names)
    check_columns(given.key, first.schema.names, "key")
    _check_weights(first.schema, given.weights)
    wanted = _wanted(given, read_formula(given.formula, root) if given.formula is not None else None)
    elsewhere = None if found.table.is_folder else ()
    return columns_by(first, whole_names(wanted, first.schema.names), given.warn, elsewhere)


def _check_weights(schema: pa.Schema, name: str | None) -> None:
    """Refuse a column of weights that cannot hold numbers."""
    if name is None:
        return
    check_columns([name], schema.names, "weights")
    kind = schema.field(name).type
    if not (is_number(kind) or is_text(kind) or pa.types.is_null(kind)):
        raise BadTable(
            f"column {quoted(name)} of `weights` holds {quoted(str(kind))}; name a column of numbers"
        )


def _over(files: Mapping[str, str]) -> str:
    listing = "".join(f"{name}\0{digest}\n" for name, digest in files.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def _described(given: Input, found: FoundTable, files: Mapping[str, str], by: Sequence[str]) -> UserTable:
    is_folder = found.table.is_folder
    contents: str | dict[str, str] = dict(files) if len(files) <= MOST_NAMED else _over(files)
    if not is_folder:
        (contents,) = files.values()
    return UserTable(
        origin=replace(found.origin, data=anchored(given.data or "")),
        ending="".join(PurePosixPath(without_query(given.data or "")).suffixes[-2:]),
        contents=contents,
        files=dict(files) if is_folder else {},
        code=_code() if is_folder else "",
        by=tuple(by),
        pools=given.min_frequency > 1,
        **given.model_dump(exclude={"data"}),
    )


def _beside(given: "Input | UserTable") -> tuple[str, ...]:
    """Return the columns that are no features: those to exclude, the key, and the weights."""
    return (*given.exclude, *given.key, *([given.weights] if given.weights is not None else []))


def _wanted(given: "Input | UserTable", formula: Formula | None) -> Wanted:
    if formula is None:
        return Wanted(given.target or "", given.features, _beside(given), given.categorical, given.dates)
    if keys := {*_beside(given)} & {*formula.columns}:
        raise BadTable(
            f"`formula` names {quoted(min(keys))}, which is a key or weight; leave it out of one of them"
        )
    others = [escape(name) for name in formula.columns if name not in formula.dates]
    levels = tuple(map(escape, formula.levels))
    return Wanted(formula.target, tuple(others), (), levels, formula.dates, formula.plain)


def _dialect(given: "Input | UserTable") -> Dialect:
    return Dialect(**given.model_dump(include={field.name for field in fields(Dialect)}))


def _origin(given: Input) -> Origin:
    known = given.model_dump(include={field.name for field in fields(Origin)})
    return Origin(**{**known, "data": given.data or "", "password": password_in(given.password_block)})


def _code() -> str:
    """Return a digest of the code that reads a file, and of the libraries that it uses."""
    found = provenance("tasks.outputs.files", "read_file")
    return hashlib.sha256(json.dumps([found.modules, found.libraries]).encode()).hexdigest()
