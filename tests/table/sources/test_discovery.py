"""Where tables lie: files, folders, a server that speaks S3, and what only fsspec reaches."""

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import fs

from tasks.table.sources.formats import KNOWN
from tests.s3 import BUCKET, Server, point_to, serving
from tests.table.reading import read, refusal, refused

FRAME = pd.DataFrame({"x": [1.5, 2.25, -3.0, 0.5, 9.0], "y": [1.0, 0.0, 7.0, 3.0, 4.0]})


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Run a server that speaks S3, with an empty bucket."""
    with serving() as running:
        yield running


@pytest.fixture
def bucket(server: Server, monkeypatch: pytest.MonkeyPatch) -> fs.FileSystem:
    """Point the usual variables to the server; return the bucket to write to."""
    point_to(server, monkeypatch)
    return fs.SubTreeFileSystem(BUCKET, server.files())


def put(bucket: fs.FileSystem, path: str, content: bytes) -> None:
    with bucket.open_output_stream(path, compression=None) as stream:
        stream.write(content)


@pytest.mark.parametrize("name", ["t.csv", "my rows/t.csv.gz", "t.parquet", "t.feather"])
def test_a_file_on_s3_reads_as_on_the_disk(bucket: fs.FileSystem, tmp_path: Path, name: str) -> None:
    """The same rows, whatever the format; blanks in the address do not matter."""
    local = tmp_path / Path(name).name
    if "csv" in name:
        FRAME.to_csv(local, index=False)
    elif "parquet" in name:
        FRAME.to_parquet(local)
    else:
        FRAME.to_feather(local)
    put(bucket, name, local.read_bytes())
    pd.testing.assert_frame_equal(read(f"s3://bucket/{name}")[0].to_pandas(), FRAME)


def test_a_folder_on_s3_has_hive_keys(bucket: fs.FileSystem) -> None:
    """Files in the order of their names, the folders' values as a column."""
    for year, rows in ((2021, FRAME[3:]), (2020, FRAME[:3])):
        put(bucket, f"folder/year={year}/part.csv", rows.to_csv(index=False).encode())
    table, facts = read("s3://bucket/folder")
    assert facts["features"] == ["x", "year"]
    assert table["year"].to_pylist() == [2020] * 3 + [2021] * 2
    assert table["y"].to_pylist() == FRAME["y"].tolist()


def test_what_cannot_be_reached_is_said_in_one_line(bucket: fs.FileSystem) -> None:
    """Nothing there, no such bucket, an unknown protocol, no address."""
    for address, text in (
        ("s3://bucket/nothing.csv", "does not exist; check the path"),
        ("s3://nobucket/t.csv", "does not exist; check the path"),
        ("foo://bar/t.csv", "cannot be reached (Protocol not known: foo); check the address"),
        ("https://[/t.csv", "cannot be reached (Invalid IPv6 URL)"),
    ):
        (finding,) = refused(address)
        assert text in str(finding)


def test_what_arrow_does_not_reach_fsspec_does() -> None:
    """fsspec's file system in memory stands for all of them."""
    memory = fsspec.filesystem("memory")
    memory.pipe("/rows/t.csv", FRAME.to_csv(index=False).encode())
    for address in ("memory://rows/t.csv", "memory://rows"):
        pd.testing.assert_frame_equal(read(address)[0].to_pandas(), FRAME)
    memory.rm("/rows", recursive=True)


def test_a_folder_of_text_files(tmp_path: Path) -> None:
    """Hidden and marked files, notes and other things are passed over."""
    for number, rows in enumerate((FRAME[:2], FRAME[2:])):
        rows.to_csv(tmp_path / f"part-{number}.csv", index=False, sep=",;"[number])
    for other in (".part-9.csv", "_tmp.csv", "README.txt", "picture.png"):
        (tmp_path / other).write_text("not,a\ntable")
    pd.testing.assert_frame_equal(read(tmp_path)[0].to_pandas(), FRAME)


