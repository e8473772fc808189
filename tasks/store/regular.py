"""Opening what lies in a folder that others may write to: regular files alone, never through a link, up to a size.

Opening a pipe or a device would wait for ever, a link may lead anywhere, and a file may be larger than the memory.
"""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from uuid import uuid4

_SAFE = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC

# What opening a link, a socket, or a file in place of a folder answers.
_IRREGULAR = frozenset({errno.ELOOP, errno.ENXIO, errno.ENOTDIR, errno.EISDIR, errno.EOPNOTSUPP})


@contextmanager
def open_regular(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file for reading.

    Raises:
        OSError: it is not there, no regular file, or cannot be read.
    """
    with _named(path), os.fdopen(regular_handle(path, os.O_RDONLY), "rb") as stream:
        yield stream


@contextmanager
def open_inside(root: Path, path: str) -> Iterator[BufferedReader]:
    """Open a regular file of the store for reading; no folder on the way from `root` may be a link.

    Args:
        root: The store's root, which may be reached through links.
        path: The file, relative to the root.

    Raises:
        OSError: it is not there, no regular file, behind a link, or cannot be read.
    """
    *folders, name = path.split("/")
    with _named(root / path):
        above = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for folder in folders:
                below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _SAFE, dir_fd=above)
                os.close(above)
                above = below
            handle = regular_handle(name, os.O_RDONLY, above)
        finally:
            os.close(above)
    with os.fdopen(handle, "rb") as stream:
        yield stream


def read_regular(path: Path, most: int) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: The file.
        most: Bytes that it may have.

    Raises:
        OSError: it is not there, no regular file, larger than that, or cannot be read.
    """
    with open_regular(path) as stream:
        return _bounded(stream, path, most)


def read_inside(root: Path, path: str, most: int) -> bytes:
    """Return the bytes of a regular file of the store, at most `most`; see `open_inside`.

    Raises:
        OSError: it is not there, no regular file, behind a link, larger than that, or cannot be read.
    """
    with open_inside(root, path) as stream:
        return _bounded(stream, root / path, most)


def regular_handle(path: Path | str, flags: int, folder: int | None = None) -> int:
    """Open a regular file without waiting for it; return the handle.

    Args:
        path: The file; relative to `folder`, an open one, where that is given.
        flags: As of `os.open`.
        folder: A folder's handle.

    Raises:
        OSError: it is not there, no regular file, or cannot be opened.
    """
    handle = os.open(path, flags | _SAFE, 0o666, dir_fd=folder)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    raise OSError(errno.ENXIO, "is no regular file", str(path))


def is_regular(path: Path) -> bool:
    """Say whether a regular file lies there, not a link to one."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def is_folder(path: Path) -> bool:
    """Say whether a folder lies there, not a link to one."""
    with suppress(OSError):
        return stat.S_ISDIR(path.lstat().st_mode)
    return False


def is_irregular(error: OSError) -> bool:
    """Say whether opening failed because what lies there is no regular file."""
    return error.errno in _IRREGULAR


def make_way(path: Path) -> None:
    """Remove what lies at a file's place in the store and is no regular file, so that the file can be written.

    A link goes, never what it leads to. A folder is renamed before it is emptied, so that nobody finds half of it.
    """
    if is_folder(path):
        away = path.with_name(f".{uuid4().hex}.part")
        with suppress(FileNotFoundError):  # another process was quicker
            path.rename(away)
        shutil.rmtree(away, ignore_errors=True)
    elif os.path.lexists(path) and not is_regular(path):
        path.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say in plain words what kept a file from being opened."""
    try:
        yield
    except OSError as error:
        if is_irregular(error):
            raise OSError(error.errno, "is no regular file, or lies behind a link", str(path)) from None
        raise


def _bounded(stream: BufferedReader, path: Path, most: int) -> bytes:
    content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"has more than {most:,} bytes", str(path))
    return content
