"""Digests of large files are remembered exactly as long as a file looks the same."""

import time
from pathlib import Path

import pytest

from tasks.store.digests import MOST, SETTLED, WORTHWHILE, Digests

OLD = time.time_ns() - 10 * SETTLED


class Reader:
    """Counts how often a file is read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> str:
        self.times += 1
        return f"digest {self.times}"


@pytest.mark.parametrize(
    ("look", "reads"),
    [
        pytest.param((WORTHWHILE, OLD, 7), 1, id="large and settled"),
        pytest.param((WORTHWHILE - 1, OLD, 7), 2, id="small"),
        pytest.param((WORTHWHILE, time.time_ns() + 10**12, 7), 2, id="written this moment"),
    ],
)
def test_a_file_is_read_once_if_it_is_large_and_settled(
    tmp_path: Path, look: tuple[int, ...], reads: int
) -> None:
    """By the next run, too, which reads the list from the store."""
    read = Reader()
    for _ in range(2):
        digests = Digests(tmp_path)
        assert digests.of("/data/a.csv", look, read) == f"digest {read.times}"
        digests.write()
    assert read.times == reads


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_look_is_another_file(tmp_path: Path, place: int) -> None:
    """Its size, its time or its inode; the old look is forgotten."""
    read, digests, look = Reader(), Digests(tmp_path), [WORTHWHILE, OLD, 7]
    digests.of("/data/a.csv", look, read)
    other = list(look)
    other[place] += 1
    assert digests.of("/data/a.csv", other, read) == "digest 2"
    assert digests.of("/data/a.csv", look, read) == "digest 3"


@pytest.mark.parametrize("garbage", [b"", b"{", b"[1]", b'{"/data/a.csv": 3}', b"\xff\xfe"])
def test_a_garbled_list_costs_one_more_reading(tmp_path: Path, garbage: bytes) -> None:
    read, digests = Reader(), Digests(tmp_path)
    digests.of("/data/a.csv", (WORTHWHILE, OLD), read)
    digests.write()
    digests.path.write_bytes(garbage)
    for _ in range(2):
        again = Digests(tmp_path)
        assert again.of("/data/a.csv", (WORTHWHILE, OLD), read) == "digest 2"
        again.write()


def test_the_list_is_bounded_and_keeps_the_latest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST > 1000
    monkeypatch.setattr("tasks.store.digests.MOST", 2)
    digests = Digests(tmp_path)
    for name in ("a", "b", "c"):
        digests.of(name, (WORTHWHILE, OLD), Reader())
    digests.write()
    read, again = Reader(), Digests(tmp_path)
    for name in ("b", "c"):
        again.of(name, (WORTHWHILE, OLD), read)
    assert read.times == 0
    again.of("a", (WORTHWHILE, OLD), read)
    assert read.times == 1


def test_a_plan_makes_no_store(tmp_path: Path) -> None:
    """Where there is no store yet, nothing is written."""
    digests = Digests(tmp_path / "absent")
    digests.of("a", (WORTHWHILE, OLD), Reader())
    digests.write()
    assert list(tmp_path.iterdir()) == []
