"""Checkpoints: how far a stage has come, kept under its key until its result is there.

A file holds a line with its format, the SHA-256 of its key and its content, then the content: what was damaged, or
belongs to another key, will not load.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.store.folders import CHECKPOINTS, files_in
from tasks.store.formats import read_npz, write_npz
from tasks.store.regular import make_way, read_regular
from tasks.store.writing import write_atomically

FORMAT = b"linear-neuron checkpoint 1\n"

# Of a checkpoint that is read: ten vectors of a million features need a tenth of it.
MOST_BYTES = 2**30

KEY = re.compile(r"[0-9a-f]{64}")


def save(root: Path, key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Replace a key's checkpoint by these arrays: whole, and on the disk when this returns."""
    content = BytesIO()
    write_npz(content, arrays)
    write_atomically(_path(root, key), FORMAT + _seal(key, content.getvalue()) + content.getvalue())


def load(root: Path, key: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a key's checkpoint, or None where it has none.

    Raises:
        OSError: it is no regular file, or cannot be read.
        ValueError: it is not what was written for this key, or another release's.
    """
    try:
        written = read_regular(_path(root, key), MOST_BYTES)
    except FileNotFoundError:
        return None
    if not written.startswith(FORMAT):
        raise ValueError(f"{CHECKPOINTS}/{key} is no checkpoint of this release")

    sealed = written[len(FORMAT) :]
    size = hashlib.sha256().digest_size
    seal, content = sealed[:size], sealed[size:]
    if seal != _seal(key, content):
        raise ValueError(f"{CHECKPOINTS}/{key} is not what was written")
    return read_npz(BytesIO(content))


def drop(root: Path, key: str) -> None:
    """Remove a key's checkpoint, if it has one; whoever calls this holds the key's lock."""
    path = _path(root, key)
    if os.path.lexists(path):
        make_way(path)
        path.unlink(missing_ok=True)


def kept(root: Path) -> list[Path]:
    """List the files of all checkpoints; each has its key for a name, and no other file is one."""
    return [path for path in files_in(root / CHECKPOINTS) if KEY.fullmatch(path.name)]


def _path(root: Path, key: str) -> Path:
    return root / CHECKPOINTS / key


def _seal(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
