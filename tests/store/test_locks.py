"""Locks between processes, real ones, and what is left of those that were killed."""

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tasks.store import locks
from tasks.store.locks import locked, taken
from tasks.store.writing import draft, sweep, write_atomically
from tests.processes import started

OWNER = """
import sys, time
from pathlib import Path
from tasks.store.locks import locked
from tasks.store.writing import draft
with locked(Path(sys.argv[1]), "train"), draft(Path(sys.argv[1])) as folder:
    (folder / "half").write_text("half")
    print("mine", flush=True)
    time.sleep(60)
"""


class Owner:
    """A process that holds the lock `train` and a draft."""

    def __init__(self, root: Path) -> None:
        self.process = started("-c", OWNER, root)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "mine\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def test_a_living_owner_is_waited_for_and_named_and_a_dead_ones_lock_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.2)
    owner = Owner(tmp_path)
    waits: list[str] = []

    def told(whom: str) -> None:
        waits.append(whom)
        owner.kill()

    begun = time.monotonic()
    with locked(tmp_path, "train", told):
        assert 0.2 < time.monotonic() - begun < 10
    assert len(waits) == 1
    assert waits[0].startswith(f"process {owner.process.pid} on ")
    assert list((tmp_path / "locks").iterdir()) == []


def test_a_lock_that_is_held_is_not_taken(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    try:
        with taken(tmp_path, "train") as mine:
            assert not mine
        with taken(tmp_path, "split") as mine:
            assert mine
    finally:
        owner.kill()
    with taken(tmp_path, "train") as mine:
        assert mine
    assert list((tmp_path / "locks").iterdir()) == []


def test_what_a_living_process_holds_is_not_swept_and_what_a_dead_one_held_is(tmp_path: Path) -> None:
    owner = Owner(tmp_path)
    sweep(tmp_path)
    assert [path.name for path in (tmp_path / "drafts").glob("*/*")] == ["half"]
    assert len(list((tmp_path / "locks").iterdir())) == 1
    owner.kill()
    sweep(tmp_path)
    assert list((tmp_path / "drafts").iterdir()) == list((tmp_path / "locks").iterdir()) == []


def test_unfinished_files_are_swept_and_finished_ones_are_not(tmp_path: Path) -> None:
    write_atomically(tmp_path / "keys" / "train" / "a.json", b"{}")
    (tmp_path / "keys" / "train" / ".0123.part").write_bytes(b"{")
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / ".0123.part").write_bytes(b"{")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["a.json"]


def test_a_draft_that_is_swept_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may look just between the making of a folder and its locking."""
    hold = locks.hold
    swept: list[bool] = []

    def late(handle: int) -> bool:
        if not swept:
            swept.append(True)
            sweep(tmp_path)
        return hold(handle)

    monkeypatch.setattr("tasks.store.writing.hold", late)
    with draft(tmp_path) as folder:
        assert folder.is_dir()
    swept.clear()
    write_atomically(tmp_path / "records" / "a", b"whole")
    assert (tmp_path / "records" / "a").read_bytes() == b"whole"


def test_a_file_system_without_locks_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes may then compute the same, which is harmless; nothing is swept, since nothing is known."""

    def unsupported(*_: object) -> None:
        raise OSError(95, os.strerror(95))

    monkeypatch.setattr("fcntl.flock", unsupported)
    with ExitStack() as both:
        both.enter_context(locked(tmp_path, "train"))
        both.enter_context(locked(tmp_path, "train"))
        folder = both.enter_context(draft(tmp_path))
        sweep(tmp_path)
        assert folder.is_dir()


def test_a_lock_on_a_file_that_its_owner_has_just_removed_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the opening of a lock's file and its locking the owner may end, and a third process come first."""
    hold = locks.hold
    path = tmp_path / "locks" / "train.lock"

    def late(handle: int) -> bool:
        if path.exists() and not path.read_text():
            path.unlink()
            path.write_text("another process")
        return hold(handle)

    monkeypatch.setattr(locks, "hold", late)
    with locked(tmp_path, "train"):
        monkeypatch.undo()
        assert path.read_text().startswith(f"process {os.getpid()} on ")
        with taken(tmp_path, "train") as mine:
            assert not mine
