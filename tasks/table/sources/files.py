"""Files as members of a table: on this machine or behind a URL, compressed or not."""

import hashlib
import lzma
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa
from pyarrow import fs

from tasks.table.errors import BadTable, located
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.location import without_query
from tasks.table.sources.source import Contents, Version

# By ending, the compression: what Arrow calls it, or one of the two that Python reads.
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4", ".xz": "xz", ".zip": "zip"}


@dataclass(frozen=True, slots=True)
class Format:
    """A format of files: its name, the endings by which it is known, and its reader."""

    name: str
    endings: tuple[str, ...]
    read: "Callable[[DataFile, Dialect], Contents]"
    is_compressible: bool = False


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of the table."""

    filesystem: fs.FileSystem = field(compare=False)
    path: str
    name: str
    kind: Format
    keys: Mapping[str, pa.Scalar] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """What the file is, such as CSV or Parquet."""
        return self.kind.name

    @property
    def place(self) -> str:
        """Where it lies, in full."""
        if isinstance(self.filesystem, fs.LocalFileSystem):
            return str(Path(self.path).absolute())
        return f"{self.filesystem.type_name} {self.path}"

    @property
    def compression(self) -> str | None:
        """What its bytes are compressed with."""
        return COMPRESSIONS.get(PurePosixPath(without_query(self.path)).suffix.lower())

    def version(self) -> Version | None:
        """Return its size, the time of the last write and, on this machine, of a change, and its inode.

        None where it lies somewhere that does not tell when it was written.
        """
        if isinstance(self.filesystem, fs.LocalFileSystem):
            stat = Path(self.path).stat()
            return stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
        info = self.filesystem.get_file_info(self.path)
        return None if info.mtime_ns is None else (info.size or 0, info.mtime_ns)

    def digest(self) -> str:
        """Read all of it; return the SHA-256 of its bytes."""
        with self.opened() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def contents(self, dialect: Dialect) -> Contents:
        """Take a first look, by the reader of its format."""
        return self.kind.read(self, dialect)

    def opened(self) -> pa.NativeFile:
        """Open it for reading anywhere in it."""
        return self.filesystem.open_input_file(self.path)

    @contextmanager
    def stream(self) -> Iterator[pa.NativeFile | IO[bytes]]:
        """Open it for reading from front to back, decompressed.

        Raises:
            BadTable: it is an archive of several files.
        """
        if self.compression == "xz":
            with self.opened() as packed, lzma.open(packed) as stream:
                yield stream
        elif self.compression == "zip":
            with (
                self.opened() as packed,
                zipfile.ZipFile(packed) as archive,
                archive.open(_only_entry(archive, self.name)) as stream,
            ):
                yield stream
        else:
            with self.filesystem.open_input_stream(
                self.path, compression=self.compression, buffer_size=2**20
            ) as stream:
                yield stream


def _only_entry(archive: zipfile.ZipFile, name: str) -> str:
    entries = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) != 1:
        raise BadTable(f"{located(name)} is an archive of {len(entries)} files; unpack it into a folder")
    return entries[0]


def refuse_empty(file: DataFile, start: bytes) -> None:
    """Refuse a file without a byte.

    Raises:
        BadTable: there is none.
    """
    if not start:
        raise BadTable(f"{located(file.name)} is empty; give a table with a row of column names")
