"""What is read when: small artifacts at every hit, large ones when they look otherwise or are about to be used."""

import os
from pathlib import Path

import pytest

from tasks.store import artifact as records
from tasks.store import verification
from tasks.store.artifact import Artifact, StoredFile
from tasks.store.verification import SEAL, Verification, at_a_hit
from tasks.store.writing import draft, publish


@pytest.fixture
def stored(tmp_path: Path) -> Artifact:
    with draft(tmp_path) as folder:
        for number in range(3):
            (folder / f"train-{number:05}.parquet").write_bytes(bytes([number]) * 1000)
        return publish(folder, tmp_path, "split")


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list to which the name of every file is added that is read for its digest."""
    names: list[str] = []
    stored_digest = records.stored_digest

    def noted(root: Path, path: str) -> str:
        names.append(Path(path).name)
        return stored_digest(root, path)

    monkeypatch.setattr(records, "stored_digest", noted)
    return names


def test_a_small_artifact_is_read_at_every_hit(tmp_path: Path, stored: Artifact, read: list[str]) -> None:
    assert at_a_hit(tmp_path, stored) is at_a_hit(tmp_path, stored) is None
    assert len(read) == 6
    assert not list(tmp_path.rglob(SEAL))


def test_a_large_one_is_read_once_whatever_the_number_of_hits(
    tmp_path: Path, stored: Artifact, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verification, "SMALL", 2999)
    assert [at_a_hit(tmp_path, stored) for _ in range(3)] == [None] * 3
    assert len(read) == 3


def test_a_run_reads_nothing_of_what_it_has_written(
    tmp_path: Path, stored: Artifact, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither this run, when it hands it on, nor the next one at a hit."""
    monkeypatch.setattr(verification, "SMALL", 0)
    writer = Verification(tmp_path)
    writer.note(stored)
    assert writer.before_use(stored.only("train-00001.parquet")) is None
    assert at_a_hit(tmp_path, stored) is None
    assert read == []


def test_before_use_another_run_reads_once_and_only_what_is_handed_over(
    tmp_path: Path, stored: Artifact, read: list[str]
) -> None:
    reader = Verification(tmp_path)
    part = stored.only("train-00001.parquet")
    assert reader.before_use(part) is reader.before_use(part) is None
    assert read == ["train-00001.parquet"]


@pytest.mark.parametrize("restore_times", [False, True])
def test_a_part_that_was_written_to_is_read_and_it_alone(
    tmp_path: Path, stored: Artifact, read: list[str], monkeypatch: pytest.MonkeyPatch, restore_times: bool
) -> None:
    """Even where the time of the last write was set back: the time of the last change cannot be."""
    monkeypatch.setattr(verification, "SMALL", 0)
    at_a_hit(tmp_path, stored)
    read.clear()
    path = stored.path(tmp_path, "train-00002.parquet")
    before = path.stat()
    path.write_bytes(b"\x02" * 999 + b"\x03")
    if restore_times:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    harm = str(at_a_hit(tmp_path, stored))
    assert "train-00002.parquet is not what was written" in harm
    assert read == ["train-00002.parquet"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"[]", b'{"x": [1]}', b'{"format": 2, "looks": {}}', b"[" * 100_000, None],
    ids=["empty", "no text", "a list", "the first release's", "a later release's", "nested", "none"],
)
def test_a_garbled_seal_costs_one_more_reading(
    tmp_path: Path,
    stored: Artifact,
    read: list[str],
    monkeypatch: pytest.MonkeyPatch,
    content: bytes | None,
) -> None:
    monkeypatch.setattr(verification, "SMALL", 0)
    at_a_hit(tmp_path, stored)
    (seal,) = tmp_path.rglob(SEAL)
    seal.unlink() if content is None else seal.write_bytes(content)
    read.clear()
    assert at_a_hit(tmp_path, stored) is at_a_hit(tmp_path, stored) is None
    assert len(read) == 3


def test_a_file_that_cannot_be_read_is_damaged(
    tmp_path: Path, stored: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk's error does not end the run; the file is made again."""

    def failing(_root: Path, _path: str) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(records, "stored_digest", failing)
    assert str(at_a_hit(tmp_path, stored)).endswith("train-00000.parquet cannot be read: Input/output error")


def test_an_altered_record_does_not_load(stored: Artifact) -> None:
    text = stored.model_dump_json()
    assert Artifact.model_validate_json(text) == stored
    with pytest.raises(ValueError, match="its checksum has changed"):
        Artifact.model_validate_json(text.replace('"bytes":1000', '"bytes":1001', 1))


def test_half_of_a_record_carries_no_checksum(stored: Artifact) -> None:
    """It is handed to a stage, never stored."""
    part = stored.only("train-00000.parquet")
    assert Artifact.model_validate_json(part.model_dump_json()) == part
    assert list(part.files.values()) == [
        StoredFile(
            path=f"{next(iter(stored.folders()))}/train-00000.parquet",
            bytes=1000,
            sha256=part.files["train-00000.parquet"].sha256,
        )
    ]
