"""A record is data: nothing that it names is imported or run, and no path in it leaves the store."""

import base64
import json
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prefect.results import ResultStore

from tasks.runtime.caching import recorded, records
from tasks.runtime.cleaning import remove_remains, verify
from tasks.runtime.records import Records, RecordSerializer
from tasks.store.artifact import Artifact, StoredFile, damage, read_record
from tasks.store.earlier import read_earlier_record
from tasks.store.writing import draft, publish
from tests.paths import DATA

KEY = "0f" * 32

PLANTED = """
import pathlib
pathlib.Path({marker!r}).touch()
def run(*_, **__): pathlib.Path({marker!r}).touch()
loads = dumps = compress = decompress = run
class Evil:
    def __reduce__(self): return run, ()
"""

JSON = {
    "type": "json",
    "jsonlib": "json",
    "object_encoder": "prefect.serializers.prefect_json_object_encoder",
    "object_decoder": "prefect.serializers.prefect_json_object_decoder",
    "dumps_kwargs": {},
    "loads_kwargs": {},
}


class Marking:
    """Runs code as soon as it is unpickled."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return __import__, ("planted",)


PICKLED = base64.encodebytes(pickle.dumps(Marking())).decode()

# Prefect's records by what they would have their reader do: the serializer, and the result if it is not the artifact.
FORGED: dict[str, tuple[dict[str, Any], str | None]] = {
    "unpickle": ({"type": "pickle", "picklelib": "pickle"}, PICKLED),
    "unpickle by a library of its own": ({"type": "pickle", "picklelib": "planted"}, PICKLED),
    "import a JSON library": (JSON | {"jsonlib": "planted"}, None),
    "call a decoder": (JSON | {"object_decoder": "planted.run"}, None),
    "import an encoder": (JSON | {"object_encoder": "planted.run"}, None),
    "pass arguments to the decoder": (JSON | {"loads_kwargs": {"parse_int": "planted.run"}}, None),
    "decompress": ({"type": "compressed", "serializer": JSON, "compressionlib": "planted"}, PICKLED),
    "import a class": (JSON, '{"__class__": "planted.Evil", "data": {}}'),
    "import an exception": (JSON, '{"__exc_type__": "planted.Evil", "message": ""}'),
    "import a class inside the result": (JSON, '{"a": [{"__class__": "planted.Evil", "data": {}}]}'),
    "use a serializer of another program": ({"type": "planted"}, None),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def artifact(root: Path) -> Artifact:
    with draft(root) as folder:
        (folder / "data.bin").write_bytes(b"data")
        return publish(folder, root, "generate", {"columns": ["x", "y"]})


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Plant a module that leaves a marker as soon as it is imported; return where."""
    marker = tmp_path / "marker"
    (tmp_path / "planted.py").write_text(PLANTED.format(marker=str(marker)))
    monkeypatch.syspath_prepend(tmp_path)
    return marker


def prefect(root: Path) -> ResultStore:
    """Return the result store as Prefect makes it of a stage."""
    return ResultStore(
        result_storage=Records(basepath=str(records(root))),
        serializer=RecordSerializer(),
        cache_result_in_memory=False,
    )


def test_prefect_reads_back_what_it_wrote_and_the_disk_holds_the_artifact_alone(
    root: Path, artifact: Artifact
) -> None:
    prefect(root).write(artifact, key=KEY)
    assert prefect(root).exists(KEY)
    assert prefect(root).read(KEY).result == recorded(root, KEY) == artifact
    assert json.loads((root / "records" / KEY).read_bytes()) == artifact.model_dump(mode="json")
    assert artifact.format == 2


