"""The user's table, whatever its format: a first look at its columns, and then its rows, some at a time.

No more than a few blocks of rows are in memory at once.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import ModuleType

import pyarrow as pa

from tasks.table.cells import likely
from tasks.table.columns import is_text
from tasks.table.errors import BadTable, Violation, located, printable
from tasks.table.sources import delimited, feather, npz, parquet
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import Member

ROWS = 2**16
"""Rows that are read at once."""

SAMPLE_ROWS = 1000
"""Rows of a column of text that are looked at to see whether it holds numbers."""

_BINARY: dict[str, ModuleType] = {"Parquet": parquet, "Feather": feather, "npz": npz}
_DISGUISED = {
    b"PAR1": "Parquet; name it .parquet",
    b"PK": "a zip archive or an Excel workbook; save its table as CSV",
    b"\x1f\x8b": "gzip; name it .csv.gz",
    b"ARROW1": "Feather; name it .feather",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a first look at a file has shown: its columns, or what keeps it from being read.

    `schema` has the types that the columns have, or are likely to have; `stored` those that the file itself states,
    which may be text where there are numbers.
    """

    member: Member
    schema: pa.Schema | None = None
    stored: pa.Schema | None = None
    violations: tuple[Violation, ...] = ()


def preview(member: Member, dialect: Dialect) -> Preview:
    """Take a cheap first look: the names of the columns and their types, without reading all rows.

    The types of a text file are those of its first block; a later row can still spoil a column of numbers.
    A file that is unreadable, empty, damaged, or not what its name says has findings in place of columns.
    """
    try:
        with explained(member):
            stored, likely_ = _schemas(member, dialect)
    except BadTable as error:
        return Preview(member, violations=error.violations)
    keys = [pa.field(key, value.type) for key, value in member.keys.items() if key not in stored.names]
    return Preview(member, pa.schema([*likely_, *keys]), pa.schema([*stored, *keys]))


def _schemas(member: Member, dialect: Dialect) -> tuple[pa.Schema, pa.Schema]:
    _check_first_bytes(member)
    if member.format == "CSV":
        rows, complete = delimited.head(delimited.opened(member, dialect))
        schema = likely(rows, complete=complete)
        return schema, schema
    stored = _BINARY[member.format].schema(member)
    return stored, _with_likely_texts(member, stored)


def batches(
    member: Member, types: Mapping[str, pa.DataType], dialect: Dialect, *, verbatim: bool = False
) -> Iterator[tuple[pa.RecordBatch, str]]:
    """Yield the named columns of a file, some rows at a time, with the sign that stands before its decimals.

    The columns have the types given where the file's format leaves that open; a text file in which a cell cannot
    be read as such comes as text from there on. Columns that the file lacks are null.
    `verbatim` leaves the cells of a text file's columns of text as they are written.

    Raises:
        BadTable: the file is damaged; or, after its last row, some had not as many cells as the header.
    """
    with explained(member):
        if member.format == "CSV":
            text = delimited.opened(member, dialect)
            decimal = text.dialect.decimal or "."
            for batch in _texts(text, types, verbatim=verbatim):
                yield _with_keys(batch, member, types), decimal
            finding = delimited.irregular_finding(text, None)
            if finding:
                raise BadTable(finding)
        else:
            for batch in _BINARY[member.format].batches(member, list(types), ROWS):
                yield _with_keys(batch, member, types), "."


def _texts(
    text: delimited.TextFile, types: Mapping[str, pa.DataType], *, verbatim: bool
) -> Iterator[pa.RecordBatch]:
    """Read columns as their types for as long as that goes, and from then on all of them as bytes.

    What comes late, a cell of text at row ten million, must not cost every row the time that looking for it takes.
    """
    done = 0
    try:
        for batch in delimited.batches(text, types, verbatim=verbatim):
            done += batch.num_rows
            yield batch
    except pa.ArrowInvalid:
        for batch in delimited.batches(text, dict.fromkeys(types, pa.binary()), verbatim=verbatim):
            skipped = min(done, batch.num_rows)
            done -= skipped
            yield batch.slice(skipped)


def _with_likely_texts(member: Member, schema: pa.Schema) -> pa.Schema:
    texts = [field.name for field in schema if is_text(field.type) and schema.names.count(field.name) == 1]
    first = next(_BINARY[member.format].batches(member, texts, SAMPLE_ROWS), None) if texts else None
    if first is None:
        return schema
    found = likely(pa.Table.from_batches([first]), complete=True)
    return pa.schema([found.field(field.name) if field.name in texts else field for field in schema])


def _with_keys(batch: pa.RecordBatch, member: Member, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """Put the columns in the order of `types`; those that the file lacks come from its folders' names, or are null."""
    own = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [
        own[name] if name in own else pa.repeat(member.keys.get(name, pa.scalar(None, kind)), batch.num_rows)
        for name, kind in types.items()
    ]
    return pa.RecordBatch.from_arrays(columns, list(types))


def _check_first_bytes(member: Member) -> None:
    with member.opened() as stream:
        start = stream.read(8)
    if not start:
        raise BadTable(f"{located(member.name)} is empty; give a table with a row of column names")
    found = next((advice for magic, advice in _DISGUISED.items() if start.startswith(magic)), None)
    if member.format == "CSV" and found is not None and not member.is_gzipped:
        raise BadTable(f"{located(member.name)} is not CSV but {found}")


@contextmanager
def explained(member: Member) -> Iterator[None]:
    """Turn what the readers raise on a damaged file into findings about it."""
    try:
        yield
    except BadTable as error:
        raise BadTable(*(_of(member, finding) for finding in error.violations)) from error
    except MemoryError as error:
        raise BadTable(
            f"{located(member.name)} does not fit in memory; give fewer `features` or rows"
        ) from error
    except PermissionError as error:
        raise BadTable(f"{located(member.name)} cannot be opened: {error.strerror}") from error
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        EOFError,
        KeyError,
        NotImplementedError,  # zipfile, of a damaged version or compression
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = printable(str(error).rpartition(": ")[2])[:120]
        raise BadTable(
            Violation(
                "unreadable-files",
                f"{located(member.name)} is damaged or not {member.format} ({reason})",
                "write the file again",
                file=member.name,
            )
        ) from error


def _of(member: Member, finding: Violation) -> Violation:
    return (
        replace(finding, rule="unreadable-files", file=member.name) if finding.rule == "setting" else finding
    )
