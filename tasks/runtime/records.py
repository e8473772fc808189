"""Where Prefect puts a stage's record: written whole and durably, and only when the stage has succeeded."""

from pathlib import Path
from typing import Any

from prefect.filesystems import LocalFileSystem
from pydantic import PrivateAttr

from tasks.store.writing import write_atomically

KEY_LENGTH = 64
"""Hexadecimal digits of a stage's key; what Prefect names otherwise is an exception, which nobody reads again."""


class Records(LocalFileSystem):
    """Prefect's local file system, whose own way of writing leaves half a record where it is interrupted."""

    _block_type_name = "Linear neuron records"
    _block_type_slug = "linear-neuron-records"
    _failure: OSError | None = PrivateAttr(default=None)

    @property
    def failure(self) -> OSError | None:
        """What kept the last record from being written; Prefect itself logs it and carries on without the record."""
        return self._failure

    def write_path(self, path: str, content: bytes, **_: Any) -> str:  # type: ignore[override]  # Prefect calls it either way
        """Write a record, if it is one of a stage's success."""
        place: Path = self._resolve_path(path)
        if len(place.name) == KEY_LENGTH:
            try:
                write_atomically(place, content)
            except OSError as error:
                self._failure = error
                raise
        return str(place)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Do the same where Prefect is asynchronous."""
        return self.write_path(path, content)
