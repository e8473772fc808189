"""Atomic writes: readers see the old file or the new one, never a part.

A stage writes into a draft folder of its own. `publish` makes the files durable and renames the folder to a name
that is the digest of its contents: two processes that compute the same thing leave the same files under one name.
Unfinished files are locked while they are written, and a file beside each draft, so that `sweep` can tell those of dead
processes. A draft itself cannot be locked everywhere, since it is a folder.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue

from tasks.store.artifact import Artifact, StoredFile, digest
from tasks.store.folders import DRAFTS, LEASES, LOCKS, entries
from tasks.store.locks import hold, is_abandoned
from tasks.store.regular import is_folder, is_regular, make_way

_PART = re.compile(r"\.[0-9a-f]{32}\.part")

# Of the file beside a draft.
HOLDER = ".held"

# Files that are digested or flushed at a time.
_DIGESTING = 4

# Hexadecimal digits of a folder's name: 64 bits, so that a clash needs billions of artifacts.
NAME_LENGTH = 16


@contextmanager
def draft(root: Path) -> Iterator[Path]:
    """Lend an empty folder inside the store to write into; whatever `publish` did not take is removed."""
    folder, handle = _held_folder(root / DRAFTS)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _holder(folder).unlink(missing_ok=True)
        os.close(handle)


def publish(
    folder: Path,
    root: Path,
    stage: str,
    facts: dict[str, JsonValue] | None = None,
    notes: Iterable[str] = (),
) -> Artifact:
    """Move a draft's files to their place in the store and return their record.

    The files are read once more for their digests, and flushed to the disk before they get their name. Where the
    same contents are there already, each file is replaced by itself: harmless, and it mends a damaged one.
    """
    names = sorted(path.name for path in folder.iterdir())
    with ThreadPoolExecutor(_DIGESTING) as pool:
        digesting = pool.map(lambda name: digest(folder / name), names)
        flushing = pool.map(
            lambda name: _flush(folder / name), names
        )  # the disk is at work while others are read
        digests = dict(zip(names, digesting, strict=True))
        list(flushing)
    sizes = {name: (folder / name).stat().st_size for name in names}
    place = root / stage / _name_of(digests)
    _flush_folder(folder)
    _move(folder, place, names)
    files = {
        name: StoredFile(path=f"{stage}/{place.name}/{name}", bytes=sizes[name], sha256=digests[name])
        for name in names
    }
    return Artifact(stage=stage, files=files, facts=facts or {}, notes=tuple(notes)).checked()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file of the store whole: under a temporary name beside it, flushed, then renamed."""
    make_folder(path.parent)
    make_way(path)
    with whole(path) as part:
        part.write_bytes(content)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Lend a temporary name beside `path` to write a file under; it gets its name when it is complete, else it goes."""
    part, handle = _held_file(path)
    try:
        yield part
        os.fsync(handle)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)
    _flush_folder(path.parent)


def share(file: Path, path: Path) -> None:
    """Give a file of the store a second name, which takes no space; where the file system has no links, copy it."""
    make_folder(path.parent)
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        os.link(file, part)
        part.replace(path)
    except OSError:
        write_atomically(path, file.read_bytes())
    finally:
        part.unlink(missing_ok=True)  # it stays where `path` was the same file already
    _flush_folder(path.parent)


def sweep_beside(path: Path) -> None:
    """Remove the temporary files in the folder of `path` that killed processes left."""
    for part in path.parent.glob(".*.part"):
        if _PART.fullmatch(part.name) and is_abandoned(part):
            part.unlink(missing_ok=True)


def sweep(root: Path) -> list[str]:
    """Remove what killed processes left: drafts, unfinished files, locks and leases. What a living one holds stays.

    Returns:
        What lies in their places and cannot be theirs, such as pipes, relative to the root; it is left alone.
    """
    strange = []
    for path, is_expected in _unfinished(root):
        if not _is_inside(root, path):
            continue
        if is_expected(path) and _is_left(path):
            _remove(path)
        elif os.path.lexists(path) and not is_expected(path):
            strange.append(str(path.relative_to(root)))
    return strange


def _unfinished(root: Path) -> Iterator[tuple[Path, Callable[[Path], bool]]]:
    """Yield what processes keep only while they work, each with what it is expected to be."""
    for path in entries(root / DRAFTS):
        yield path, is_regular if path.suffix == HOLDER else is_folder
    yield from ((path, is_regular) for path in entries(root / LOCKS) if path.suffix == ".lock")
    yield from ((path, is_regular) for path in entries(root / LEASES))
    for folder in entries(root):
        inside = list(entries(folder))
        for path in [*inside, *(path for each in inside for path in entries(each))]:
            if path.match(".*.part"):
                yield path, _is_part


def discard(folder: Path, root: Path) -> None:
    """Remove a folder of the store: out of sight in one step, so that nobody finds half of it, then file by file."""
    away = root / DRAFTS / uuid4().hex
    away.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):  # another process was quicker
        folder.rename(away)
    shutil.rmtree(away, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each durably."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _flush_folder(folder.parent)


def _is_part(path: Path) -> bool:
    """Say whether an unfinished file lies there, or a folder on its way out."""
    return is_regular(path) or is_folder(path)


def _is_inside(root: Path, path: Path) -> bool:
    """Say whether no folder between the root and a path is a link."""
    return all(is_folder(root / above) for above in path.relative_to(root).parents[:-1])


def _remove(path: Path) -> None:
    if is_folder(path):
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_left(path: Path) -> bool:
    """Say whether no living process holds an unfinished file, or the file beside a draft, which may be gone."""
    holder = _holder(path) if is_folder(path) else path
    return is_abandoned(holder) or (is_folder(path) and not os.path.lexists(holder))


def _holder(folder: Path) -> Path:
    """Return the file beside a draft that is locked as long as somebody writes into it."""
    return folder.with_suffix(HOLDER)


def _held_folder(above: Path) -> tuple[Path, int]:
    """Lock a file and make the folder beside it; where `sweep` was quicker than the lock, make others."""
    above.mkdir(parents=True, exist_ok=True)
    while True:
        folder = above / uuid4().hex
        handle = os.open(_holder(folder), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        if hold(handle) and _holder(folder).exists():
            folder.mkdir()
            return folder, handle
        os.close(handle)


def _held_file(path: Path) -> tuple[Path, int]:
    """Make a temporary file beside a path and lock it; where `sweep` was quicker than the lock, make another."""
    while True:
        part = path.with_name(f".{uuid4().hex}.part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        if hold(handle) and part.exists():
            return part, handle
        os.close(handle)


def _name_of(digests: dict[str, str]) -> str:
    lines = "".join(f"{name}\0{value}\n" for name, value in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()[:NAME_LENGTH]


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _move(folder: Path, place: Path, names: list[str]) -> None:
    make_folder(place.parent)
    if os.path.lexists(place) and not is_folder(place):
        place.unlink(missing_ok=True)  # a link: what it leads to is not the store's
    try:
        folder.rename(place)
    except OSError:
        if not is_folder(place):
            raise
        for name in names:
            make_way(place / name)
            (folder / name).replace(place / name)
        _flush_folder(place)
    _flush_folder(place.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
