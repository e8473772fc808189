"""An object store as the remote needs it: whole objects read, written, listed and removed, at an address.

The addresses are obstore's: s3://bucket/prefix, gs://, az:// and file://. Credentials are the environment's, such as
AWS_ACCESS_KEY_ID. Whatever goes wrong becomes one line that holds none of them.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from obstore import GetResult
    from obstore.store import ObjectStore

# A request that fails is sent again, after growing pauses, until so many seconds have passed.
PATIENCE = 60

# Bytes of a piece of a large object: 10,000 of them, S3's limit, are 160 GB.
PIECE = 2**24

# What a store answers of a bucket that is not there; of an object in it, it answers the same status.
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")

# Variables whose values must not be read in a message.
_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSW|CREDENTIAL|SAS", re.IGNORECASE)


class RemoteError(OSError):
    """The remote cannot be used; the message says which, why, and what to do."""


class NoRemote(ValueError):
    """What is named as the remote can be none; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Item:
    """An object in a listing: its path below the address, its size, when it was written (epoch seconds)."""

    path: str
    bytes: int
    changed: float


class Objects:
    """The objects below an address."""

    def __init__(self, address: str) -> None:
        """Open an address; nothing is asked of it yet.

        Raises:
            NoRemote: obstore is not installed, or cannot make anything of the address or the environment.
        """
        self.address = address
        self._store = _opened(address)

    def read(self, path: str, most: int) -> bytes | None:
        """Return an object of at most `most` bytes, or None where there is none.

        Raises:
            ValueError: it is larger.
            RemoteError: the remote cannot be read.
        """
        pieces = self.pieces(path, most)
        return None if pieces is None else b"".join(pieces)

    def pieces(self, path: str, most: int) -> Iterator[bytes] | None:
        """Return an object of at most `most` bytes piece by piece, or None where there is none.

        Raises:
            ValueError: it is larger.
            RemoteError: the remote cannot be read.
        """
        import obstore

        with self._explained("read"):
            try:
                found = obstore.get(self._store, path)
            except FileNotFoundError as error:
                if any(mark in str(error) for mark in _NO_BUCKET):
                    raise
                return None
        if found.meta["size"] > most:
            raise ValueError(f"{path} has more than {most:,} bytes")
        return self._streamed(found)

    def size(self, path: str) -> int | None:
        """Return the bytes of an object, or None where there is none.

        Raises:
            RemoteError: the remote cannot be read.
        """
        import obstore

        with self._explained("read"):
            try:
                return int(obstore.head(self._store, path)["size"])
            except FileNotFoundError:
                return None

    def write(self, path: str, content: bytes | IO[bytes]) -> None:
        """Write an object, whatever is there: readers see the old one or the new one, never a part.

        Raises:
            RemoteError: the remote cannot be written.
        """
        import obstore

        with self._explained("written"):
            obstore.put(self._store, path, content, chunk_size=PIECE)

    def create(self, path: str, content: bytes) -> bool:
        """Write an object if there is none; say whether it was written. Of many who try at once, one succeeds.

        A store without this request writes anyway; then several writers believe that they were first.

        Raises:
            RemoteError: the remote cannot be written.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        with self._explained("written"):
            try:
                obstore.put(self._store, path, content, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
            except BaseError as error:
                if not _is_unknown(error):
                    raise
                obstore.put(self._store, path, content)
        return True

    def remove(self, path: str) -> None:
        """Remove an object, if it is there.

        Raises:
            RemoteError: the remote cannot be written.
        """
        import obstore

        with self._explained("written"):
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:  # what S3 does not say
                return

    def list(self, folder: str) -> Iterator[Item]:
        """Yield the objects in a folder and in those below it.

        Raises:
            RemoteError: the remote cannot be read.
        """
        import obstore

        with self._explained("read"):
            for some in obstore.list(self._store, folder):
                yield from (
                    Item(str(each["path"]), int(each["size"]), each["last_modified"].timestamp())
                    for each in some
                )

    def _streamed(self, found: "GetResult") -> Iterator[bytes]:
        with self._explained("read"):
            for piece in found.stream(PIECE):
                yield bytes(piece)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Say of what goes wrong that the remote cannot be read or written, and why."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, OSError) as error:
            raise RemoteError(
                _number(error),
                f"`remote` of {self.address!r} cannot be {done}: {_reason(error)}; check the address, the network "
                "and the credentials in the environment, or leave `remote` out",
            ) from None  # what was raised may quote a header or a signature


def _opened(address: str) -> "ObjectStore":
    try:
        from obstore.exceptions import BaseError
        from obstore.store import from_url
    except ImportError:
        raise NoRemote(
            f"`remote` of {address!r} needs obstore; `pip install '.[remote]'` in the checkout"
        ) from None
    try:
        if address.startswith("file:"):
            return from_url(address, mkdir=True)
        # Plain HTTP is for whoever has named such an endpoint: a server in the same house, or a test's.
        endpoints = (value for name, value in os.environ.items() if "ENDPOINT" in name)
        plain = any(value.lower().startswith("http://") for value in endpoints)
        return from_url(
            address,
            client_options={"allow_http": plain, "timeout": timedelta(minutes=10)},
            retry_config={"max_retries": 8, "retry_timeout": timedelta(seconds=PATIENCE)},
        )
    except (BaseError, OSError, ValueError) as error:
        raise NoRemote(
            f"`remote` of {address!r} cannot be used: {_reason(error)}; check the address"
        ) from None


def _number(error: Exception) -> int:
    """Return the system's number for an error; one of the network passes, and a stage is tried again."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    if isinstance(error, OSError) and error.errno:
        return error.errno
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return errno.EACCES
    return errno.ENOENT if isinstance(error, FileNotFoundError) else errno.EIO


def _reason(error: Exception) -> str:
    """Say what a store answered, without what it quotes of the request."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    text = str(error)
    if isinstance(error, FileNotFoundError) or any(mark in text for mark in _NO_BUCKET):
        return "there is no such bucket or folder"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return "access is denied"
    if code := re.search(r"<Code>(\w{1,60})</Code>", text):
        return code[1]
    if "error sending request" in text:
        return "no answer"
    line = re.sub(r"https?://\S+", "its address", text.partition("\n")[0].partition("<")[0])
    for value in _secrets():
        line = line.replace(value, "…")
    return "".join(sign if sign.isprintable() else " " for sign in line)[:160].strip() or type(error).__name__


def _is_unknown(error: Exception) -> bool:
    """Say whether a store does not know a request."""
    from obstore.exceptions import NotSupportedError

    return isinstance(error, NotSupportedError) or "NotImplemented" in str(error)


def _secrets() -> Iterable[str]:
    return [value for name, value in os.environ.items() if _SECRET.search(name) and len(value) > 3]
