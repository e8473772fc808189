"""When an artifact's files are verified, so that a damaged one is found before its bytes are used.

A small artifact (up to 64 MiB) is read and compared with its digests at every hit: that takes 40 ms at most. Of a
larger one, a hit compares how the files look from outside (size, times, inode) with how they looked when they were
last read and found whole; the seal, a file in the artifact's own folder, holds that. A file that looks different, as
after any write, is read. What changes bytes without a trace, such as a failing disk, is found when the bytes are
about to be used: before a stage runs, all its inputs are read, unless the same run has written or read them.

So a cached data set of 10 GB costs nothing but a look at its files; one that a stage trains on is read once more.
A seal is no part of a record: lost, garbled or copied elsewhere, it costs one more reading.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.store.artifact import Artifact, damage
from tasks.store.regular import make_way, open_inside, read_inside
from tasks.store.writing import write_atomically

# Bytes of an artifact up to which it is read at every hit.
SMALL = 64 * 2**20

SEAL = ".seal"

# Of a seal that is read: as many files as an artifact can have.
MOST_BYTES = 2**24

# Size, time of the last write and of the last change in nanoseconds, and inode of a file.
Look = list[int]


class _Seal(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    looks: dict[str, Look]


class Verification:
    """Checks the artifacts of one run, and remembers what it has read."""

    def __init__(self, root: Path) -> None:
        """Start with nothing read of the store at `root`."""
        self.root = root
        self.read: dict[str, Look] = {}

    def note(self, artifact: Artifact) -> None:
        """Remember an artifact that was written just now, its files read for their digests."""
        self.read |= _looks(self.root, artifact)
        if not is_small(artifact):
            seal(self.root, artifact)

    def before_use(self, artifact: Artifact) -> str | None:
        """Say which file of an artifact must not be used, or return None; reads what was not read in this run."""
        looks = _looks(self.root, artifact)
        unread = [
            name
            for name, file in artifact.files.items()
            if file.path not in looks or self.read.get(file.path) != looks[file.path]
        ]
        harm = damage(self.root, artifact.only(*unread))
        if harm is None:
            self.read |= looks
        return harm


def at_a_hit(root: Path, artifact: Artifact) -> str | None:
    """Say which file of a cached artifact is damaged as far as a hit needs to know, or return None."""
    if is_small(artifact):
        return damage(root, artifact)
    sealed, looks = _sealed(root, artifact), _looks(root, artifact)
    new = [
        name
        for name, file in artifact.files.items()
        if file.path not in looks or sealed.get(file.path) != looks[file.path]
    ]
    if not new:
        return None
    harm = damage(root, artifact.only(*new))
    if harm is None:
        _write(root, sealed | looks)
    return harm


def seal(root: Path, artifact: Artifact) -> None:
    """Record how the files look that were found whole just now."""
    _write(root, _sealed(root, artifact) | _looks(root, artifact))


def unseal(root: Path, folder: str) -> None:
    """Forget how the files of a folder looked when they were whole: the next hit reads them."""
    make_way(root / folder / SEAL)
    (root / folder / SEAL).unlink(missing_ok=True)


def is_small(artifact: Artifact) -> bool:
    """Say whether an artifact is read at every hit."""
    return sum(file.bytes for file in artifact.files.values()) <= SMALL


def _looks(root: Path, artifact: Artifact) -> dict[str, Look]:
    """Return how each file looks that is there."""
    looks = {}
    for file in artifact.files.values():
        with suppress(OSError), open_inside(root, file.path) as stream:
            looks[file.path] = _look(os.fstat(stream.fileno()))
    return looks


def _look(stat: os.stat_result) -> Look:
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def _sealed(root: Path, artifact: Artifact) -> dict[str, Look]:
    sealed: dict[str, Look] = {}
    for folder in artifact.folders():
        with suppress(OSError, ValueError):
            sealed |= _Seal.model_validate_json(read_inside(root, f"{folder}/{SEAL}", MOST_BYTES)).looks
    return sealed


def _write(root: Path, looks: dict[str, Look]) -> None:
    """Write the seals, one per folder. A store that cannot be written to is read again next time."""
    for folder in {str(Path(path).parent) for path in looks}:
        mine = {path: look for path, look in looks.items() if str(Path(path).parent) == folder}
        with suppress(OSError):
            write_atomically(root / folder / SEAL, _Seal(format=1, looks=mine).model_dump_json().encode())
