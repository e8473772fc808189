"""Records of files, and what tells a damaged one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.store.artifact import Artifact, StoredFile, damage
from tasks.store.writing import draft, publish


@pytest.fixture
def stored(tmp_path: Path) -> Artifact:
    with draft(tmp_path) as folder:
        (folder / "a.bin").write_bytes(bytes(range(256)))
        (folder / "b.txt").write_text("b")
        return publish(folder, tmp_path, "split", {"rows": 3})


def test_files_lie_where_the_record_says_and_the_draft_is_gone(tmp_path: Path, stored: Artifact) -> None:
    assert stored.path(tmp_path, "b.txt").read_text() == "b"
    assert stored.files["a.bin"].bytes == 256
    assert list((tmp_path / "drafts").iterdir()) == []
    assert damage(tmp_path, stored) is None


def test_equal_contents_have_equal_records(tmp_path: Path, stored: Artifact) -> None:
    """The place is named by the contents, so writing the same again changes nothing."""
    with draft(tmp_path) as folder:
        (folder / "b.txt").write_text("b")
        (folder / "a.bin").write_bytes(bytes(range(256)))
        assert publish(folder, tmp_path, "split", {"rows": 3}) == stored


def test_writing_the_same_again_mends_a_damaged_file(tmp_path: Path, stored: Artifact) -> None:
    stored.path(tmp_path, "b.txt").write_text("x")
    with draft(tmp_path) as folder:
        (folder / "b.txt").write_text("b")
        (folder / "a.bin").write_bytes(bytes(range(256)))
        publish(folder, tmp_path, "split")
    assert damage(tmp_path, stored) is None


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "is missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), "holds 255 bytes instead of 256"),
        (lambda path: path.write_bytes(b"\x01" + path.read_bytes()[1:]), "its SHA-256 has changed"),
    ],
)
def test_a_missing_truncated_or_altered_file_is_named(
    tmp_path: Path, stored: Artifact, harm: Callable[[Path], object], said: str
) -> None:
    harm(stored.path(tmp_path, "a.bin"))
    assert re.fullmatch(rf"split/[0-9a-f]{{16}}/a\.bin .*{said}", str(damage(tmp_path, stored)))


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_record_cannot_point_outside_the_store(path: str) -> None:
    with pytest.raises(ValidationError, match="leaves the store"):
        StoredFile(path=path, bytes=1, sha256="0" * 64)


def test_a_failing_stage_leaves_no_draft(tmp_path: Path) -> None:
    def fail() -> None:
        with draft(tmp_path) as folder:
            (folder / "half").write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list((tmp_path / "drafts").iterdir()) == []
