"""Files as members: every compression gives the same bytes, and a version that changes when the rows may have."""

import bz2
import gzip
import hashlib
import lzma
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import fs

from tasks.table.errors import BadTable
from tasks.table.sources.files import COMPRESSIONS, DataFile, refuse_empty
from tasks.table.sources.formats import CSV

CONTENT = b"x,y\n" + b"".join(b"%d,%d\n" % (number, number % 7) for number in range(5000))


def of(path: Path) -> DataFile:
    return DataFile(fs.LocalFileSystem(), str(path), path.name, CSV)


def by_arrow(codec: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with pa.output_stream(path, compression=codec) as stream:
            stream.write(CONTENT)

    return write


def as_zip(path: Path, *names: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("folder")
        for name in names or ("folder/t.csv",):
            archive.writestr(name, CONTENT)


WRITERS: dict[str, Callable[[Path], object]] = {
    ".gz": lambda path: path.write_bytes(gzip.compress(CONTENT)),
    ".bz2": lambda path: path.write_bytes(bz2.compress(CONTENT)),
    ".xz": lambda path: path.write_bytes(lzma.compress(CONTENT)),
    ".zst": by_arrow("zstd"),
    ".lz4": by_arrow("lz4"),
    ".zip": as_zip,
}


@pytest.mark.parametrize("ending", COMPRESSIONS)
def test_every_compression_is_read_from_front_to_back(tmp_path: Path, ending: str) -> None:
    """Whatever the case of the ending; the digest is that of the file as it lies there."""
    path = tmp_path / f"t.csv{ending.upper()}"
    WRITERS[ending](path)
    file = of(path)
    with file.stream() as stream:
        assert stream.read() == CONTENT
    assert file.digest() == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_plain_file_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(CONTENT)
    file = of(tmp_path / "t.csv")
    with file.stream() as stream:
        assert stream.read() == CONTENT
    with file.opened() as stream:
        stream.seek(4)
        assert stream.read(3) == CONTENT[4:7]
    assert (file.format, file.place, file.compression) == ("CSV", str(tmp_path / "t.csv"), None)


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    as_zip(tmp_path / "t.csv.zip", "a.csv", "b.csv")
    with (
        pytest.raises(BadTable, match=r"'t\.csv\.zip' is an archive of 2 files; unpack it into a folder"),
        of(tmp_path / "t.csv.zip").stream(),
    ):
        pass


def test_the_version_changes_with_whatever_may_change_the_rows(tmp_path: Path) -> None:
    """Another size, a later write, and another file of the same size and date; reading changes nothing."""
    path = tmp_path / "t.csv"
    path.write_bytes(CONTENT)
    file = of(path)
    versions = [file.version()]
    with file.opened() as stream:
        stream.read()
    assert file.version() == versions[0]
    path.write_bytes(CONTENT + b"1,2\n")
    versions.append(file.version())
    os.utime(path, ns=(0, 0))
    versions.append(file.version())
    (tmp_path / "new").write_bytes(CONTENT[::-1] + b"1,2\n")
    os.utime(tmp_path / "new", ns=(0, 0))
    (tmp_path / "new").rename(path)
    versions.append(file.version())
    assert len(set(versions)) == 4
    assert [version and version[0] for version in versions] == [len(CONTENT), *[len(CONTENT) + 4] * 3]


def test_on_other_file_systems_the_version_is_size_and_time(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(CONTENT)
    elsewhere = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    file = DataFile(elsewhere, "t.csv", "t.csv", CSV)
    assert file.version() == (len(CONTENT), (tmp_path / "t.csv").stat().st_mtime_ns)
    assert file.place == "subtree t.csv"


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    refuse_empty(of(tmp_path / "t.csv"), b"x")
    with pytest.raises(BadTable, match=r"'t\.csv' is empty; give a table with a row of column names"):
        refuse_empty(of(tmp_path / "t.csv"), b"")
