"""Pieces: what a stage has made of single parts of a table, kept under its key until its result is there.

A piece is a folder. It gets its name when it is complete, with the digests of its files; so a run that is killed goes
on at the piece, and one that is no longer as it was written is made again. Pieces are not flushed to the disk: what a
power cut spoils is noticed.
"""

import errno
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict

from tasks.store.artifact import digest
from tasks.store.folders import PIECES, entries
from tasks.store.regular import is_folder, is_regular, read_regular
from tasks.store.writing import discard, make_folder, write_atomically

DIGESTS = "digests.json"
COUNT = "count"

# What the system answers where a piece already has its name.
_TAKEN = {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}

# Seconds from a call's beginning for which its pieces are not worth their digests.
SPARED = 20.0

KEY = re.compile(r"[0-9a-f]{64}")

# Of a list of digests, or a count, that is read.
MOST_BYTES = 2**16


class _Digests(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Pieces:
    """Where the pieces of a stage's call lie, and when that began, in seconds since 1970; None: no kill is outlived."""

    folder: Path
    begun: float | None = None

    def made(self, name: str, make: Callable[[Path], None]) -> Path:
        """Return the folder of a piece: the one that is there, if it is whole, else one that `make` fills now.

        Its files are digested only when the call has lasted for some seconds: till then a kill costs little.

        Args:
            name: Of the piece.
            make: Writes its files into an empty folder, the same ones whenever it is called.
        """
        place = self.folder / name
        if _is_whole(place):
            return place
        part = self.folder / f".{uuid4().hex}.part"
        part.mkdir()
        try:
            make(part)
            if self.begun is not None and time.time() - self.begun >= SPARED:
                digests = {path.name: digest(path) for path in entries(part)}
                written = _Digests(format=1, files=digests).model_dump_json()
                (part / DIGESTS).write_text(written, encoding="utf-8")
            _put(part, place)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return place

    def expect(self, count: int) -> None:
        """Write down how many pieces there will be, for `progress`."""
        if self.begun is not None:
            write_atomically(self.folder / COUNT, str(count).encode())


def files_of(place: Path) -> list[Path]:
    """Return the files of a piece, in the order of their names."""
    return [path for path in entries(place) if path.name != DIGESTS]


def pieces_of(root: Path, key: str) -> Pieces:
    """Return the pieces under a key, which may be none yet; whoever calls this holds the key's lock."""
    folder = root / PIECES / key
    if not is_folder(folder):
        folder.unlink(missing_ok=True)
        make_folder(folder)
    for path in entries(folder):
        if path.name.startswith("."):  # of a process that was killed
            shutil.rmtree(path, ignore_errors=True)
    return Pieces(folder, time.time())


def progress(root: Path, key: str) -> tuple[int, int] | None:
    """Return how many pieces there are under a key, and of how many; None where none was begun."""
    folder = root / PIECES / key
    try:
        count = int(read_regular(folder / COUNT, MOST_BYTES))
    except (OSError, ValueError):
        return None
    return sum(is_regular(path / DIGESTS) for path in entries(folder) if is_folder(path)), count


def drop(root: Path, key: str) -> None:
    """Remove the pieces under a key, if there are any; whoever calls this holds the key's lock."""
    if is_folder(root / PIECES / key):
        discard(root / PIECES / key, root)


def kept(root: Path) -> list[Path]:
    """List the folders of pieces; each has its key for a name, and no other folder is one."""
    return [path for path in entries(root / PIECES) if KEY.fullmatch(path.name) and is_folder(path)]


def _is_whole(place: Path) -> bool:
    try:
        written = _Digests.model_validate_json(read_regular(place / DIGESTS, MOST_BYTES)).files
        found = {path.name: path for path in files_of(place)}
        return written.keys() == found.keys() and all(
            is_regular(path) and digest(path) == written[name] for name, path in found.items()
        )
    except (OSError, ValueError):
        return False


def _put(part: Path, place: Path) -> None:
    """Give a piece its name; what lies there is damaged, or the same, made by a worker that was taken for lost."""
    try:
        part.rename(place)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
    else:
        return
    if not _is_whole(place):
        away = place.with_name(f".{uuid4().hex}.part")
        place.rename(away)
        part.rename(place)
        shutil.rmtree(away, ignore_errors=True)
