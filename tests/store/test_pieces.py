"""Pieces of a stage's work: each is made once, and made again only where it is not what was written."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.store.folders import PIECES
from tasks.store.pieces import DIGESTS, Pieces, drop, files_of, kept, pieces_of, progress

KEY = "0f" * 32


@pytest.fixture
def pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pieces:
    monkeypatch.setattr("tasks.store.pieces.SPARED", 0)
    return pieces_of(tmp_path, KEY)


def writer(calls: list[int]) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        calls.append(1)
        (folder / "a").write_bytes(b"rows")
        (folder / "b").write_bytes(b"sums")

    return make


def truncate(place: Path) -> None:
    (place / "a").write_bytes(b"row")


def flip(place: Path) -> None:
    (place / "b").write_bytes(b"sumz")


def lose(place: Path) -> None:
    (place / "a").unlink()


def add(place: Path) -> None:
    (place / "c").touch()


def garble(place: Path) -> None:
    (place / DIGESTS).write_text('{"format": 2}')


def lead_out(place: Path) -> None:
    (place / "a").rename(place.parent / "elsewhere")
    (place / "a").symlink_to(place.parent / "elsewhere")


@pytest.mark.parametrize("harm", [truncate, flip, lose, add, garble, lead_out])
def test_a_piece_is_made_again_only_where_it_is_damaged(pieces: Pieces, harm: Callable[[Path], None]) -> None:
    calls: list[int] = []
    place = pieces.made("one", writer(calls))
    assert pieces.made("one", writer(calls)) == place
    assert len(calls) == 1
    harm(place)
    assert pieces.made("one", writer(calls)) == place
    assert len(calls) == 2
    assert [path.read_bytes() for path in files_of(place)] == [b"rows", b"sums"]
    assert [path for path in pieces.folder.iterdir() if path.name.startswith(".")] == []


def test_what_is_made_within_seconds_is_not_worth_a_digest(tmp_path: Path) -> None:
    """After a kill it is made again."""
    calls: list[int] = []
    young = pieces_of(tmp_path, KEY)
    young.expect(2)
    assert len(files_of(young.made("one", writer(calls)))) == 2
    assert progress(tmp_path, KEY) == (0, 2)
    old = Pieces(young.folder, time.time() - 60)
    for _ in range(2):
        old.made("one", writer(calls))
    assert progress(tmp_path, KEY) == (1, 2)
    assert len(calls) == 2


def test_a_piece_that_fails_leaves_nothing(pieces: Pieces) -> None:
    def fail(folder: Path) -> None:
        (folder / "a").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        pieces.made("one", fail)
    assert list(pieces.folder.iterdir()) == []


def test_what_a_killed_process_has_left_goes(tmp_path: Path, pieces: Pieces) -> None:
    (pieces.folder / ".0123.part").mkdir()
    pieces.made("one", writer([]))
    assert pieces_of(tmp_path, KEY).folder == pieces.folder
    assert [path.name for path in pieces.folder.iterdir()] == ["one"]


def test_two_that_make_the_same_piece_leave_one(pieces: Pieces) -> None:
    """A worker that was taken for lost may end after all."""

    def slowly(folder: Path) -> None:
        pieces.made("one", writer([]))
        writer([])(folder)

    assert [path.name for path in files_of(pieces.made("one", slowly))] == ["a", "b"]
    assert [path.name for path in pieces.folder.iterdir()] == ["one"]


def test_progress_counts_pieces_of_those_that_there_will_be(tmp_path: Path, pieces: Pieces) -> None:
    assert progress(tmp_path, KEY) is None
    pieces.expect(3)
    pieces.made("one", writer([]))
    assert progress(tmp_path, KEY) == (1, 3)
    (pieces.folder / "count").write_text("three")
    assert progress(tmp_path, KEY) is None


def test_they_are_dropped_as_a_whole(tmp_path: Path, pieces: Pieces) -> None:
    pieces.made("one", writer([]))
    (tmp_path / PIECES / "notes").mkdir()
    assert kept(tmp_path) == [pieces.folder]
    drop(tmp_path, KEY)
    drop(tmp_path, KEY)
    assert kept(tmp_path) == []
    assert (tmp_path / PIECES / "notes").is_dir()


def test_a_link_in_their_place_is_never_entered(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / PIECES).mkdir()
    (tmp_path / PIECES / KEY).symlink_to(tmp_path / "precious")
    pieces_of(tmp_path, KEY).made("one", writer([]))
    assert list((tmp_path / "precious").iterdir()) == []
