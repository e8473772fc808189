"""Leases on a remote: of machines that need the same artifact one computes it, while the others wait.

A lease is an object that its owner renews. One that is not renewed for a minute is void, by the waiting machine's own
clock, so clocks need not agree. Correctness does not rest on it: whoever loses a lease goes on, both compute, and
leave the same contents under the same names.
"""

import hashlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from tasks.store.locks import PATIENCE
from tasks.store.objects import Objects, RemoteError

LEASES = "leases"

# Seconds without a renewal after which a lease is void; between two renewals; between two looks at another's.
LIMIT = 60.0
RENEWAL = 15.0
PAUSE = 1.0

# Of a lease that is read.
MOST_BYTES = 2**12


class _Lease(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    owner: str = Field(max_length=200, pattern=r"^[\w .-]*$")
    # Of the owner's local store: who holds the local lock on a key knows that an owner of the same store is dead.
    store: str
    token: str
    renewed: int = 0


@dataclass(frozen=True, slots=True)
class LeaseRequest:
    """What will be computed: the `keys`, in the store at `root`.

    `is_done` says whether somebody has a key's result ready; `on_wait` is called with who is being waited for.
    """

    keys: Iterable[str]
    root: Path
    is_done: Callable[[str], bool]
    on_wait: Callable[[str], None]


@contextmanager
def leased(objects: Objects, wanted: LeaseRequest) -> Iterator[None]:
    """Hold the leases on keys whose results do not exist yet; wait for other owners while they are alive.

    Whoever calls this holds the local locks on the keys.

    Raises:
        RemoteError: the remote cannot be used when a lease is taken; later, a lease is only lost.
    """
    held = _Held(objects)
    mine = _Lease(owner=_owner(), store=_store(wanted.root), token=uuid4().hex)
    for key in sorted(wanted.keys):
        if _taken(objects, key, mine, wanted):
            held.leases[key] = mine
    renewing = threading.Thread(target=held.renew, name="leases", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        held.ended.set()
        renewing.join()
        held.release()


@dataclass(slots=True)
class _Held:
    """The leases that this process holds, by key."""

    objects: Objects
    leases: dict[str, _Lease] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def renew(self) -> None:
        """Renew the leases until the work has ended; one that another machine has taken is let go."""
        while not self.ended.wait(RENEWAL):
            for key, lease in list(self.leases.items()):
                with suppress(RemoteError):  # then the lease may be lost, which is harmless
                    self._renew(key, lease)

    def release(self) -> None:
        """Give back the leases that are still this process's."""
        for key, lease in self.leases.items():
            with suppress(RemoteError):  # it will be void in a minute
                if _is_mine(self.objects, key, lease):
                    self.objects.remove(_path(key))

    def _renew(self, key: str, lease: _Lease) -> None:
        if _is_mine(self.objects, key, lease):
            self.leases[key] = lease.model_copy(update={"renewed": lease.renewed + 1})
            self.objects.write(_path(key), self.leases[key].model_dump_json().encode())
        else:
            del self.leases[key]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Another machine's lease, and since when it has not been renewed."""

    content: bytes
    since: float


def _taken(objects: Objects, key: str, mine: _Lease, wanted: LeaseRequest) -> bool:
    """Take the lease on a key; False where its result is ready first."""
    content, begun, told = mine.model_dump_json().encode(), time.monotonic(), False
    seen = _Seen(b"", begun)
    while not objects.create(_path(key), content):
        found = _read(objects, key)
        if found is not None and found != seen.content:
            seen = _Seen(found, time.monotonic())
        other = _parsed(seen.content)
        if found is not None and _is_void(seen, other, mine):
            objects.write(_path(key), content)
            return True
        if wanted.is_done(key):
            return False
        if not told and time.monotonic() - begun > PATIENCE:
            told = True
            wanted.on_wait(other.owner if other else "another machine")
        if found is not None:
            time.sleep(PAUSE)
    return True


def _is_void(seen: _Seen, other: _Lease | None, mine: _Lease) -> bool:
    return bool(other and other.store == mine.store) or time.monotonic() - seen.since > LIMIT


def _is_mine(objects: Objects, key: str, lease: _Lease) -> bool:
    other = _parsed(_read(objects, key) or b"")
    return other is not None and other.token == lease.token


def _read(objects: Objects, key: str) -> bytes | None:
    """Return a lease as it is written; what is too large to be one is one that nobody renews."""
    try:
        return objects.read(_path(key), MOST_BYTES)
    except ValueError:
        return b""


def _parsed(content: bytes) -> _Lease | None:
    try:
        return _Lease.model_validate_json(content)
    except ValueError:
        return None


def _path(key: str) -> str:
    return f"{LEASES}/{key}"


def _owner() -> str:
    host = "".join(sign if sign.isalnum() or sign in "-._" else "-" for sign in socket.gethostname())
    return f"process {os.getpid()} on {host}"[:200]


def _store(root: Path) -> str:
    return hashlib.sha256(f"{socket.gethostname()}\0{root}".encode()).hexdigest()
