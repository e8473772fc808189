"""Digests of the user's files, remembered by how the files look, so that ten unchanged gigabytes are not read nightly.

A file is known by its name, size, times and inode. One that was written in the last seconds is read again next time:
another write may leave its times as they are. Small files are read in any case. The list is no part of a result:
lost or garbled, it costs one more reading.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tasks.store.writing import write_atomically

FILE = "digests.json"
WORTHWHILE = 2**20
"""Bytes from which a digest is remembered."""
SETTLED = 2 * 10**9
"""Nanoseconds after which a time stamp has passed: the coarsest file systems count in two seconds."""
MOST = 100_000
"""Files that are remembered, the latest."""


class Digests:
    """What is known of the user's files in the store at `root`."""

    def __init__(self, root: Path) -> None:
        """Read what is known."""
        self.path = root / FILE
        self._known: dict[str, list[object]] = {}
        self._is_new = False
        with suppress(OSError, ValueError):
            known = json.loads(self.path.read_bytes())
            self._known = known if isinstance(known, dict) else {}

    def of(self, name: str, look: Sequence[int], compute: Callable[[], str]) -> str:
        """Return a file's digest, computed only if it is not known of a file that looks like this.

        Args:
            name: Where the file lies, in full.
            look: Its size, the time of its last write in nanoseconds, and whatever else tells it from others.
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
        """Write down what is new, where there is a store. One that cannot be written to is asked again next time."""
        if self._is_new and self.path.parent.is_dir():
            with suppress(OSError):
                write_atomically(self.path, json.dumps(dict(list(self._known.items())[-MOST:])).encode())
