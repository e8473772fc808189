"""Whatever lies where a file of the store belongs, nothing waits on it, follows it, or fails without a name."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tasks.outputs import runs
from tasks.outputs.files import folder_of
from tasks.runtime.caching import CacheStatus, forget, recorded, remember
from tasks.store import checkpoints, verification
from tasks.store.artifact import Artifact, damage
from tasks.store.digests import Digests
from tasks.store.folders import BadStore, displaced, store_root
from tasks.store.leases import claims, lease
from tasks.store.locks import locked, taken
from tasks.store.regular import is_regular, read_inside, read_regular
from tasks.store.verification import SEAL, at_a_hit
from tasks.store.writing import draft, publish, sweep, write_atomically
from tests.page.examples import result_of
from tests.store.obstacles import OBSTACLES

KEY = "0f" * 32
RUN = "20261122T000001-0123abcd"

pytestmark = pytest.mark.parametrize("obstacle", OBSTACLES)


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """End a test that waits: opening a pipe would wait for ever."""
    signal.alarm(20)
    yield
    signal.alarm(0)


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """Lend a store, and see that what lies beside it stays as it is."""
    root = tmp_path / "a" / "store"
    root.mkdir(parents=True)
    beside = [tmp_path / "outside", tmp_path / "a" / "outside", tmp_path / "a" / "store" / "outside"]
    for path in beside:
        path.write_bytes(b"mine")
    yield root
    assert [path.read_bytes() for path in beside] == [b"mine"] * 3


def put(obstacle: str, path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    OBSTACLES[obstacle](path)
    return path


def stored(root: Path) -> Artifact:
    with draft(root) as folder:
        (folder / "data.bin").write_bytes(b"data")
        return publish(folder, root, "generate")


def test_a_record_is_lost_and_written_again(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "records" / KEY)
    assert recorded(root, KEY) is None
    forget(root, KEY)
    assert not os.path.lexists(path)
    put(obstacle, path)
    write_atomically(path, stored(root).model_dump_json().encode())
    assert recorded(root, KEY) is not None


def test_what_is_known_of_a_users_file_is_lost(root: Path, obstacle: str) -> None:
    assert folder_of(put(obstacle, root / "known" / f"{KEY}.json")) is None


def test_a_keys_components_are_written_again(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "keys" / "train" / f"{KEY}.json")
    remember(root, "train", CacheStatus(KEY, {"epochs": "5"}, None, ""))
    assert is_regular(path)


def test_a_lock_is_taken_and_leaves_nothing(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "locks" / "x.lock")
    with locked(root, "x"), taken(root, "x") as mine:
        assert not mine
    put(obstacle, path)
    with taken(root, "x") as mine:
        assert mine
    assert not os.path.lexists(path)


def test_a_lease_is_passed_over_and_named(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "leases" / "x")
    with lease(root) as held:
        held.claim("train/0f")
        assert claims(root).folders == {"train/0f"}
        assert sweep(root) == ["leases/x"]
    assert os.path.lexists(path)


@pytest.mark.parametrize("place", ["drafts/x", "generate/." + "a" * 32 + ".part", "records/.b.part"])
def test_what_no_killed_run_can_have_left_is_passed_over_and_named(
    root: Path, obstacle: str, place: str
) -> None:
    """A draft is a folder, so one that nobody holds goes."""
    path = put(obstacle, root / place)
    swept = sweep(root)
    assert (swept, os.path.lexists(path)) == (([], False) if obstacle == "folder" else ([place], True))


def test_a_checkpoint_is_damage_and_written_again(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "checkpoints" / KEY)
    with pytest.raises(OSError, match="is no regular file"):
        checkpoints.load(root, KEY)
    checkpoints.save(root, KEY, {"epoch": np.arange(3)})
    loaded = checkpoints.load(root, KEY)
    assert loaded is not None
    assert loaded["epoch"].tolist() == [0, 1, 2]
    path.unlink()
    put(obstacle, path)
    assert checkpoints.kept(root) == []
    checkpoints.drop(root, KEY)
    assert not os.path.lexists(path)


def test_a_seal_costs_one_more_reading(root: Path, obstacle: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "SMALL", 0)
    artifact = stored(root)
    (home,) = artifact.folders()
    put(obstacle, root / home / SEAL)
    assert at_a_hit(root, artifact) is None
    assert is_regular(root / home / SEAL)


def test_the_cache_of_digests_starts_anew(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / "digests.json")
    known = Digests(root)
    known.of("a", (2**21, 0, 0, 0), lambda: "abc")
    known.write()
    assert is_regular(path)


def test_a_stages_file_is_damage_and_published_again(root: Path, obstacle: str) -> None:
    artifact = stored(root)
    path = artifact.path(root, "data.bin")
    path.unlink()
    put(obstacle, path)
    assert str(damage(root, artifact)).startswith(
        f"{path.relative_to(root)} cannot be read: is no regular file"
    )
    assert stored(root) == artifact
    assert damage(root, artifact) is None


def test_a_stages_folder_is_replaced(root: Path, obstacle: str) -> None:
    """Also where it has become a link to a folder elsewhere that holds the same files."""
    artifact = stored(root)
    (name,) = artifact.folders()
    moved = root.parent / "moved"
    (root / name).rename(moved)
    if "link" in obstacle:
        (root / name).symlink_to(moved)
        assert damage(root, artifact)
    else:
        put(obstacle, root / name)
    assert stored(root) == artifact
    assert damage(root, artifact) is None
    assert [path.name for path in moved.iterdir()] == ["data.bin"]


def test_a_runs_result_cannot_be_read_and_its_folder_is_written_again(root: Path, obstacle: str) -> None:
    put(obstacle, root / "runs" / RUN / "result.json")
    assert [harm.partition(":")[0] for harm in runs.unreadable(root)] == [
        f"runs/{RUN}/result.json cannot be read"
    ]
    assert runs.earlier(root, result_of()) == []
    for name in ("model.json", "report.html"):
        put(obstacle, root / "runs" / RUN / name)
    runs.write(
        root, result_of().model_copy(update={"run": RUN}), {"model.json": b"{}", "report.html": b"<p>"}
    )
    assert runs.unreadable(root) == []
    assert runs.altered(root / "runs" / RUN, "model.json") is None


def test_the_order_of_the_runs_is_written_again(root: Path, obstacle: str) -> None:
    path = put(obstacle, root / runs.ORDER)
    assert runs.latest(root) is None
    runs.write(root, result_of().model_copy(update={"run": RUN}), {})
    assert is_regular(path)
    assert runs.latest(root) == RUN


@pytest.mark.parametrize("name", ["train", "records", "keys", "drafts", "runs", "leases", "keys/train"])
def test_a_folder_of_the_store_that_is_none_is_never_entered(root: Path, obstacle: str, name: str) -> None:
    """A run refuses the store in one line. What lies behind a link is neither swept nor removed."""
    if obstacle == "folder":
        assert store_root(str(root)) == root
        return
    elsewhere = root.parent / "elsewhere"
    (elsewhere / "0123456789abcdef").mkdir(parents=True)
    (elsewhere / f".{'c' * 32}.part").write_bytes(b"unfinished")
    if obstacle == "link out of the store":
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).symlink_to(elsewhere)
    else:
        put(obstacle, root / name)
    assert displaced(root) == [name]
    with pytest.raises(BadStore, match=f"'{name}' in it is a link or a file"):
        store_root(str(root))
    sweep(root)
    assert len(list(elsewhere.iterdir())) == 2


def test_only_regular_files_are_read(root: Path, obstacle: str) -> None:
    """Neither by their own name nor behind a folder that is a link."""
    path = put(obstacle, root / "x" / "y" / "z")
    with pytest.raises(OSError, match="is no regular file"):
        read_regular(path, 9)
    with pytest.raises(OSError, match="is no regular file"):
        read_inside(root, "x/y/z", 9)
    (root / "real").mkdir()
    (root / "real" / "file").write_bytes(b"bytes")
    (root / "link").symlink_to(root / "real")
    assert read_inside(root, "real/file", 9) == b"bytes"
    with pytest.raises(OSError, match="lies behind a link"):
        read_inside(root, "link/file", 9)
    with pytest.raises(OSError, match="has more than 4 bytes"):
        read_inside(root, "real/file", 4)


def test_the_store_itself_may_be_a_link_but_nothing_else(root: Path, obstacle: str) -> None:
    (root.parent / "link").symlink_to(root)
    assert store_root(str(root.parent / "link")) == root
    place = put(obstacle, root.parent / "store-2")
    if obstacle in {"folder", "dangling link", "link out of the store"}:  # from here it leads nowhere
        assert store_root(str(place)).name
    else:
        with pytest.raises(BadStore, match=r"`artifacts` of '.*store-2' is no folder"):
            store_root(str(place))