def test_a_folder_holds_one_format(tmp_path: Path) -> None:
    """Half of the rows would be lost otherwise."""
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    FRAME.to_parquet(tmp_path / "b.parquet")
    assert refusal(tmp_path) == (
        f"`data` of '{tmp_path.name}' holds files of CSV and Parquet; keep one format in a folder"
    )


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda content: content,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": lambda content: bytes(pa.compress(content, "zstd", asbytes=True)),
    ".zip": lambda content: zipped(("t.csv", content)),
}


def zipped(*entries: tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".CSV"])
@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_ending_and_compression(tmp_path: Path, ending: str, packed: str, encoding: str) -> None:
    """Alone, in a folder, and by a pattern: the same rows, of any encoding."""
    path = tmp_path / f"in/rows{ending}{packed}"
    path.parent.mkdir()
    path.write_bytes(PACKERS[packed](FRAME.to_csv(index=False, sep="\t").encode(encoding)))
    for data in (path, path.parent, path.parent / "ro*", tmp_path / "*/rows*"):
        pd.testing.assert_frame_equal(read(data)[0].to_pandas(), FRAME)


@pytest.mark.parametrize(
    "name", ["b.orc", "b.json", "b.csv.br", "b.parquet.gz", "b.xlsx", "b.sqlite", "b", "b.csv.old"]
)
def test_what_may_be_a_table_and_is_not_read_is_named(tmp_path: Path, name: str) -> None:
    """And what is plainly none is not."""
    FRAME.to_csv(tmp_path / "a.csv", index=False)
    for other in (name, "README.md", "plot.png", ".hidden", "_SUCCESS"):
        (tmp_path / other).write_bytes(b"anything")
    assert read(tmp_path)[1]["notes"] == [
        f"1 file of the folder not read: {name!r}; name tables {KNOWN}",
    ]
    assert [each.rule for each in refused(tmp_path, strict=True)] == ["passed-over"]


def test_an_archive_of_several_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv.zip").write_bytes(zipped(("a.csv", b"x,y\n1,2\n"), ("b.csv", b"x,y\n1,2\n")))
    assert "is an archive of 2 files; unpack it into a folder" in refusal(tmp_path / "t.csv.zip")


def test_a_pattern_that_nothing_matches_is_said(tmp_path: Path) -> None:
    assert "no file matches; check the path, or name the folder" in refusal(tmp_path / "*.csv")


def test_a_list_of_places_is_one_table(
    bucket: fs.FileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files, folders and patterns, here or elsewhere, in the order of their names; folders above all give columns."""
    monkeypatch.chdir(tmp_path)
    for place, rows in (
        ("year=2021/b.csv", FRAME[3:]),
        ("year=2020/a.csv", FRAME[:2]),
        ("c,d.csv", FRAME[:4]),
    ):
        (tmp_path / place).parent.mkdir(exist_ok=True)
        rows.to_csv(tmp_path / place, index=False)
        put(bucket, f"listed/{place}", rows.to_csv(index=False).encode())
    for listed in ("year=2021/b.csv,year=2020", f"{tmp_path}/year=2021/*.csv,{tmp_path}/year=2020/a.csv"):
        table, _ = read(listed)
        assert table["year"].to_pylist() == [2020] * 2 + [2021] * 2
        assert table["x"].to_pylist() == [1.5, 2.25, 0.5, 9.0]
    far, _ = read("s3://bucket/listed/year=2021/b.csv,s3://bucket/listed/year=2020/a.csv")
    assert far.equals(table)
    assert read("c,d.csv")[0].num_rows == 4


def test_a_list_of_places_is_refused_for_what_a_folder_is_refused_for(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        FRAME.to_csv(tmp_path / name, index=False)
    FRAME.to_parquet(tmp_path / "c.parquet")
    a, b, c = (tmp_path / name for name in ("a.csv", "b.csv", "c.parquet"))
    assert "are files of CSV and Parquet; name files of one format" in refusal(f"{a},{c}")
    assert "names 'a.csv' twice; name each file once" in refusal(f"{a},{tmp_path}/*.csv")
    assert f"'{tmp_path}/d.csv' does not exist" in refusal(f"{a},{b},{tmp_path}/d.csv")
