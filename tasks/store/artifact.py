"""The record that a stage returns: which files it left, with size and digest, and a few facts about them.

Paths, never frames, pass between stages. Paths are relative to the store's root, so that the folder can be moved.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator, model_validator

from tasks.store.checksum import checksum_of
from tasks.store.regular import open_inside, read_regular

# Of the records that are written. A record without one is of format 1: the first release's, which had no notes.
FORMAT: Literal[2] = 2

# Of a record that is read: a million files or columns.
MOST_BYTES = 2**28

# Names between slashes; no name starts with a dot.
_INSIDE = re.compile(r"(?:[^./\0][^/\0]*/)+[^./\0][^/\0]*")


class StoredFile(BaseModel):
    """One file: its path relative to the store's root, its size in bytes and its SHA-256 in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    bytes: int
    sha256: str

    @field_validator("path")
    @classmethod
    def _stays_inside_the_store(cls, path: str) -> str:
        if not _INSIDE.fullmatch(path):
            raise ValueError(f"`path` {path!r} leaves the store; give a path relative to its root")
        return path


class Artifact(BaseModel):
    """What a stage left, and a `checksum` over all of it.

    Attributes:
        stage: The stage's name.
        files: Its files by name.
        facts: What later stages depend on beside the files, such as column names.
        notes: What people should know. No stage depends on them: another wording runs nothing again.
        checksum: Empty in a record that was not read from or written to the disk.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1, 2] = 1
    stage: str
    files: dict[str, StoredFile]
    facts: dict[str, JsonValue] = {}
    notes: tuple[str, ...] = ()
    checksum: str = ""

    @model_validator(mode="after")
    def _is_as_written(self) -> Self:
        if self.checksum and self.checksum != self._sum():
            raise ValueError("the record is not what was written: its checksum has changed")
        return self

    def checked(self) -> Self:
        """Return the record with its checksum: altered on the disk, it will not load, and its stage runs again."""
        written = self.model_copy(update={"format": FORMAT})
        return written.model_copy(update={"checksum": written._sum()})

    def path(self, root: Path, name: str) -> Path:
        """Return where the file called `name` lies.

        Raises:
            KeyError: the artifact has no such file.
        """
        return root / self.files[name].path

    def only(self, *names: str) -> Self:
        """Return the record of these files alone: a stage that is handed it can neither read nor depend on the rest."""
        return self.model_copy(
            update={
                "files": {n: self.files[n] for n in names if n in self.files},
                "facts": {},
                "notes": (),
                "checksum": "",
            }
        )

    def folders(self) -> set[str]:
        """Return the folders of its files, relative to the store's root."""
        return {str(PurePosixPath(file.path).parent) for file in self.files.values()}

    def inside(self, folder: str) -> Self:
        """Return the record of the files in one of its `folders` alone."""
        return self.only(
            *(n for n, file in self.files.items() if str(PurePosixPath(file.path).parent) == folder)
        )

    def starting_with(self, name: str) -> Self:
        """Return the record of the files of one table alone, `name.parquet` or `name-00000.parquet` and so on."""
        return self.only(*(file for file in self.files if file.startswith((f"{name}.", f"{name}-"))))

    @property
    def pending(self) -> bool:
        """Whether its stage has yet to run: every stage leaves a file."""
        return not self.files

    def contents(self) -> Mapping[str, str]:
        """Return what a stage that reads this artifact depends on: the digest by file name, and the facts."""
        facts = {
            f"{self.stage}'s {name}": json.dumps(value, sort_keys=True) for name, value in self.facts.items()
        }
        return {name: file.sha256 for name, file in self.files.items()} | facts

    def _sum(self) -> str:
        unwritten = {"format", "notes"} if self.format == 1 else set()
        return checksum_of(self.model_dump(mode="json", exclude=unwritten))


def read_record(path: Path) -> Artifact:
    """Read a record that was written to the disk: whatever it holds, it is taken for nothing but data.

    Raises:
        OSError: there is none, or it is no regular file.
        ValueError: it is not what was written.
    """
    return parsed_record(read_regular(path, MOST_BYTES))


def parsed_record(content: bytes) -> Artifact:
    """Read a record as it is written.

    Raises:
        ValueError: it is not what was written.
    """
    artifact = Artifact.model_validate_json(content)
    if not artifact.checksum:
        raise ValueError("the record has no checksum")
    return artifact


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def stored_digest(root: Path, path: str) -> str:
    """Return the SHA-256 of a file of the store, whose path is relative to the root.

    Raises:
        OSError: it is not there, no regular file, behind a link, or cannot be read.
    """
    with open_inside(root, path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def damage(root: Path, artifact: Artifact) -> str | None:
    """Read all files of an artifact; say which one is not as it was written, or return None where all are.

    Sizes are compared first, so that a truncated file is found without reading the others.
    """
    for check in (_wrong_size, _altered):
        for file in artifact.files.values():
            try:
                harm = check(root, file)
            except FileNotFoundError:
                return f"{file.path} is missing"
            except OSError as error:
                return f"{file.path} cannot be read: {error.strerror}"
            if harm:
                return f"{file.path} {harm}"
    return None


def _wrong_size(root: Path, file: StoredFile) -> str | None:
    with open_inside(root, file.path) as stream:
        size = os.fstat(stream.fileno()).st_size
    return None if size == file.bytes else f"holds {size} bytes instead of {file.bytes}"


def _altered(root: Path, file: StoredFile) -> str | None:
    if stored_digest(root, file.path) == file.sha256:
        return None
    return "is not what was written: its SHA-256 has changed"
