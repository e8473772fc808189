"""What NFS does differently, put in its client's place: locks need a file open for writing, and names outlive files.

Its client makes locks of bytes of `flock`, so an exclusive one of a handle that is open for reading, such as every
folder's, is answered by EBADF. A file that another machine has removed is stale; one that this machine removes while
it is open gets another name, and so keeps its link.
"""

import errno
import fcntl
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.store import locks, writing
from tasks.store.leases import claims, lease
from tasks.store.locks import has_locks, locked
from tasks.store.writing import draft, publish, sweep, write_atomically


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    flock, unlink = fcntl.flock, Path.unlink

    def emulated(handle: Any, operation: int) -> None:
        is_readable_only = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
        if operation & fcntl.LOCK_EX and is_readable_only:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        flock(handle, operation)

    def renamed(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".lock" and path.exists():
            path.rename(path.with_name(f".nfs{os.urandom(8).hex()}"))
        else:
            unlink(path, missing_ok)

    monkeypatch.setattr(fcntl, "flock", emulated)
    monkeypatch.setattr(Path, "unlink", renamed)


@pytest.mark.usefixtures("nfs")
def test_a_stage_leaves_its_files_there(tmp_path: Path) -> None:
    with draft(tmp_path) as folder, lease(tmp_path) as held, locked(tmp_path, "train"):
        (folder / "a").write_bytes(b"a")
        made = publish(folder, tmp_path, "train")
        held.claim("train/x")
        assert claims(tmp_path).folders == {"train/x"}
        assert sweep(tmp_path) == []
        write_atomically(tmp_path / "records" / "b", b"b")
    assert made.path(tmp_path, "a").read_bytes() == b"a"
    assert list((tmp_path / "drafts").iterdir()) == list((tmp_path / "leases").iterdir()) == []


@pytest.mark.usefixtures("nfs")
def test_what_killed_processes_left_there_is_swept_and_what_is_held_stays(tmp_path: Path) -> None:
    with draft(tmp_path) as folder:
        left = [f"{number}" * 32 for number in (1, 2)]
        for name in left:
            (tmp_path / "drafts" / name).mkdir()
        (tmp_path / "drafts" / f"{left[0]}{writing.HOLDER}").touch()
        (tmp_path / "drafts" / f"{'3' * 32}{writing.HOLDER}").touch()
        assert sweep(tmp_path) == []
        assert {path.name for path in (tmp_path / "drafts").iterdir()} == {
            folder.name,
            f"{folder.name}{writing.HOLDER}",
        }


@pytest.mark.usefixtures("nfs")
def test_one_at_a_time_holds_a_lock_though_a_removed_file_keeps_its_link(tmp_path: Path) -> None:
    """Who waited for a file that its owner then removed does not take that one for the lock."""
    running, most, guard = 0, 0, threading.Lock()

    def work() -> None:
        nonlocal running, most
        for _ in range(5):
            with locked(tmp_path, "train"):
                with guard:
                    running += 1
                    most = max(most, running)
                time.sleep(0.002)
                with guard:
                    running -= 1

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == 1


def test_a_stale_file_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, calls = fcntl.flock, []

    def stale(handle: int, operation: int) -> None:
        calls.append(handle)
        if len(calls) <= 2:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", stale)
    with locked(tmp_path, "train"):
        assert len(calls) == 3


@pytest.mark.parametrize("number", sorted(locks.UNSUPPORTED))
def test_without_locks_work_goes_on_nothing_in_use_is_cleaned_away_and_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def missing(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    assert has_locks(tmp_path)
    monkeypatch.setattr(fcntl, "flock", missing)
    assert not has_locks(tmp_path)
    with lease(tmp_path) as held, locked(tmp_path, "train"), draft(tmp_path) as folder:
        held.claim("train/x")
        assert claims(tmp_path).folders == {"train/x"}
        assert sweep(tmp_path) == []
        assert folder.is_dir()
