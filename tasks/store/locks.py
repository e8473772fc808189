"""One process at a time for one artifact; a lock whose owner died is free, since the kernel drops it.

All locks of the store are `flock`s on files that are removed after use: whoever obtains one makes sure that the file
still has its name, and begins again where it has not. They work on NFS too, which makes them locks of bytes between
machines: a file must be open for writing, a folder cannot be locked, a file that another machine has removed is stale,
and one that is removed while it is open gets another name instead.
"""

import errno
import fcntl
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tasks.store.folders import LOCKS
from tasks.store.regular import is_irregular, make_way, regular_handle

# Seconds to wait before naming the lock's owner, and between two tries.
PATIENCE = 5.0
PAUSE = 0.05

# What file systems without locks answer: then two processes may compute the same artifact, which is harmless.
UNSUPPORTED = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP})


def _ignore(_owner: str) -> None: ...


@contextmanager
def locked(root: Path, name: str, on_wait: Callable[[str], None] = _ignore) -> Iterator[None]:
    """Hold the store's lock called `name`, waiting as long as the process that has it lives.

    Args:
        root: The store's root.
        name: What is locked.
        on_wait: Called once, with who has the lock, where the wait takes longer than a few seconds.
    """
    path = _path(root, name)
    handle = _obtained(path, on_wait)
    try:
        with suppress(OSError):  # a full disk: then the owner stays unnamed
            os.truncate(handle, 0)
            os.pwrite(handle, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)  # before it is free: no one else can have a lock on this file
        os.close(handle)


@contextmanager
def taken(root: Path, name: str) -> Iterator[bool]:
    """Hold the lock called `name` if nobody has it; say whether it is held."""
    path = _path(root, name)
    handle = _opened(path)
    try:
        mine = _is_ours(handle, path)
        yield mine
        if mine:
            path.unlink(missing_ok=True)
    finally:
        os.close(handle)


def hold(handle: int) -> bool:
    """Lock an open file or folder, unless another process has it; True where it is free or cannot be locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    return True


def has_locks(root: Path) -> bool:
    """Say whether the file system of a store has locks at all; a store that cannot be written to counts as one."""
    try:
        with tempfile.TemporaryFile(dir=root) as probe:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in UNSUPPORTED
    return True


def is_abandoned(path: Path) -> bool:
    """Say whether no living process holds a file."""
    try:
        handle = regular_handle(path, os.O_RDWR)
    except OSError:  # it is gone, or no regular file
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or the file system has no locks: then nothing is known
        return False
    finally:
        os.close(handle)
    return True


def _obtained(path: Path, on_wait: Callable[[str], None]) -> int:
    """Open and lock a file, anew each time that it lost its name meanwhile."""
    begun, reported = time.monotonic(), False
    while True:
        handle = _opened(path)
        try:
            if _is_ours(handle, path):
                return handle
            if not reported and time.monotonic() - begun > PATIENCE:
                reported = True
                on_wait(os.pread(handle, 200, 0).decode(errors="replace") or "another process")
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
        time.sleep(PAUSE)


def _path(root: Path, name: str) -> Path:
    (root / LOCKS).mkdir(parents=True, exist_ok=True)
    return root / LOCKS / f"{name}.lock"


def _opened(path: Path) -> int:
    """Open a lock's file, made where there is none; a link, a pipe or a folder in its place is removed."""
    while True:
        try:
            return regular_handle(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if not is_irregular(error):
                raise
        make_way(path)


def _is_ours(handle: int, path: Path) -> bool:
    """Lock an open file if that is possible, and the file is not one that its last owner has removed.

    The name is opened anew to compare: on NFS that asks the server, and a link count would not tell.
    """
    try:
        if not hold(handle):
            return False
        again = regular_handle(path, os.O_RDONLY)
        try:
            return os.path.sameopenfile(handle, again)
        finally:
            os.close(again)
    except OSError as error:
        if error.errno not in {errno.ENOENT, errno.ESTALE} and not is_irregular(error):
            raise
        return False
