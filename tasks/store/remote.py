"""A remote behind the local store: what one machine has computed, others take from there.

The objects, below the remote's address:

    contents/SHA-256         a file's bytes
    records/KEY              what a stage left: the record as in the local store
    known/KEY.json           the same of one file of the user's table
    keys/STAGE/KEY.json      what a key was made of, to say later what has changed
    runs/RUN.json            a run's result, which lists the files of its folder
    leases/KEY               who is computing it; see `tasks.store.remote_leases`

Nothing is renamed, and no order matters but one: contents go up before the record or the result that lists them. What
comes from there is trusted no more than what lies in the store: records pass the same reader, and bytes count only
when they have their digest. What was found missing or damaged is written anew by whoever computes it again.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TypeVar

from tasks.store.artifact import MOST_BYTES, Artifact, StoredFile, parsed_record, stored_digest
from tasks.store.folders import KNOWN, RECORDS, RUNS, STAGES
from tasks.store.objects import Item, Objects
from tasks.store.regular import is_folder, make_way, open_inside
from tasks.store.writing import make_folder, whole

CONTENTS = "contents"

# Requests at once.
AT_ONCE = 16

# Bytes up to which a file is sent without asking whether it is there: that takes as long, and mends a damaged one.
SENT_UNASKED = 2**20

DIGEST = re.compile(r"[0-9a-f]{64}")
_PLACE = re.compile(rf"(?:{'|'.join(STAGES)})/[0-9a-f]{{16}}/[^/\0]+")

T = TypeVar("T")
R = TypeVar("R")


class _Unusable(ValueError):
    """What the remote has of a file cannot be used; the message says why."""


class Remote:
    """A remote as one process sees it. What it has read it remembers, as long as nobody doubts it."""

    def __init__(self, objects: Objects) -> None:
        """Use the objects below an address; nothing is asked of it yet."""
        self.objects = objects
        self._records: dict[str, Artifact] = {}
        self._texts: dict[str, bytes] = {}
        self._runs: list[Item] | None = None
        self._known: set[str] | None = None
        # Digests of contents that were seen to be there, or sent; and of those found missing or damaged.
        self._there: set[str] = set()
        self._bad: set[str] = set()
        # Records that led to such contents: they count as absent until they are written anew.
        self._doubted: set[str] = set()
        self._noticed: list[str] = []

    @property
    def address(self) -> str:
        """Where it lies."""
        return self.objects.address

    def noticed(self) -> list[str]:
        """Return what was found damaged since the last call."""
        found, self._noticed = list(dict.fromkeys(self._noticed)), []
        return found

    def record(self, path: str) -> Artifact | None:
        """Return a record; None where there is none, none that can be read, or one that is doubted.

        Raises:
            RemoteError: the remote cannot be read.
        """
        if path in self._doubted:
            return None
        if path not in self._records:
            try:
                content = self.objects.read(path, MOST_BYTES)
                if content is None:
                    return None
                artifact = shared_record(content)
            except ValueError:
                self._noticed.append(f"{path} of the remote cannot be read as a record")
                return None
            self._records[path] = artifact
            self._there |= {file.sha256 for file in artifact.files.values()}
        return self._records[path]

    def has(self, key: str) -> bool:
        """Say whether there is a record of a stage under a key.

        Raises:
            RemoteError: the remote cannot be read.
        """
        return self.record(record_path(key)) is not None

    def doubt(self, path: str) -> None:
        """Take a record for absent, since what it lists cannot be had; it is written anew with its contents."""
        self._doubted.add(path)
        if artifact := self._records.pop(path, None):
            self._there -= {file.sha256 for file in artifact.files.values()}

    def knows(self, path: str) -> bool:
        """Say whether there is a record of a file of the user's table; all of them are listed once.

        Raises:
            RemoteError: the remote cannot be read.
        """
        if self._known is None:
            self._known = {item.path for item in self.objects.list(KNOWN)}
        return path in self._known

    def keep(self, path: str, artifact: Artifact, root: Path) -> None:
        """Send an artifact's files, and then its record, to `path`.

        Raises:
            RemoteError: the remote cannot be written.
        """
        self.send(artifact.files.values(), root)
        self.objects.write(path, artifact.model_dump_json().encode())
        self._records[path] = artifact
        self._doubted.discard(path)

    def send(self, files: Iterable[StoredFile], root: Path) -> None:
        """Send files of the store at `root` that the remote is not known to have.

        Raises:
            OSError: a file cannot be read, or the remote cannot be written.
        """
        known = self._there - self._bad
        missing = {file.sha256: file for file in files if file.sha256 not in known}

        def sent(file: StoredFile) -> None:
            path = f"{CONTENTS}/{file.sha256}"
            asked = file.bytes > SENT_UNASKED and file.sha256 not in self._bad
            if not (asked and self.objects.size(path) == file.bytes):
                with open_inside(root, file.path) as stream:
                    self.objects.write(path, stream)

        _at_once(sent, missing.values())
        self._there |= missing.keys()
        self._bad -= missing.keys()

    def fetch(self, artifact: Artifact, root: Path) -> str | None:
        """Put those files of an artifact into the store at `root` that it lacks; say which cannot be had, or None.

        Raises:
            OSError: the remote cannot be read, or the store cannot be written.
        """

        def fetched(file: StoredFile) -> str | None:
            try:
                self._download(file, root / file.path)
            except _Unusable as error:
                self._bad.add(file.sha256)
                return f"{file.path} {error}"
            return None

        lacking = [file for file in artifact.files.values() if not _is_whole(root, file)]
        for folder in {(root / file.path).parent for file in lacking}:
            if not is_folder(folder):
                folder.unlink(missing_ok=True)  # a link: what it leads to is not the store's
                make_folder(folder)
        return next(filter(None, _at_once(fetched, lacking)), None)

    def content(self, file: StoredFile, most: int) -> bytes | None:
        """Return a file's bytes, or None where the remote does not have them as they were written, or above `most`.

        Raises:
            RemoteError: the remote cannot be read.
        """
        try:
            return b"".join(self._verified(file)) if file.bytes <= most else None
        except _Unusable:
            return None

    def text(self, path: str, most: int) -> bytes | None:
        """Return an object of at most `most` bytes that is never changed, or None where there is none.

        Raises:
            ValueError: it is larger.
            RemoteError: the remote cannot be read.
        """
        if path not in self._texts:
            content = self.objects.read(path, most)
            if content is None:
                return None
            self._texts[path] = content
        return self._texts[path]

    def texts(self, paths: Sequence[str], most: int) -> list[bytes | None]:
        """Do the same of several objects at once; None for one that is larger, too.

        Raises:
            RemoteError: the remote cannot be read.
        """

        def read(path: str) -> bytes | None:
            try:
                return self.text(path, most)
            except ValueError:
                return None

        return _at_once(read, paths)

    def write(self, path: str, content: bytes) -> None:
        """Write a small object; of runs, the listing shows it from now on.

        Raises:
            RemoteError: the remote cannot be written.
        """
        self.objects.write(path, content)
        self._texts[path] = content
        self._runs = None

    def runs(self) -> list[Item]:
        """List the results of runs, in the order in which they were written.

        Raises:
            RemoteError: the remote cannot be read.
        """
        if self._runs is None:
            self._runs = sorted(self.objects.list(RUNS), key=lambda item: (item.changed, item.path))
        return self._runs

    def _download(self, file: StoredFile, path: Path) -> None:
        make_way(path)
        with whole(path) as part, part.open("wb") as stream:
            stream.writelines(self._verified(file))

    def _verified(self, file: StoredFile) -> Iterator[bytes]:
        """Yield a file's bytes.

        Raises:
            _Unusable: there are none, or too many; or, after the last piece, they are not what was written.
        """
        if not DIGEST.fullmatch(file.sha256):
            raise _Unusable("has no SHA-256 for a digest")
        try:
            pieces = self.objects.pieces(f"{CONTENTS}/{file.sha256}", file.bytes)
        except ValueError as error:
            raise _Unusable(f"is not in the remote as it was written: {error}") from error
        if pieces is None:
            raise _Unusable("is missing, and the remote does not have it either")
        found = hashlib.sha256()
        for piece in pieces:
            found.update(piece)
            yield piece
        if found.hexdigest() != file.sha256:
            raise _Unusable("is not in the remote as it was written: its SHA-256 has changed")


def record_path(key: str) -> str:
    """Return where a stage's record lies."""
    return f"{RECORDS}/{key}"