@pytest.mark.parametrize("forged", FORGED)
def test_a_record_that_says_how_it_wants_to_be_read_is_damage(
    root: Path, artifact: Artifact, marker: Path, forged: str
) -> None:
    serializer, result = FORGED[forged]
    data = json.dumps(
        {"__class__": "tasks.store.artifact.Artifact", "data": artifact.model_dump(mode="json")}
    )
    metadata = {
        "storage_key": KEY,
        "expiration": None,
        "serializer": serializer,
        "prefect_version": "3.8.8",
        "storage_block_id": None,
    }
    path = root / "records" / KEY
    path.parent.mkdir()
    path.write_text(json.dumps({"metadata": metadata, "result": result or data}))

    assert recorded(root, KEY) is None
    assert not prefect(root).exists(KEY)
    with pytest.raises(ValueError, match="validation error"):
        prefect(root).read(KEY)
    with pytest.raises(ValueError, match="validation error"):
        read_earlier_record(path)
    assert verify(root).damaged == [f"records/{KEY} cannot be read as a record"]
    remove_remains(root)
    assert not path.exists()
    assert not marker.exists()
    assert "planted" not in sys.modules


@pytest.mark.parametrize("name", ["__class__", "__exc_type__"])
def test_a_fact_is_a_fact_whatever_its_name(root: Path, artifact: Artifact, marker: Path, name: str) -> None:
    """A column may be called `__class__`, and a record with the right checksum may hold anything."""
    odd = artifact.model_copy(
        update={"facts": {name: "planted.Evil", "data": {name: "planted.Evil"}}}
    ).checked()
    prefect(root).write(odd, key=KEY)
    assert prefect(root).read(KEY).result == odd
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 100_000],
    ids=["empty", "an object", "a list", "null", "no text", "nested lists", "nested objects"],
)
def test_what_is_no_record_is_lost(root: Path, content: bytes) -> None:
    (root / "records").mkdir(parents=True)
    (root / "records" / KEY).write_bytes(content)
    assert recorded(root, KEY) is None
    assert not prefect(root).exists(KEY)


def test_a_record_of_a_later_release_or_without_a_checksum_is_lost(root: Path, artifact: Artifact) -> None:
    written = artifact.model_dump(mode="json")
    for change in ({"format": 3}, {"checksum": ""}, {"later": 1}):
        (root / "records").mkdir(exist_ok=True)
        (root / "records" / KEY).write_text(json.dumps(written | change))
        assert recorded(root, KEY) is None


def test_a_record_larger_than_any_is_not_read_whole(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "records").mkdir(parents=True)
    with (root / "records" / KEY).open("wb") as stream:
        stream.truncate(3 * 10**9)
    with pytest.raises(OSError, match="has more than"):
        read_record(root / "records" / KEY)


@pytest.mark.parametrize(
    "path", ["../x/secret", "/etc/passwd", "a/../../secret", ".hidden/x", "a//b", "alone"]
)
def test_no_path_in_a_record_leaves_the_store(path: str) -> None:
    with pytest.raises(ValueError, match="leaves the store"):
        StoredFile(path=path, bytes=1, sha256="0" * 64)


def test_no_link_leads_a_record_out_of_the_store(root: Path, artifact: Artifact) -> None:
    """Neither as the file, nor as its folder, nor as the stage's: the same bytes elsewhere are not the stage's."""
    path = artifact.path(root, "data.bin")
    for place in (path, path.parent, path.parent.parent):
        moved = root.parent / "moved"
        place.rename(moved)
        place.symlink_to(moved)
        assert "lies behind a link" in str(damage(root, artifact))
        place.unlink()
        moved.rename(place)
        assert damage(root, artifact) is None


def test_the_first_releases_records_are_read_by_housekeeping_alone() -> None:
    """No key of theirs is looked up any more; what they list is still verified."""
    root = DATA / "store-1" / "store"
    names = [path.name for path in (root / "records").iterdir()]
    assert len(names) == 5
    found = [read_earlier_record(root / "records" / name) for name in names]
    assert {each.stage for each in found} == {"ingest", "split", "train", "evaluate", "report"}
    assert {each.format for each in found} == {1}
    assert [damage(root, each) for each in found] == [None] * 5
    assert [recorded(root, name) for name in names] == [None] * 5
