"""Finds the user's table: one file or a folder of them, on this machine or at a URL, or a table of another kind."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import PurePosixPath
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from tasks.table.errors import BadTable, Violation, counted, located, quoted
from tasks.table.sources import delta, iceberg, sql
from tasks.table.sources.excel import NAME as WORKBOOK
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import KNOWN, format_of, is_no_table
from tasks.table.sources.lakes import refuse_lakes
from tasks.table.sources.location import WEB, place, places, reached, scheme, without_query
from tasks.table.sources.source import Origin, SourceTable

_PATTERN = re.compile(r"[*?\[]")
# Files and folders that are no part of a table; the last are those by which Office marks what it has open.
_HIDDEN = (".", "_", "~$")
_LISTED = 5
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def source(origin: Origin) -> SourceTable:
    """Find the user's table.

    Raises:
        BadTable: there is nothing, or nothing that could be read, or files of several formats.
    """
    if len(listed := places(origin.data)) > 1:
        return _together(origin, listed)
    if scheme(origin.data) in WEB:
        return files(origin)
    return next(found for find in FINDERS if (found := find(origin)))


def files(origin: Origin) -> SourceTable:
    """Find a file, the files of a folder, or those whose names match a pattern such as `nights/*.csv`.

    Hidden files and those marked by an underscore are passed over in a folder; so are those of no known format, and
    text files and workbooks beside others, and the findings name them.

    Raises:
        BadTable: there is nothing, or nothing that could be read, or files of several formats.
    """
    data = origin.data
    origin.refuse_others("a file or a folder")
    with reached(data):
        filesystem, path = place(data)
        info = filesystem.get_file_info(path)
    if info.type == fs.FileType.NotFound and _PATTERN.search(path) and scheme(data) not in WEB:
        return _matching(data, filesystem, path)
    if info.type == fs.FileType.NotFound:
        raise BadTable(f"{located(data)} does not exist; check the path")
    if info.type == fs.FileType.Unknown:
        raise BadTable(f"{located(data)} is neither a file nor a folder; save the rows to a file")
    if info.type == fs.FileType.File:
        kind = format_of(without_query(path))
        if kind is None:
            raise BadTable(f"{located(data)} is of no known format; save it as {KNOWN}")
        return SourceTable(data, (DataFile(filesystem, path, data, kind),))
    with reached(data):
        found = _listed(filesystem, path)
    refuse_lakes(data, [info.path[len(path) :].strip("/") for info in found])
    return _of_one_format(data, list(_inside(path, found)), filesystem)


def _together(origin: Origin, listed: Sequence[str]) -> SourceTable:
    """Find the files of several places: one table, in the order of the names, as if they lay in one folder."""
    found = [files(replace(origin, data=each)) for each in listed]
    members = [member for table in found for member in table.members if isinstance(member, DataFile)]
    kinds = sorted({member.format for member in members})
    if len(kinds) > 1:
        raise BadTable(f"{located(origin.data)} are files of {' and '.join(kinds)}; name files of one format")
    paths = [member.path.split("/") for member in members]
    folders = zip(*(path[:-1] for path in paths), strict=False)
    above = len(list(takewhile(lambda parts: len({*parts}) == 1, folders)))
    named = [replace(each, name="/".join(path[above:])) for each, path in zip(members, paths, strict=True)]
    ordered = sorted(named, key=lambda member: PurePosixPath(member.name).parts)
    for one, other in pairwise(ordered):
        if one.place == other.place:
            raise BadTable(f"{located(origin.data)} names {quoted(one.name)} twice; name each file once")
    findings = tuple(finding for table in found for finding in table.findings)
    return SourceTable(origin.data, tuple(_with_keys(ordered)), findings)


def _matching(data: str, filesystem: fs.FileSystem, path: str) -> SourceTable:
    """Find the files whose names match a pattern."""
    parts = PurePosixPath(path).parts
    fixed = next(number for number, part in enumerate(parts) if _PATTERN.search(part))
    folder = str(PurePosixPath(*parts[:fixed])) if fixed else "."
    with reached(data):
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


def refuse_sheet(table: SourceTable, sheet: str | None) -> None:
    """Refuse the name of a sheet for what has no sheets.

    Raises:
        BadTable: there are none.
    """
    if sheet is not None and table.members[0].format != WORKBOOK:
        raise BadTable(f"{located(table.data)} is no workbook, so that it has no `sheet`; leave it out")


# Asked in turn; each returns the table at an address of its kind, or None. Files come last: any path may be one.
FINDERS: tuple[Callable[[Origin], SourceTable | None], ...] = (sql.find, iceberg.find, delta.find, files)


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
        if not any(part.startswith(_HIDDEN) for part in PurePosixPath(name).parts):
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
    """Take the files of the one format; workbooks and text such as notes.txt are none where there are others."""
    members = [
        DataFile(filesystem, info.path, name, kind)
        for name, info in found
        if (kind := format_of(info.path)) is not None
    ]
    texts = [member for member in members if member.format != WORKBOOK]
    tables = [member for member in texts if not member.name.lower().endswith(".txt")] or texts or members
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
