"""Files at https:// addresses, one file each, with what Python has.

A file is fetched once, whole, into a file without a name, so that its digest is that of the rows that are read.
"""

import errno
import io
import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

from fsspec import AbstractFileSystem

# Seconds without an answer.
PATIENCE = 60
_BLOCK = 2**20
_SAFE = "/:?&=%+,;~()*[]!$'@"
# Statuses of servers that answer no HEAD.
_NO_HEAD = {403, 405, 501}


class Web(AbstractFileSystem):  # type: ignore[misc] # fsspec has no types
    """Files by their addresses. There are no folders."""

    cachable = False  # or the next run would find this one's files
    protocol: ClassVar[tuple[str, ...]] = ("https", "http")

    def __init__(self) -> None:
        """Fetch nothing yet."""
        super().__init__()
        self._fetched: dict[str, tuple[int, dict[str, Any]]] = {}

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return the file's size and the time of its last change, as far as the server says so.

        Raises:
            FileNotFoundError: there is no such file.
            PermissionError: the server does not let us in.
            ConnectionError: the server cannot be reached.
        """
        if path in self._fetched:
            return self._fetched[path][1]
        try:
            with _answer(path, "HEAD") as answer:
                return _described(path, answer, _length(answer))
        except HTTPError as error:
            if error.code not in _NO_HEAD:
                raise _explained(error) from None
        return self._fetch(path)[1]

    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BufferedReader:
        if mode != "rb":
            raise OSError(errno.EROFS, "what lies in the web is only read")
        if path not in self._fetched:
            self._fetch(path)
        file, described = self._fetched[path]
        return io.BufferedReader(_FetchedFile(self, file, described["size"]), _BLOCK)

    def _fetch(self, path: str) -> tuple[int, dict[str, Any]]:
        """Fetch a whole file.

        Raises:
            ConnectionError: it broke off.
        """
        file, name = tempfile.mkstemp()
        os.unlink(name)  # noqa: PTH108 - its descriptor is what is left of it
        weakref.finalize(self, os.close, file)
        try:
            with _answer(path, "GET") as answer:
                size = _copied(answer, file)
                promised = _length(answer, size)
                if promised is not None and promised > size:
                    raise ConnectionError(f"the connection broke off after {size:,} of {promised:,} bytes")
                self._fetched[path] = file, _described(path, answer, size)
        except HTTPError as error:
            raise _explained(error) from None
        return self._fetched[path]


class _FetchedFile(io.RawIOBase):
    """Reads a file by its descriptor, from a place of its own."""

    def __init__(self, owner: Web, file: int, size: int) -> None:
        super().__init__()
        self._owner = owner  # which closes the descriptor at its end
        self._file, self._size, self._place = file, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        block = os.pread(self._file, len(buffer), self._place)
        buffer[: len(block)] = block
        self._place += len(block)
        return len(block)


@contextmanager
def _answer(path: str, method: str) -> Iterator[HTTPResponse]:
    # Other schemes never come here, and urllib follows no redirection to a file.
    request = Request(quote(path, safe=_SAFE), method=method, headers={"Accept-Encoding": "identity"})  # noqa: S310
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            yield answer
    except HTTPError as error:
        error.close()
        raise
    except (URLError, HTTPException, TimeoutError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
        raise ConnectionError(reason) from error


def _copied(answer: HTTPResponse, file: int) -> int:
    """Write all that is answered to a descriptor, each block whole; return the number of bytes."""
    size = 0
    with open(file, "wb", closefd=False) as whole:
        while block := answer.read(_BLOCK):
            size += whole.write(block)
    return size


def _explained(error: HTTPError) -> OSError:
    if error.code in {404, 410}:
        return FileNotFoundError(errno.ENOENT, "the server has no such file")
    if error.code in {401, 403}:
        return PermissionError(errno.EACCES, f"the server answers {error.code} {error.reason}")
    kind = ConnectionError if error.code >= 500 else OSError
    return kind(f"the server answers {error.code} {error.reason}")


def _length(answer: HTTPResponse, otherwise: int | None = None) -> int | None:
    length = answer.headers["Content-Length"]
    return int(length) if length and length.isdigit() else otherwise


def _described(path: str, answer: HTTPResponse, size: int | None) -> dict[str, Any]:
    changed = answer.headers["Last-Modified"]
    try:
        time = parsedate_to_datetime(changed).timestamp() if changed else None
    except ValueError:
        time = None
    return {"name": path, "type": "file", "size": size, "mtime": time if size is not None else None}
