"""Where data lies: a path on this machine or a URL such as s3://bucket/folder, and the file system that reaches it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit

import pyarrow as pa
from pyarrow import fs

from tasks.table.errors import BadTable, located, printable
from tasks.table.sources.address import redacted

# Protocols that Arrow speaks itself; AWS_ENDPOINT_URL and its like are heeded.
_ARROWS = {"file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs", "viewfs"}


def is_url(data: str) -> bool:
    """Say whether the user's data is at a URL.

    >>> is_url("s3://bucket/rows.parquet"), is_url("rows.parquet")
    (True, False)
    """
    return "://" in data


def anchored(data: str) -> str:
    """Return where the data lies, whatever folder a process is in."""
    return data if is_url(data) else os.path.abspath(data)  # noqa: PTH100 - a path of Path's would follow links


def place(data: str) -> tuple[fs.FileSystem, str]:
    """Open the file system that has the data; return it, and the path in it."""
    if not is_url(data):
        return fs.LocalFileSystem(), str(Path(data))
    if urlsplit(data).scheme in _ARROWS:
        filesystem, path = fs.FileSystem.from_uri(quote(data, safe="/:?&=%+,;~()*[]!$'"))
        return filesystem, path
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


def _through_fsspec(data: str) -> tuple[fs.FileSystem, str]:
    """Open what Arrow has no file system for; fsspec says which package a protocol needs."""
    import fsspec

    filesystem, path = fsspec.core.url_to_fs(data)
    return fs.PyFileSystem(fs.FSSpecHandler(filesystem)), path
