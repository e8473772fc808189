"""The user's table, whatever its source: a first look at its columns, and then its rows, some at a time.

No more than a few blocks of rows are in memory at once.
"""

import lzma
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pyarrow as pa

from tasks.table.cells import likely
from tasks.table.columns import is_text
from tasks.table.errors import BadTable, Violation, located, printable
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.source import ROWS, TYPED, Contents, Member, Written

# Rows of a column of text that are looked at to see whether it holds numbers.
SAMPLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Preview:
    """What a first look at a member has shown: its contents, or what keeps it from being read.

    `schema` has the types that the columns have, or are likely to have; `stored` those that the member itself states,
    which may be text where there are numbers.
    """

    member: Member
    contents: Contents | None = None
    schema: pa.Schema | None = None
    stored: pa.Schema | None = None
    violations: tuple[Violation, ...] = ()

    @property
    def written(self) -> Written:
        """How the cells are written."""
        return self.contents.written if self.contents else TYPED

    @property
    def is_text(self) -> bool:
        """Whether all cells are text, so that a column can be taken for what it is not stored as."""
        return self.written.is_text


def preview(member: Member, dialect: Dialect) -> Preview:
    """Take a cheap first look: the names of the columns and their types, without reading all rows.

    The types of a text file are those of its first block; a later row can still spoil a column of numbers.
    A member that is unreadable, empty, damaged, or not what its name says has findings in place of columns.
    """
    try:
        with explained(member):
            contents = member.contents(dialect)
            likely_ = contents.schema if _is_known(contents.written) else _with_likely_texts(contents)
    except BadTable as error:
        return Preview(member, violations=error.violations)
    stored = contents.schema
    keys = [pa.field(key, value.type) for key, value in member.keys.items() if key not in stored.names]
    return Preview(member, contents, pa.schema([*likely_, *keys]), pa.schema([*stored, *keys]))


def batches(look: Preview, types: Mapping[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    """Yield the named columns of a member, some rows at a time; of a member that cannot be read, nothing.

    The columns have the types given where the format leaves that open; a text file in which a cell cannot be read as
    such comes as bytes from there on. Columns that the member lacks are null; cells of text are as they are written.

    Raises:
        BadTable: the member is damaged; or, after its last row, some had not as many cells as the header.
    """
    with explained(look.member):
        for batch in look.contents.batches(types, ROWS) if look.contents else ():
            yield _with_keys(batch, look.member, types)


def _is_known(written: Written) -> bool:
    return written.is_text or written.is_stated


def _with_likely_texts(contents: Contents) -> pa.Schema:
    schema = contents.schema
    texts = {
        field.name: field.type
        for field in schema
        if is_text(field.type) and schema.names.count(field.name) == 1
    }
    first = next(contents.batches(texts, SAMPLE_ROWS), None) if texts else None
    if first is None:
        return schema
    found = likely(pa.Table.from_batches([first]), complete=True)
    return pa.schema([found.field(field.name) if field.name in texts else field for field in schema])


def _with_keys(batch: pa.RecordBatch, member: Member, types: Mapping[str, pa.DataType]) -> pa.RecordBatch:
    """Put the columns in the order of `types`; those that the member lacks come from its keys, or are null."""
    own = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns = [
        own[name] if name in own else pa.repeat(member.keys.get(name, pa.scalar(None, kind)), batch.num_rows)
        for name, kind in types.items()
    ]
    return pa.RecordBatch.from_arrays(columns, list(types))


@contextmanager
def explained(member: Member) -> Iterator[None]:
    """Turn what the readers raise on a damaged member into findings about it."""
    try:
        yield
    except BadTable as error:
        raise BadTable(*(_of(member, finding) for finding in error.violations)) from error
    except ConnectionError:
        raise  # whatever it was connected to may well be whole
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
        lzma.LZMAError,
        RuntimeError,  # zipfile, of an entry that is encrypted
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
