"""What a store's folders hold, and who may write to them."""

from pathlib import Path

import pytest

from tasks.store.folders import (
    BadStore,
    bytes_in,
    changed,
    existing_root,
    files_in,
    is_open_to_others,
    store_root,
)


@pytest.mark.parametrize(("mode", "is_open"), [(0o777, True), (0o757, True), (0o775, False), (0o700, False)])
def test_a_store_that_everybody_can_write_to_is_noticed(tmp_path: Path, mode: int, is_open: bool) -> None:
    """A group that shares a store does so on purpose."""
    tmp_path.chmod(mode)
    assert is_open_to_others(tmp_path) == is_open


def test_bytes_are_those_of_files_on_all_levels_and_links_count_nothing(tmp_path: Path) -> None:
    (tmp_path / "deep" / "deeper").mkdir(parents=True)
    (tmp_path / "deep" / "deeper" / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    (tmp_path / "link").symlink_to(tmp_path / "b")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert bytes_in(tmp_path) == 8
    assert bytes_in(tmp_path / "gone") == 0


def test_files_are_listed_without_those_that_are_being_written(tmp_path: Path) -> None:
    for name in ("b", "a", ".0123.part"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    assert [path.name for path in files_in(tmp_path)] == ["a", "b"]
    assert files_in(tmp_path / "gone") == []
    assert changed(tmp_path / "gone") == float("inf")


def test_a_store_need_not_be_there_but_for_its_housekeeping(tmp_path: Path) -> None:
    assert store_root(str(tmp_path / "new")) == tmp_path / "new"
    with pytest.raises(BadStore, match=r"`artifacts` of '.*new': there is no such folder; check the name"):
        existing_root(str(tmp_path / "new"))
