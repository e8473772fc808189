"""Cache of the digests of the user's files, so that ten unchanged gigabytes are not read every night.

It is keyed by name, size, times and inode. A file that was written in the last seconds is read again next time, since
another write may leave its times as they are. Small files are always read. The cache is no part of a result: lost or
garbled, it costs one more reading.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from tasks.store.regular import read_regular
from tasks.store.writing import write_atomically

FILE = "digests.json"

# Bytes from which a digest is remembered.
WORTHWHILE = 2**20

# Nanoseconds after which a time stamp has passed: the coarsest file systems count in two seconds.
SETTLED = 2 * 10**9

# Files that are remembered, the latest; and the bytes of their list, with long names.
MOST = 100_000
MOST_BYTES = 2**27


class _List(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    digests: dict[str, list[JsonValue]]


class Digests:
    """The digests that the store at `root` remembers."""

    def __init__(self, root: Path) -> None:
        """Read the list."""
        self.path = root / FILE
        self._known: dict[str, list[JsonValue]] = {}
        self._is_new = False
        with suppress(OSError, ValueError):
            self._known = _List.model_validate_json(read_regular(self.path, MOST_BYTES)).digests

    def of(self, name: str, look: Sequence[int], compute: Callable[[], str]) -> str:
        """Return a file's digest, computed only if it is not known of a file that looks like this.

        Args:
            name: Where the file lies, in full.
            look: Its size, the time of its last write in nanoseconds, and whatever else distinguishes it.
            compute: Reads the file.
        """
        size, written = look[:2]
        if self._known.get(name, [None])[:-1] == [*look]:
            return str(self._known[name][-1])
        digest = compute()
        if size >= WORTHWHILE and written + SETTLED < time.time_ns():
            self._known.pop(name, None)  # so that it becomes the latest
            self._known[name] = [*look, digest]
            self._is_new = True
        return digest

    def write(self) -> None:
        """Write the list if it has changed and there is a store; where that fails, the files are read next time."""
        if self._is_new and self.path.parent.is_dir():
            with suppress(OSError):
                latest = _List(format=1, digests=dict(list(self._known.items())[-MOST:]))
                write_atomically(self.path, latest.model_dump_json().encode())
