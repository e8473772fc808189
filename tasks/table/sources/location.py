"""Where data lies: a path on this machine or a URL such as s3://bucket/folder, and the file system that reaches it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

import pyarrow as pa
from pyarrow import fs

from tasks.table.errors import BadTable, located, printable
from tasks.table.sources.address import redacted

# Protocols that Arrow speaks itself; AWS_ENDPOINT_URL and its like are heeded.
_ARROWS = {"file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"}

# Those that Python speaks, which know no folders, and those of obstore, with the variables that `--remote` heeds.
WEB = {"https", "http"}
_AZURE: Literal["az"] = "az"

# Addresses of databases that are files on this machine.
FILE_DATABASES = {"sqlite", "duckdb"}


def is_url(data: str) -> bool:
    """Say whether the user's data is at a URL.

    >>> is_url("s3://bucket/rows.parquet"), is_url("rows.parquet")
    (True, False)
    """
    return "://" in data


def places(data: str) -> tuple[str, ...]:
    """Return the places that the user's data names: one, or several with commas between them.

    A comma may also belong to a name, so what is there as a whole is one place, and so is an address unless another
    one follows each comma.

    >>> places("a.csv,b.csv"), places("s3://bucket/a.csv,s3://bucket/b.csv"), places("https://host/rows.csv?only=x,y")
    (('a.csv', 'b.csv'), ('s3://bucket/a.csv', 's3://bucket/b.csv'), ('https://host/rows.csv?only=x,y',))
    """
    pieces = tuple(data.split(","))
    if len(pieces) == 1 or os.path.lexists(data):
        return (data,)
    is_list = all(map(is_url, pieces)) if is_url(data) else all(pieces)
    return pieces if is_list else (data,)


def anchored(data: str) -> str:
    """Return where the data lies, whatever folder a process is in."""
    return ",".join(map(_anchored, places(data)))


def _anchored(data: str) -> str:
    if scheme(data) in FILE_DATABASES:
        return f"{scheme(data)}:///{os.path.abspath(database_file(data))}"  # noqa: PTH100 - as below
    return data if is_url(data) else os.path.abspath(data)  # noqa: PTH100 - a path of Path's would follow links


def scheme(data: str) -> str:
    """Return what an address begins with; of a path nothing.

    >>> scheme("postgresql://host/db"), scheme("rows.csv")
    ('postgresql', '')
    """
    return data.partition("://")[0].lower() if is_url(data) else ""


def database_file(data: str) -> Path:
    """Return the file of a database: as in SQLAlchemy, a fourth slash is that of an absolute path.

    >>> str(database_file("sqlite:///rows.db")), str(database_file("duckdb:////srv/rows.duckdb"))
    ('rows.db', '/srv/rows.duckdb')
    """
    return Path(data.partition("://")[2].removeprefix("/"))


def without_query(path: str) -> str:
    """Return the path of a file, without what follows it in an address of the web.

    >>> without_query("https://host/rows.csv?day=3"), without_query("what?.csv")
    ('https://host/rows.csv', 'what?.csv')
    """
    return re.split("[?#]", path, maxsplit=1)[0] if scheme(path) in WEB else path


def existing_database_file(data: str) -> Path:
    """Return the file of a database.

    Raises:
        BadTable: there is none.
    """
    path = database_file(data)
    if not path.is_file():
        raise BadTable(f"{located(data)}: there is no file {str(path)!r}; check the path")
    return path


def time_of(text: str) -> datetime:
    """Read the time that a `version` may be; UTC where it names no zone.

    Raises:
        BadTable: it is none.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadTable(
            f"`version` of {text!r} is neither a number nor a time; write 3 or 2026-11-23T06:00Z"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def place(data: str) -> tuple[fs.FileSystem, str]:
    """Open the file system that has the data; return it, and the path in it."""
    if not is_url(data):
        return fs.LocalFileSystem(), str(Path(data))
    if urlsplit(data).scheme in _ARROWS:
        filesystem, path = fs.FileSystem.from_uri(quote(data, safe="/:?&=%+,;~()*[]!$'"))
        return filesystem, path
    if scheme(data) in WEB:
        from tasks.table.sources.web import Web

        return fs.PyFileSystem(fs.FSSpecHandler(Web())), data
    if scheme(data) == _AZURE:
        return _through_obstore(data)
    return _through_fsspec(data)


@contextmanager
def reached(data: str) -> Iterator[None]:
    """Turn what is raised where data cannot be reached into one line.

    Raises:
        BadTable: it cannot.
    """
    try:
        yield
    except BadTable:
        raise
    except (OSError, ValueError, ImportError, pa.ArrowException) as error:
        reason = printable(redacted(str(error)))[:160]
        raise BadTable(
            f"{located(data)} cannot be reached ({reason}); check the address and the permissions"
        ) from error


def _through_obstore(data: str) -> tuple[fs.FileSystem, str]:
    try:
        from tasks.table.sources.object_store import ObjectStore
    except ImportError as error:
        raise BadTable(
            f"{located(data)} needs another package to be read; `pip install '.[remote]'` in the checkout"
        ) from error
    return fs.PyFileSystem(fs.FSSpecHandler(ObjectStore(_AZURE))), data.partition("://")[2].rstrip("/")


def _through_fsspec(data: str) -> tuple[fs.FileSystem, str]:
    """Open what Arrow has no file system for; fsspec says which package a protocol needs."""
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(data)
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path
