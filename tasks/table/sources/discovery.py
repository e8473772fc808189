"""Where the user's table lies: one file or a folder of them, on this machine or at a URL such as s3://bucket/folder."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from tasks.table.errors import BadTable, Violation, counted, located, printable, quoted
from tasks.table.sources.address import redacted
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import KNOWN, format_of, is_no_table
from tasks.table.sources.lakes import refuse_lakes
from tasks.table.sources.source import Member

# Protocols that Arrow speaks itself; AWS_ENDPOINT_URL and its like are heeded.
_ARROWS = {"file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"}

_PATTERN = re.compile(r"[*?\[]")
_LISTED = 5
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class SourceTable:
    """The user's table: its members in the order of their names, at least one, all of one format."""

    data: str
    members: tuple[Member, ...]
    # What was passed over.
    findings: tuple[Violation, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether a message must say in which member something is."""
        return self.members[0].name != self.data


def is_url(data: str) -> bool:
    """Say whether the user's data is at a URL.

    >>> is_url("s3://bucket/rows.parquet"), is_url("rows.parquet")
    (True, False)
    """
    return "://" in data


def anchored(data: str) -> str:
    """Return where the data lies, whatever folder a process is in."""
    return data if is_url(data) else os.path.abspath(data)  # noqa: PTH100 - a path of Path's would follow links


def source(data: str) -> SourceTable:
    """Find the user's table.

    Raises:
        BadTable: there is nothing, or nothing that could be read, or files of several formats.
    """
    return next(found for find in FINDERS if (found := find(data)))


def files(data: str) -> SourceTable:
    """Find a file, the files of a folder, or those whose names match a pattern such as `nights/*.csv`.

    Hidden files and those marked by an underscore are passed over in a folder; so are those of no known format, and
    text files beside others, and the findings name them.

    Raises:
        BadTable: there is nothing, or nothing that could be read, or files of several formats.
    """
    with _explained(data):
        filesystem, path = _place(data)
        info = filesystem.get_file_info(path)
    if info.type == fs.FileType.NotFound and _PATTERN.search(path):
        return _matching(data, filesystem, path)
    if info.type == fs.FileType.NotFound:
        raise BadTable(f"{located(data)} does not exist; check the path")
    if info.type == fs.FileType.Unknown:
        raise BadTable(f"{located(data)} is neither a file nor a folder; save the rows to a file")
    if info.type == fs.FileType.File:
        kind = format_of(path)
        if kind is None:
            raise BadTable(f"{located(data)} is of no known format; save it as {KNOWN}")
        return SourceTable(data, (DataFile(filesystem, path, data, kind),))
    with _explained(data):
        found = _listed(filesystem, path)
    refuse_lakes(data, [info.path[len(path) :].strip("/") for info in found])
    return _of_one_format(data, list(_inside(path, found)), filesystem)


def _matching(data: str, filesystem: fs.FileSystem, path: str) -> SourceTable:
    """Find the files whose names match a pattern."""
    parts = PurePosixPath(path).parts
    fixed = next(number for number, part in enumerate(parts) if _PATTERN.search(part))
    folder = str(PurePosixPath(*parts[:fixed])) if fixed else "."
    with _explained(data):
        is_there = filesystem.get_file_info(folder).type == fs.FileType.Directory
        found = _listed(filesystem, folder) if is_there else ()
    refuse_lakes(data, [info.path[len(folder) :].strip("/") for info in found])
    pattern = "/".join(parts[fixed:])
    inside = [
        (name, info)
        for name, info in _inside(folder, found)
        if PurePosixPath(name).match(pattern) and len(PurePosixPath(name).parts) == len(parts) - fixed
    ]
    if not inside:
        raise BadTable(f"{located(data)}: no file matches; check the path, or name the folder")
    return _of_one_format(data, inside, filesystem)


# Asked in turn; each returns the table at an address of its kind, or None. Files come last: any path may be one.
FINDERS: tuple[Callable[[str], SourceTable | None], ...] = (files,)


def _place(data: str) -> tuple[fs.FileSystem, str]:
    if not is_url(data):
        return fs.LocalFileSystem(), str(Path(data))
    if urlsplit(data).scheme in _ARROWS:
        filesystem, path = fs.FileSystem.from_uri(quote(data, safe="/:?&=%+,;~()*[]!$'"))
        return filesystem, path
    return _through_fsspec(data)


def _through_fsspec(data: str) -> tuple[fs.FileSystem, str]:
    """Open what Arrow has no file system for; fsspec says which package a protocol needs."""
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(data)
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path


def _listed(filesystem: fs.FileSystem, folder: str) -> Sequence[fs.FileInfo]:
    found: Sequence[fs.FileInfo] = filesystem.get_file_info(fs.FileSelector(folder, recursive=True))
    return found


def _inside(folder: str, found: Sequence[fs.FileInfo]) -> Iterator[tuple[str, fs.FileInfo]]:
    """Yield the files that are not hidden, each with its name in the folder, in the order of the names."""
    names = {
        info.path[len(folder) :].strip("/") if info.path.startswith(folder) else info.path: info
        for info in found
        if info.type == fs.FileType.File
    }
    for name in sorted(names, key=lambda name: PurePosixPath(name).parts):
        if not any(part.startswith((".", "_")) for part in PurePosixPath(name).parts):
            yield name, names[name]


def _with_keys(members: Sequence[DataFile]) -> list[DataFile]:
    """Give the files the values of their folders, as whole numbers where all files' are."""
    keys = [_keys(member.name) for member in members]
    types = {
        key: pa.int64() if all(map(_is_whole, (each.get(key) for each in keys))) else pa.string()
        for each in keys
        for key in each
    }
    return [
        replace(member, keys={key: _scalar(value, types[key]) for key, value in each.items()})
        for member, each in zip(members, keys, strict=True)
    ]


def _is_whole(value: str | None) -> bool:
    return value is None or re.fullmatch(r"-?[0-9]{1,18}", value) is not None


def _scalar(value: str | None, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(int(value) if value is not None and kind == pa.int64() else value, kind)


def _keys(name: str) -> dict[str, str | None]:
    r"""Read the values that folders give.

    >>> _keys("year=2024/city=a%20b/part.parquet")
    {'year': '2024', 'city': 'a b'}
    """
    pairs = (part.split("=", 1) for part in PurePosixPath(name).parts[:-1] if "=" in part)
    return {unquote(key): None if value == _NO_VALUE else unquote(value) for key, value in pairs}


def _of_one_format(
    data: str, found: Sequence[tuple[str, fs.FileInfo]], filesystem: fs.FileSystem
) -> SourceTable:
    """Take the files of the one format; text files such as notes.txt are none where there are others."""
    members = [
        DataFile(filesystem, info.path, name, kind)
        for name, info in found
        if (kind := format_of(info.path)) is not None
    ]
    tables = [member for member in members if not member.name.lower().endswith(".txt")] or members
    kinds = sorted({member.format for member in tables})
    if not kinds:
        raise BadTable(
            f"{located(data)} is a folder without a table; name a file, or a folder of {KNOWN} files"
        )
    if len(kinds) > 1:
        raise BadTable(f"{located(data)} holds files of {' and '.join(kinds)}; keep one format in a folder")
    taken = {member.name for member in tables}
    others = [name for name, _ in found if name not in taken and not is_no_table(name)]
    return SourceTable(data, tuple(_with_keys(tables)), tuple(_passed_over(others)))


def _passed_over(names: Sequence[str]) -> Iterator[Violation]:
    if names:
        more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
        yield Violation(
            "passed-over",
            f"{counted(len(names), 'file')} of the folder not read: {', '.join(map(quoted, names[:_LISTED]))}{more}",
            f"name tables {KNOWN}",
            count=len(names),
        )


@contextmanager
def _explained(data: str) -> Iterator[None]:
    try:
        yield
    except BadTable:
        raise
    except (OSError, ValueError, ImportError, pa.ArrowException) as error:
        reason = printable(redacted(str(error)))[:160]
        raise BadTable(
            f"{located(data)} cannot be reached ({reason}); check the address and the permissions"
        ) from error