def known_path(key: str) -> str:
    """Return where the record of one file of the user's table lies."""
    return f"{KNOWN}/{key}.json"


def shared_record(content: bytes) -> Artifact:
    """Read a record that comes from a remote.

    Raises:
        ValueError: it is not what was written, or lists what no stage leaves.
    """
    artifact = parsed_record(content)
    for file in artifact.files.values():
        if not (_PLACE.fullmatch(file.path) and DIGEST.fullmatch(file.sha256) and file.bytes >= 0):
            raise ValueError(f"{file.path!r} is no file of a stage")
    return artifact


_BEHIND: ContextVar[Remote | None] = ContextVar("remote", default=None)


@contextmanager
def using(address: str | None) -> Iterator[Remote | None]:
    """Within this block the store has the remote at an address behind it, or none; never part of a key.

    Raises:
        NoRemote: it cannot be used.
    """
    now = _BEHIND.get()
    if address is None or now is None or now.address != address:
        now = None if address is None else Remote(Objects(address))
    token = _BEHIND.set(now)
    try:
        yield now
    finally:
        _BEHIND.reset(token)


def behind() -> Remote | None:
    """Return the remote behind the store, if there is one."""
    return _BEHIND.get()


def _is_whole(root: Path, file: StoredFile) -> bool:
    try:
        return stored_digest(root, file.path) == file.sha256
    except OSError:
        return False


def _at_once(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Call a function on several items side by side; return the results in their order."""
    every = list(items)
    if len(every) < 2:
        return [function(each) for each in every]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, every))
