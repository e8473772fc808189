"""A damaged file or record is noticed, named and made again, and nothing else runs."""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flows.regression import regression
from tasks.config import Settings
from tasks.outputs import data, model, parts, scores
from tasks.outputs.result import Result
from tasks.runtime.caching import recorded
from tasks.store import verification
from tests.store.obstacles import OBSTACLES

pytestmark = pytest.mark.usefixtures("prefect_server")

FILES = {
    "generate": [data.ARRAYS],
    "split": [f"{parts.TRAIN}.parquet", f"{parts.TEST}.parquet", parts.PROFILE],
    "train": [model.KERAS, model.WEIGHTS, model.HISTORY],
    "evaluate": [scores.METRICS, f"{scores.PREDICTIONS}.parquet"],
    "report": ["predicted_against_actual.png", "diagnostics.png", "test_residuals.png", "loss_curve.png"],
}


def run(root: Path) -> Result:
    return regression(Settings.model_validate({"artifacts": str(root), "training": {"epochs": 5}}))


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def in_its_place(obstacle: str, path: Path) -> None:
    path.unlink()
    OBSTACLES[obstacle](path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[Path, Result]:
    root = tmp_path_factory.mktemp("finished")
    return root, run(root)


@pytest.fixture
def store(finished: tuple[Path, Result], tmp_path: Path) -> tuple[Path, Result]:
    root, result = finished
    shutil.copytree(root, tmp_path / "store")
    return tmp_path / "store", result


def ran(result: Result) -> set[str]:
    return {name for name, stage in result.stages.items() if stage.state == "ran"}


def digests(result: Result) -> dict[str, str]:
    return {file.path: file.sha256 for stage in result.stages.values() for file in stage.files}


CASES = [
    pytest.param(stage, name, harm, marks=[] if harm is flip_a_bit and not is_another else pytest.mark.slow)
    for stage, names in FILES.items()
    for name, is_another in zip(names, (False, *(stage == "report" for _ in names[1:])), strict=True)
    for harm in (flip_a_bit, truncate, Path.unlink)
]


@pytest.mark.parametrize(("stage", "name", "harm"), CASES)
def test_a_damaged_file_is_made_again_by_its_stage_alone(
    stage: str,
    name: str,
    harm: Callable[[Path], object],
    store: tuple[Path, Result],
    caplog: pytest.LogCaptureFixture,
) -> None:
    root, before = store
    path = next(file.path for file in before.stages[stage].files if file.path.endswith(f"/{name}"))
    harm(root / path)
    after = run(root)
    assert ran(after) == {stage}
    assert digests(after) == digests(before)
    assert after.stages[stage].reason.startswith(path)
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert [text for text in warnings if text.startswith(f"{stage} runs again: {path} ")]
    assert ran(run(root)) == set()


@pytest.mark.parametrize("obstacle", ["pipe", "folder", "dangling link"])
def test_what_has_become_no_file_is_made_again(
    obstacle: str, store: tuple[Path, Result], caplog: pytest.LogCaptureFixture
) -> None:
    """A record, a stage's file and the components of keys at once; the next run finds all in order."""
    root, before = store
    record = next(path for path in (root / "records").iterdir() if recorded(root, path.name).stage == "split")  # type: ignore[union-attr]
    file = root / before.stages["train"].files[-1].path
    for path in (record, file, *(root / "keys" / "generate").iterdir()):
        in_its_place(obstacle, path)
    after = run(root)
    assert ran(after) == {"split", "train"}
    assert digests(after) == digests(before)
    assert f"split runs again: records/{record.name} cannot be read" in caplog.text
    assert f"train runs again: {file.relative_to(root)} cannot be read: is no regular file" in caplog.text
    assert ran(run(root)) == set()


@pytest.mark.parametrize(
    "harm", [flip_a_bit, *(pytest.param(each, marks=pytest.mark.slow) for each in (truncate, empty))]
)
def test_a_garbled_record_is_a_miss(
    harm: Callable[[Path], object], store: tuple[Path, Result], caplog: pytest.LogCaptureFixture
) -> None:
    """Of every stage at once: each says which record it was, and the numbers are the same."""
    root, before = store
    names = [path.name for path in (root / "records").iterdir()]
    assert len(names) == 5
    for name in names:
        harm(root / "records" / name)
    after = run(root)
    assert ran(after) == set(FILES)
    assert digests(after) == digests(before)
    assert all(f"records/{name} cannot be read" in caplog.text for name in names)
    assert ran(run(root)) == set()


def test_no_flipped_bit_of_a_record_passes_for_another_result(
    finished: tuple[Path, Result], tmp_path: Path
) -> None:
    """Whatever bit it is, the record loads as it was written, or it does not load; facts in it count too."""
    (tmp_path / "records").mkdir()
    source = max((finished[0] / "records").iterdir(), key=lambda path: path.stat().st_size)
    content, copy = source.read_bytes(), tmp_path / "records" / source.name
    copy.write_bytes(content)
    written = recorded(tmp_path, source.name)
    assert written is not None
    for place in range(len(content)):
        copy.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 7]) + content[place + 1 :])
        found = recorded(tmp_path, source.name)
        assert found is None or found == written, place


def test_garbled_components_cost_nothing_but_the_reason(store: tuple[Path, Result]) -> None:
    root, _ = store
    for number, path in enumerate((root / "keys").glob("*/*.json")):
        path.write_bytes([b"", b"\xff{", b"[1]", b'{"a": 1}'][number % 4])
    assert ran(run(root)) == set()


def test_a_large_files_silent_damage_is_noticed_before_it_is_used(
    store: tuple[Path, Result], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Size and times are as they were: a hit passes, but the stage that reads it next makes it be made again."""
    root, before = store
    monkeypatch.setattr(verification, "SMALL", 0)
    assert ran(run(root)) == set()
    path = root / next(file.path for file in before.stages["split"].files if "train" in file.path)
    rotted = path.stat()
    flip_a_bit(path)
    monkeypatch.setattr(verification, "_looks", pretending(verification._looks, path, rotted))
    assert ran(run(root)) == set()
    for record in (root / "records").iterdir():
        found = recorded(root, record.name)
        if found is not None and found.stage == "train":
            record.unlink()
    after = run(root)
    assert ran(after) == {"split", "train"}
    assert digests(after) == digests(before)
    assert f"split runs again: {path.relative_to(root)} is not what was written" in caplog.text


def pretending(looks: Callable[..., dict[str, list[int]]], path: Path, stat: object) -> Callable[..., object]:
    """Return a look at files that does not see that one of them was written to, as if the disk had failed."""

    def look(root: Path, artifact: object) -> dict[str, list[int]]:
        name = str(path.relative_to(root))
        old = [getattr(stat, field) for field in ("st_size", "st_mtime_ns", "st_ctime_ns", "st_ino")]
        return {each: old if each == name else seen for each, seen in looks(root, artifact).items()}

    return look
