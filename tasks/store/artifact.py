"""The record that a stage returns: which files it left, with size and digest, and a few facts about them.

Paths, never frames, pass between stages. Paths are relative to the store's root, so that the folder can be moved.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue, field_validator, model_validator


class StoredFile(BaseModel):
    """One file: its path relative to the store's root, its size in bytes and its SHA-256 in hexadecimal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    bytes: int
    sha256: str

    @field_validator("path")
    @classmethod
    def _stays_inside_the_store(cls, path: str) -> str:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts:
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
        return self.model_copy(update={"checksum": self._sum()})

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

    def inside(self, home: str) -> Self:
        """Return the record of the files in one of its `folders` alone."""
        return self.only(
            *(n for n, file in self.files.items() if str(PurePosixPath(file.path).parent) == home)
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
        content = self.model_dump(mode="json", exclude={"checksum"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def damage(root: Path, artifact: Artifact) -> str | None:
    """Read all files of an artifact; say which one is not as it was written, or return None where all are.

    Sizes are compared first, so that a truncated file is found without reading the others.
    """
    for file in artifact.files.values():
        path = root / file.path
        if not path.is_file():
            return f"{file.path} is missing"
        if (size := path.stat().st_size) != file.bytes:
            return f"{file.path} holds {size} bytes instead of {file.bytes}"
    return next((harm for file in artifact.files.values() if (harm := _altered(root, file))), None)


def _altered(root: Path, file: StoredFile) -> str | None:
    try:
        same = digest(root / file.path) == file.sha256
    except OSError as error:
        return f"{file.path} cannot be read: {error.strerror}"
    return None if same else f"{file.path} is not what was written: its SHA-256 has changed"
