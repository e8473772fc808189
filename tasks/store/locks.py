"""One process at a time for one artifact; a lock whose owner died is free, since the kernel drops it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Hold the store's lock called `name`, waiting for whoever has it."""
    folder = root / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{name}.lock"):
        yield
