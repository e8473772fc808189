"""Leases: what a running flow uses, recorded where `cache clean` looks, and void as soon as its process ends."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from uuid import uuid4

from tasks.store.folders import LEASES
from tasks.store.locks import UNSUPPORTED, hold
from tasks.store.regular import open_regular


@dataclass(frozen=True, slots=True)
class Lease:
    """A running flow's claim on folders of the store."""

    stream: FileIO

    def claim(self, folder: str) -> None:
        """Keep a folder, named relative to the store's root, from being cleaned away while the flow runs."""
        self.stream.write(f"{folder}\n".encode())


@dataclass(frozen=True, slots=True)
class Claims:
    """What all running flows use: the `folders`, and whatever has changed `since` the first of them began."""

    folders: frozenset[str]

    # Seconds since the epoch; infinite where no flow runs.
    since: float

    def cover(self, folder: str, changed: float) -> bool:
        """Say whether a folder may be in use: claimed, or so new that its claim may be about to come."""
        return folder in self.folders or changed >= self.since


@contextmanager
def lease(root: Path) -> Iterator[Lease]:
    """Hold a lease on nothing yet; it ends with the block, or with the process however that ends."""
    path, stream = _begun(_folder(root))
    try:
        with stream:
            yield Lease(stream)
    finally:
        path.unlink(missing_ok=True)


def claims(root: Path) -> Claims:
    """Read what the running flows use; the lease of a process that is gone is removed where that is allowed."""
    folders: set[str] = set()
    since = float("inf")
    for path in sorted(_folder(root).glob("*")):
        # Not found: its flow ended a moment ago. No regular file: it is no flow's, and is passed over.
        with suppress(OSError), open_regular(path) as stream:
            if _is_void(stream.fileno()):
                path.unlink(missing_ok=True)
                continue
            began, *claimed = stream.read().decode(errors="replace").splitlines() or [""]
            folders |= set(claimed)
            since = min(since, _seconds(began))
    return Claims(frozenset(folders), since)


def _begun(folder: Path) -> tuple[Path, FileIO]:
    """Make a lease's file and lock it; make another where `claims` removed it as void before it was locked."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        path = folder / uuid4().hex
        stream = FileIO(path, "xb")
        stream.write(f"{time.time()}\n".encode())
        if hold(stream.fileno()) and path.exists():
            return path, stream
        stream.close()


def _folder(root: Path) -> Path:
    return root / LEASES


def _seconds(text: str) -> float:
    """Read a lease's first line; garbled, its flow may have begun at any time, and nothing new is cleaned away."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def _is_void(handle: int) -> bool:
    """Say whether the process of a lease is gone; where the file system has no locks it may be alive."""
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        return False
    return True
