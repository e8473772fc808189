"""Checkpoints: how far a stage has come, kept under its key until its result is there.

A file holds the SHA-256 of its key and its content, then the content: what was damaged, or is another key's, will not
load.
"""

import hashlib
import re
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.store.formats import read_npz, write_npz
from tasks.store.writing import write_atomically

FOLDER = "checkpoints"
KEY = re.compile(r"[0-9a-f]{64}")


def save(root: Path, key: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Replace a key's checkpoint by these arrays: whole, and on the disk when this returns."""
    content = BytesIO()
    write_npz(content, arrays)
    write_atomically(_path(root, key), _seal(key, content.getvalue()) + content.getvalue())


def load(root: Path, key: str) -> dict[str, NDArray[Any]] | None:
    """Return the arrays of a key's checkpoint, or None where it has none.

    Raises:
        ValueError: it is not what was written for this key.
    """
    try:
        whole = _path(root, key).read_bytes()
    except FileNotFoundError:
        return None
    size = hashlib.sha256().digest_size
    seal, content = whole[:size], whole[size:]
    if seal != _seal(key, content):
        raise ValueError(f"{FOLDER}/{key} is not what was written")
    return read_npz(BytesIO(content))


def drop(root: Path, key: str) -> None:
    """Remove a key's checkpoint, if it has one; whoever calls this holds the key's lock."""
    if _path(root, key).exists():
        _path(root, key).unlink()


def kept(root: Path) -> list[Path]:
    """List the files of all checkpoints; each has its key for a name, and no other file is one."""
    return sorted(path for path in (root / FOLDER).glob("*") if KEY.fullmatch(path.name) and path.is_file())


def _path(root: Path, key: str) -> Path:
    return root / FOLDER / key


def _seal(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + content).digest()
