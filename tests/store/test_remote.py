"""What comes from a remote is data of others: it counts only if it is what was written, and leaves the store alone."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasks.store.artifact import Artifact, StoredFile, damage
from tasks.store.checksum import checksum_of
from tasks.store.objects import NoRemote, Objects
from tasks.store.remote import CONTENTS, SENT_UNASKED, Remote, behind, record_path, shared_record, using
from tasks.store.writing import draft, publish

KEY = "0f" * 32
FILES = {"a.bin": b"first", "b.bin": b"second", "c.bin": b""}


def left(root: Path, stage: str = "train") -> Artifact:
    with draft(root) as folder:
        for name, content in FILES.items():
            (folder / name).write_bytes(content)
        return publish(folder, root, stage, {"columns": ["x"]})


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "remote"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "store").mkdir()
    return tmp_path / "store"


@pytest.fixture
def artifact(tmp_path: Path, there: Path) -> Artifact:
    """Return what another machine has left in the remote."""
    other = tmp_path / "other"
    made = left(other)
    opened(there).keep(record_path(KEY), made, other)
    return made


def opened(there: Path) -> Remote:
    return Remote(Objects(f"file://{there}"))


def test_what_one_store_keeps_another_one_gets(artifact: Artifact, there: Path, root: Path) -> None:
    remote = opened(there)
    found = remote.record(record_path(KEY))
    assert found == artifact
    assert remote.fetch(found, root) is None
    assert damage(root, found) is None
    assert {path.name for path in (there / CONTENTS).iterdir()} == {
        hashlib.sha256(content).hexdigest() for content in FILES.values()
    }


def test_only_what_is_missing_is_fetched(
    artifact: Artifact, there: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = opened(there)
    assert remote.fetch(artifact.only("a.bin"), root) is None
    asked: list[str] = []
    pieces = remote.objects.pieces

    def noted(path: str, most: int) -> Iterator[bytes] | None:
        asked.append(path)
        return pieces(path, most)

    monkeypatch.setattr(remote.objects, "pieces", noted)
    assert remote.fetch(artifact, root) is None
    assert sorted(asked) == sorted(f"{CONTENTS}/{artifact.files[name].sha256}" for name in ("b.bin", "c.bin"))


HARMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "gone": (Path.unlink, "is missing, and the remote does not have it either"),
    "cut short": (lambda path: path.write_bytes(b"fir"), "its SHA-256 has changed"),
    "altered": (lambda path: path.write_bytes(b"fIrst"), "its SHA-256 has changed"),
    "longer": (lambda path: path.write_bytes(b"first and more"), "has more than 5 bytes"),
}


@pytest.mark.parametrize("harm", HARMS)
def test_damaged_contents_are_noticed_never_used_and_mended_by_who_computes_them_again(
    artifact: Artifact, there: Path, root: Path, harm: str
) -> None:
    damaged = there / CONTENTS / artifact.files["a.bin"].sha256
    do, said = HARMS[harm]
    do(damaged)
    remote = opened(there)
    assert remote.record(record_path(KEY)) == artifact
    found = remote.fetch(artifact, root)
    assert found is not None
    assert found.startswith(artifact.files["a.bin"].path)
    assert said in found
    assert not (root / artifact.files["a.bin"].path).exists()
    assert list(root.rglob("*.part")) == []

    remote.doubt(record_path(KEY))
    assert remote.record(record_path(KEY)) is None
    remote.keep(record_path(KEY), left(root), root)
    assert damaged.read_bytes() == FILES["a.bin"]
    assert remote.record(record_path(KEY)) == artifact


def test_large_contents_are_sent_only_where_they_are_not_or_where_they_are_damaged(
    there: Path, root: Path
) -> None:
    with draft(root) as folder:
        (folder / "large.bin").write_bytes(b"x" * (SENT_UNASKED + 1))
        made = publish(folder, root, "train")
    opened(there).keep(record_path(KEY), made, root)
    place = there / CONTENTS / made.files["large.bin"].sha256
    written = place.stat().st_mtime_ns
    opened(there).keep(record_path("1" * 64), made, root)
    assert place.stat().st_mtime_ns == written
    place.write_bytes(b"half")
    opened(there).keep(record_path("2" * 64), made, root)
    assert place.stat().st_size == SENT_UNASKED + 1
    place.write_bytes(b"y" * (SENT_UNASKED + 1))
    remote = opened(there)
    (root / made.files["large.bin"].path).unlink()
    assert remote.fetch(made, root) is not None
    (root / made.files["large.bin"].path).write_bytes(b"x" * (SENT_UNASKED + 1))
    remote.keep(record_path(KEY), made, root)
    assert place.read_bytes()[:1] == b"x"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"\xff", b"[" * 100_000, b'{"stage": "train", "files": {}}'],
    ids=["empty", "an object", "no text", "nested", "without a checksum"],
)
def test_what_is_no_record_is_absent_and_named_once(there: Path, content: bytes) -> None:
    remote = opened(there)
    remote.objects.write(record_path(KEY), content)
    assert remote.record(record_path(KEY)) is None
    assert remote.noticed() == [f"records/{KEY} of the remote cannot be read as a record"]
    assert remote.noticed() == []


@pytest.mark.parametrize(
    "change",
    [
        {"path": "records/0f0f/a.bin"},
        {"path": "runs/20261127T000000-0f0f0f0f/result.json"},
        {"path": "train/latest/a.bin"},
        {"path": "train/0123456789abcdef/below/a.bin"},
        {"path": "train/../../a.bin"},
        {"sha256": "../records/0f"},
        {"sha256": "0F" * 32},
        {"bytes": -1},
    ],
    ids=str,
)
def test_a_record_of_files_that_no_stage_leaves_is_none_whatever_its_checksum(
    artifact: Artifact, change: dict[str, object]
) -> None:
    written = json.loads(artifact.model_dump_json())
    written["files"]["a.bin"] |= change
    written["checksum"] = checksum_of(written)
    with pytest.raises(ValueError, match=r"is no file of a stage|leaves the store"):
        shared_record(json.dumps(written).encode())


def test_no_link_leads_what_is_fetched_out_of_the_store(
    artifact: Artifact, there: Path, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a.bin").write_bytes(b"precious")
    folder = (root / artifact.files["a.bin"].path).parent
    folder.parent.mkdir()
    folder.symlink_to(outside)
    assert opened(there).fetch(artifact, root) is None
    assert damage(root, artifact) is None
    assert [path.name for path in outside.iterdir()] == ["a.bin"]
    assert (outside / "a.bin").read_bytes() == b"precious"


def test_a_files_bytes_alone_are_verified_too(artifact: Artifact, there: Path) -> None:
    file = artifact.files["a.bin"]
    remote = opened(there)
    assert remote.content(file, 5) == b"first"
    assert remote.content(file, 4) is None
    assert remote.content(file.model_copy(update={"sha256": "../records/x"}), 5) is None
    (there / CONTENTS / file.sha256).write_bytes(b"fIrst")
    assert remote.content(file, 5) is None


def test_a_remote_is_behind_the_store_within_its_block_alone(there: Path) -> None:
    assert behind() is None
    with using(f"file://{there}") as remote:
        assert behind() is remote is not None
        with using(f"file://{there}") as same:
            assert same is remote
        with using(None):
            assert behind() is None
    assert behind() is None


def test_without_obstore_a_remote_is_refused_by_the_extras_name(
    monkeypatch: pytest.MonkeyPatch, there: Path
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(NoRemote, match=r"needs obstore; `pip install '\.\[remote\]'` in the checkout"):
        opened(there)


def test_files_of_a_run_go_up_as_others_do(there: Path, root: Path) -> None:
    path = root / "runs" / "20261127T000000-0f0f0f0f" / "report.md"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"# Report")
    digest = hashlib.sha256(b"# Report").hexdigest()
    opened(there).send([StoredFile(path=str(path.relative_to(root)), bytes=8, sha256=digest)], root)
    assert (there / CONTENTS / digest).read_bytes() == b"# Report"
