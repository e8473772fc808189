"""The folders of a store: their names, what is in them, their bytes; and whether a folder can be a store at all."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tasks.store.regular import is_folder, is_regular

STAGES = ("generate", "files", "ingest", "split", "train", "evaluate", "report", "repeats")
RUNS, REGISTRY, FRAMES = "runs", "registry", "frames"
RECORDS, KEYS, KNOWN = "records", "keys", "known"
CHECKPOINTS, PIECES = "checkpoints", "pieces"
DRAFTS, LOCKS, LEASES = "drafts", "locks", "leases"

# All of them. Nothing else directly below the root is ever written to or removed.
NAMES = (*STAGES, RUNS, FRAMES, REGISTRY, RECORDS, KEYS, KNOWN, CHECKPOINTS, PIECES, DRAFTS, LOCKS, LEASES)


# Device and number, which identify a file.
Inode = tuple[int, int]


class BadStore(ValueError):
    """What is named as the store cannot be one; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the store: its path relative to the root, its size in bytes, when it changed (epoch seconds).

    The figures that a run's folder shares with the stage that drew them count as the stage's alone.
    """

    path: str
    bytes: int
    changed: float


def store_root(artifacts: str) -> Path:
    """Return the store's root, which need not be there yet; the name may be a link to it.

    Raises:
        BadStore: it is no folder, or one of its own folders is none: what is written there would lie elsewhere.
    """
    root = _root(artifacts)
    if bad := displaced(root):
        raise BadStore(
            f"`artifacts` of {artifacts!r}: {bad[0]!r} in it is a link or a file; "
            "make it a folder, or make `artifacts` as a whole the link"
        )
    return root


def existing_root(artifacts: str) -> Path:
    """Return the root of a store that is there.

    Raises:
        BadStore: there is no such folder.
    """
    root = _root(artifacts)
    if not root.is_dir():
        raise BadStore(
            f"`artifacts` of {artifacts!r}: there is no such folder; check the name, or `linear-neuron run` first"
        )
    return root


def displaced(root: Path) -> list[str]:
    """Return which of the store's own folders are links or files, relative to the root: they are never entered."""
    names = [*NAMES, *(f"{KEYS}/{stage}" for stage in STAGES)]
    inside = [name for name in names if is_folder((root / name).parent)]
    return [name for name in inside if os.path.lexists(root / name) and not is_folder(root / name)]


def is_open_to_others(root: Path) -> bool:
    """Say whether every user of the machine may write to the store, and so change what runs read."""
    with suppress(OSError):
        return bool(root.stat().st_mode & stat.S_IWOTH)
    return False


def entries(folder: Path) -> Iterator[Path]:
    """List what is in a folder, sorted; nothing where it is a link or has vanished."""
    if is_folder(folder):
        with suppress(OSError):
            yield from sorted(folder.iterdir())


def folders_in(
    root: Path, parent: str, name: re.Pattern[str], shared: frozenset[Inode] = frozenset()
) -> list[Folder]:
    """List the folders of a kind, the oldest first; one that vanishes meanwhile is left out.

    Args:
        root: The store's root.
        parent: The folder that they lie in, relative to the root.
        name: What their names are like.
        shared: Files that count as another folder's.
    """
    found = []
    for path in entries(root / parent):
        if name.fullmatch(path.name) and is_folder(path):
            with suppress(FileNotFoundError):
                found.append(Folder(f"{parent}/{path.name}", bytes_in(path, shared), path.lstat().st_mtime))
    return sorted(found, key=lambda folder: folder.changed)


def files_in(folder: Path) -> list[Path]:
    """List the regular files of a folder, but for those that are being written; none where it is a link."""
    return [path for path in entries(folder) if is_regular(path) and not path.name.startswith(".")]


def bytes_in(folder: Path, shared: frozenset[Inode] = frozenset()) -> int:
    """Return the bytes of a folder's files on all levels, without the `shared` ones; symbolic links count nothing."""
    return sum(found.st_size for found in _stats(folder) if (found.st_dev, found.st_ino) not in shared)


def inodes_in(folder: Path) -> frozenset[Inode]:
    """Return what identifies a folder's files on all levels, whatever other names they have."""
    return (
        frozenset((found.st_dev, found.st_ino) for found in _stats(folder))
        if is_folder(folder)
        else frozenset()
    )


def changed(path: Path) -> float:
    """Return when a file was last written to, in seconds since the epoch; infinity where it is gone."""
    with suppress(OSError):
        return path.lstat().st_mtime
    return float("inf")


def _root(artifacts: str) -> Path:
    root = Path(os.path.realpath(artifacts))
    if os.path.lexists(root) and not root.is_dir():
        raise BadStore(f"`artifacts` of {artifacts!r} is no folder; name the folder for the runs' files")
    return root


def _stats(folder: Path) -> Iterator[os.stat_result]:
    walk = os.walk(folder)  # follows no links below, and passes over what vanishes
    for path in (Path(above, name) for above, _, names in walk for name in names):
        with suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode):
                yield found
