"""Leases on a remote: one computes, the others wait; one whose owner is gone is void, and none is ever needed."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.store import remote_leases
from tasks.store.objects import Objects, RemoteError
from tasks.store.remote_leases import LEASES, LeaseRequest, leased

KEY = "0f" * 32


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Objects:
    monkeypatch.setattr(remote_leases, "PAUSE", 0.01)
    return Objects(f"file://{tmp_path}/remote")


def wanted(root: str, done: bool = False, told: list[str] | None = None) -> LeaseRequest:
    said = [] if told is None else told
    return LeaseRequest([KEY], Path(root), lambda _: done, said.append)


def test_of_sixteen_machines_one_computes_at_a_time(found: Objects) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def compute(number: int) -> None:
        nonlocal running, most
        with leased(found, wanted(f"/store/{number}")):
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.01)
            with lock:
                running -= 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(compute, range(16)))
    assert most == 1
    assert list(found.list(LEASES)) == []


def test_who_waits_for_a_result_that_is_ready_waits_no_longer(found: Objects) -> None:
    """Its owner may have died between the result and the end of the lease."""
    with leased(found, wanted("/one")):
        started = time.monotonic()
        with leased(found, wanted("/other", done=True)):
            assert time.monotonic() - started < 5
        assert len(list(found.list(LEASES))) == 1


def test_a_lease_that_nobody_renews_is_void_and_its_owner_is_named_meanwhile(
    found: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_leases, "LIMIT", 0.2)
    monkeypatch.setattr(remote_leases, "PATIENCE", 0.05)
    told: list[str] = []
    with leased(found, wanted("/one")):
        started = time.monotonic()
        with leased(found, wanted("/other", told=told)):
            assert time.monotonic() - started >= 0.2
    assert len(told) == 1
    assert told[0].startswith("process ")


def test_a_lease_that_is_renewed_is_kept(found: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_leases, "LIMIT", 1.0)
    monkeypatch.setattr(remote_leases, "RENEWAL", 0.1)
    seconds = []

    def other() -> None:
        started = time.monotonic()
        with leased(found, wanted("/other")):
            seconds.append(time.monotonic() - started)

    with leased(found, wanted("/one")):
        waiting = threading.Thread(target=other)
        waiting.start()
        time.sleep(2.0)
        assert seconds == []
    waiting.join()
    assert len(seconds) == 1


def test_who_has_lost_a_lease_leaves_the_new_owners_alone(
    found: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It neither renews nor removes it: both compute."""
    monkeypatch.setattr(remote_leases, "LIMIT", 0.0)
    monkeypatch.setattr(remote_leases, "RENEWAL", 0.05)
    with leased(found, wanted("/one")):
        with leased(found, wanted("/other")):
            (theirs,) = found.list(LEASES)
            mine = found.read(theirs.path, 4096)
        assert list(found.list(LEASES)) == []
        assert mine is not None
        found.write(theirs.path, mine)
        time.sleep(0.2)
    assert found.read(theirs.path, 4096) == mine


def test_the_lease_of_a_killed_process_of_the_same_store_is_void_at_once(found: Objects) -> None:
    """Whoever has the store's own lock on the key knows that no living process of it holds the lease."""
    held = leased(found, wanted("/store"))
    held.__enter__()
    started = time.monotonic()
    with leased(found, wanted("/store")):
        assert time.monotonic() - started < 5
    held.__exit__(None, None, None)


@pytest.mark.parametrize(
    "content",
    [b"", b"no", b"[" * 4000, b"x" * 10_000, b'{"format": 2}', b'{"owner": "\\u001b[31m"}'],
    ids=["empty", "no JSON", "nested", "large", "of a later release", "with a terminal's signs"],
)
def test_what_is_no_lease_is_void_when_nobody_renews_it_and_is_not_repeated(
    found: Objects, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr(remote_leases, "LIMIT", 0.1)
    monkeypatch.setattr(remote_leases, "PATIENCE", 0.01)
    found.write(f"{LEASES}/{KEY}", content)
    told: list[str] = []
    with leased(found, wanted("/one", told=told)):
        assert len(list(found.list(LEASES))) == 1
    assert told == ["another machine"]
    assert list(found.list(LEASES)) == []


def test_a_remote_that_fails_during_the_work_costs_the_lease_alone(
    found: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_leases, "RENEWAL", 0.01)

    def fail(*_: object) -> None:
        raise RemoteError(5, "gone")

    with leased(found, wanted("/one")):
        for name in ("read", "write", "remove"):
            monkeypatch.setattr(found, name, fail)
        time.sleep(0.1)
    with pytest.raises(RemoteError), leased(found, wanted("/other")):
        pass
