"""Where Prefect puts a stage's record: written whole and durably, and only when the stage has succeeded.

Prefect's own record names the decoder that reads it back, and whoever can write to the store could name any code. So
the disk holds nothing of it: a file is the artifact alone, in the store's own format, and what Prefect gets to read is
made anew from an artifact that has passed the store's own reader.

Where a remote lies behind the store, a record that is not here is read from there. One that is written goes there
first, after its files: so a record that is here is there, too, unless it was here before the remote.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from prefect.filesystems import LocalFileSystem
from prefect.results import (  # type: ignore[attr-defined]  # where their docs import them from
    ResultRecord,
    ResultRecordMetadata,
)
from prefect.serializers import Serializer
from pydantic import Field, PrivateAttr

from tasks.store.artifact import Artifact, read_record
from tasks.store.folders import RECORDS
from tasks.store.remote import Remote, record_path
from tasks.store.writing import write_atomically

# Hexadecimal digits of a stage's key. What Prefect names otherwise is an exception, which nobody reads again.
KEY_LENGTH = 64


class RecordSerializer(Serializer):
    """Turns an artifact into JSON and back; Prefect's own would import whatever class the JSON names."""

    type: Literal["linear-neuron-record"] = Field(default="linear-neuron-record", frozen=True)

    def dumps(self, obj: Any) -> bytes:
        """Return the artifact as JSON; of an exception, which nobody reads, its text."""
        return obj.model_dump_json().encode() if isinstance(obj, Artifact) else repr(obj).encode()

    def loads(self, blob: bytes) -> Artifact:
        """Return the artifact."""
        return Artifact.model_validate_json(blob)


class Records(LocalFileSystem):
    """The folder of the records, as Prefect's result storage."""

    _block_type_name = "Linear neuron records"
    _block_type_slug = "linear-neuron-records"
    _failure: OSError | None = PrivateAttr(default=None)
    _remote: Remote | None = PrivateAttr(default=None)
    _beside: Mapping[str, tuple[str, bytes]] = PrivateAttr(default={})

    @classmethod
    def at(
        cls, root: Path, remote: Remote | None, beside: Mapping[str, tuple[str, bytes]] | None = None
    ) -> "Records":
        """Return the records of the store at `root`, with what may lie behind it.

        Args:
            root: The store's root.
            remote: What lies behind it.
            beside: By key the path and the content of what goes to the remote before the key's record.
        """
        found = cls(basepath=str(root / RECORDS))
        found._remote = remote
        found._beside = beside or {}
        return found

    @property
    def failure(self) -> OSError | None:
        """What kept the last record from being written; Prefect itself logs it and carries on without the record."""
        return self._failure

    def read_path(self, path: str, **_: Any) -> bytes:  # type: ignore[override]  # Prefect calls it either way
        """Return a record as Prefect reads it.

        Raises:
            OSError: there is none, or it is no regular file.
            ValueError: it is not what was written. Prefect takes either for a miss.
        """
        artifact = self._read(self._place(path))
        return ResultRecord(
            result=artifact, metadata=ResultRecordMetadata(serializer=RecordSerializer())
        ).serialize()

    async def aread_path(self, path: str) -> bytes:
        """Do the same where Prefect is asynchronous."""
        return self.read_path(path)

    def write_path(self, path: str, content: bytes, **_: Any) -> str:  # type: ignore[override]  # as above
        """Write the artifact in `content`, which Prefect has just made in this process, if it is a stage's result."""
        place = self._place(path)
        if len(place.name) == KEY_LENGTH:
            artifact: Artifact = ResultRecord.deserialize(content).result
            try:
                self._send(place, artifact)
                write_atomically(place, artifact.model_dump_json().encode())
            except OSError as error:
                self._failure = error
                raise
        return str(place)

    async def awrite_path(self, path: str, content: bytes) -> str:
        """Do the same where Prefect is asynchronous."""
        return self.write_path(path, content)

    def _send(self, place: Path, artifact: Artifact) -> None:
        if self._remote is None:
            return
        if place.name in self._beside:
            self._remote.write(*self._beside[place.name])
        self._remote.keep(record_path(place.name), artifact, place.parent.parent)

    def _read(self, place: Path) -> Artifact:
        try:
            return read_record(place)
        except FileNotFoundError:
            artifact = self._remote.record(record_path(place.name)) if self._remote else None
            if artifact is None:
                raise
            return artifact

    def _place(self, path: str) -> Path:
        """Return the file for a key, or for the path that Prefect has made of it; its links are not followed."""
        return Path(str(self.basepath)) / Path(path).name
