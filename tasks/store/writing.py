"""Atomic writes: readers see the old file or the new one, never a part.

A stage writes into a draft folder of its own. `publish` makes the files durable and renames the folder to a name
that is the digest of its contents: two processes that compute the same thing leave the same files under one name.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pydantic import JsonValue

from tasks.store.artifact import Artifact, File, digest

NAME_LENGTH = 16
"""Hexadecimal digits of a folder's name: 64 bits, so that a clash needs billions of artifacts."""


@contextmanager
def draft(root: Path) -> Iterator[Path]:
    """Lend an empty folder inside the store to write into; whatever `publish` did not take is removed."""
    folder = root / "drafts" / uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def publish(folder: Path, root: Path, stage: str, facts: dict[str, JsonValue] | None = None) -> Artifact:
    """Move a draft's files to their place in the store and return their record.

    The files are flushed to the disk before they get their name. Where the same contents are there already, each
    file is replaced by itself: harmless, and it mends a damaged one.
    """
    names = sorted(path.name for path in folder.iterdir())
    digests = {name: digest(folder / name) for name in names}
    sizes = {name: (folder / name).stat().st_size for name in names}
    home = root / stage / _name_of(digests)
    _make_durable(folder, names)
    _move(folder, home, names)
    files = {
        name: File(path=f"{stage}/{home.name}/{name}", bytes=sizes[name], sha256=digests[name])
        for name in names
    }
    return Artifact(stage=stage, files=files, facts=facts or {})


def write_atomically(path: Path, content: bytes) -> None:
    """Write a small file whole: under a temporary name beside it, flushed, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid4().hex}.part")
    try:
        with part.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _name_of(digests: dict[str, str]) -> str:
    lines = "".join(f"{name}\0{value}\n" for name, value in digests.items())
    return hashlib.sha256(lines.encode()).hexdigest()[:NAME_LENGTH]


def _make_durable(folder: Path, names: list[str]) -> None:
    for name in names:
        with (folder / name).open("rb") as stream:
            os.fsync(stream.fileno())
    _flush_folder(folder)


def _move(folder: Path, home: Path, names: list[str]) -> None:
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.rename(home)
    except OSError:
        if not home.is_dir():
            raise
        for name in names:
            (folder / name).replace(home / name)
        _flush_folder(home)
    _flush_folder(home.parent)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
