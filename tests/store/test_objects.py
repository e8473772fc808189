"""Objects below an address: the same on a folder and on S3, and what goes wrong in one line without a secret."""

import errno
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.store import objects
from tasks.store.objects import NoRemote, Objects, RemoteError
from tests.s3 import BUCKET, Server, point_to, serving

SECRET = "TOPSECRETVALUE"  # noqa: S105 - what must not be seen


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(params=["file", "s3"])
def found(
    request: pytest.FixtureRequest, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Objects:
    if request.param == "file":
        return Objects(f"file://{tmp_path}/a folder/below")
    point_to(server, monkeypatch)
    return Objects(f"s3://{BUCKET}/{tmp_path.name}/a prefix")


def test_what_is_written_is_read_listed_and_removed(found: Objects) -> None:
    assert found.read("a/b", 10) is None
    assert found.size("a/b") is None
    assert list(found.list("a")) == []
    found.write("a/b", b"one")
    found.write("a/b", b"another")
    found.write("a/c/d", b"")
    assert found.read("a/b", 7) == b"another"
    assert found.read("a/c/d", 0) == b""
    assert found.size("a/b") == 7
    assert {(item.path, item.bytes) for item in found.list("a")} == {("a/b", 7), ("a/c/d", 0)}
    found.remove("a/b")
    found.remove("a/b")
    assert [item.path for item in found.list("a")] == ["a/c/d"]


def test_an_object_that_is_larger_than_expected_is_not_read(found: Objects) -> None:
    found.write("a", b"12345678")
    with pytest.raises(ValueError, match="a has more than 7 bytes"):
        found.read("a", 7)


def test_a_file_of_several_pieces_arrives_whole(
    found: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S3 takes no piece below 5 MiB."""
    monkeypatch.setattr(objects, "PIECE", 5 * 2**20)
    content = bytes(range(256)) * 2**16
    (tmp_path / "large").write_bytes(content)
    with (tmp_path / "large").open("rb") as stream:
        found.write("large", stream)
    pieces = found.pieces("large", len(content))
    assert pieces is not None
    assert b"".join(pieces) == content


def test_of_sixteen_that_create_the_same_object_one_succeeds(found: Objects) -> None:
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda number: found.create("lease", str(number).encode()), range(16)))
    assert won.count(True) == 1
    assert found.read("lease", 2) == str(won.index(True)).encode()


@pytest.mark.parametrize("asked", ["read", "write", "create", "list"])
def test_a_bucket_that_is_not_there_is_said_in_one_line(
    server: Server, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    """Never taken for an object that is not there, which would be computed again every night."""
    point_to(server, monkeypatch)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    nowhere = Objects("s3://no-bucket/prefix")
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: nowhere.read("a", 10),
        "write": lambda: nowhere.write("a", b""),
        "create": lambda: nowhere.create("a", b""),
        "list": lambda: list(nowhere.list("a")),
    }
    with pytest.raises(RemoteError) as caught:
        calls[asked]()
    said = str(caught.value.strerror)
    done = "read" if asked in {"read", "list"} else "written"
    assert said.startswith(
        f"`remote` of 's3://no-bucket/prefix' cannot be {done}: there is no such bucket or folder; check the address"
    )
    assert "\n" not in said
    assert SECRET not in said


def test_a_server_that_does_not_answer_is_said_in_one_line_and_may_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(objects, "PATIENCE", 0)
    with pytest.raises(RemoteError, match="cannot be read: no answer; check the address") as caught:
        Objects("s3://bucket").read("a", 10)
    assert caught.value.errno == errno.EIO
    assert caught.value.__cause__ is None
    assert SECRET not in str(caught.value)


def test_without_what_its_store_needs_an_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account of Azure's, say; whatever the environment holds besides stays there."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", SECRET)
    with pytest.raises(
        NoRemote, match=r"`remote` of 'az://container' cannot be used: .*check the address"
    ) as caught:
        Objects("az://container")
    assert SECRET not in str(caught.value)
