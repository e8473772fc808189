"""Housekeeping: what goes, what stays, and that nothing but a store's own folders is ever touched."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from flows.command.cache import TASKS
from flows.regression import regression
from tasks.config import Cleaning, Settings
from tasks.outputs import registry
from tasks.outputs.result import Result
from tasks.runtime.cleaning import (
    artifacts,
    disposable,
    finished_runs,
    kept,
    remove,
    remove_remains,
    verify,
)
from tasks.store.leases import claims, lease
from tasks.store.locks import locked
from tasks.store.pieces import pieces_of

pytestmark = pytest.mark.usefixtures("prefect_server")


def run(root: Path, epochs: int) -> Result:
    return regression(Settings.model_validate({"artifacts": str(root), "training": {"epochs": epochs}}))


def clean(root: Path, rules: Cleaning) -> set[str]:
    sizes = {folder.path: folder.bytes for folder in artifacts(root)}
    gone = {
        folder.path
        for folder in remove(root, disposable(root, kept(finished_runs(root), sizes, rules), claims(root)))
    }
    remove_remains(root)
    return gone


def used(result: Result) -> set[str]:
    return {str(Path(file.path).parent) for stage in result.stages.values() for file in stage.files}


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> tuple[Path, Result, Result]:
    root = tmp_path_factory.mktemp("store")
    return root, run(root, 5), run(root, 6)


@pytest.fixture
def store(two_runs: tuple[Path, Result, Result], tmp_path: Path) -> tuple[Path, Result, Result]:
    """Return a copy of a store with two runs that share their data, and the runs' results, the older first."""
    root, older, newer = two_runs
    copy = tmp_path / "store"
    os.system(f"cp -a {root} {copy}")  # noqa: S605 - keeps the times
    return copy, older, newer


def test_only_what_no_kept_run_needs_is_removed(store: tuple[Path, Result, Result]) -> None:
    """The data that both runs share stays, the newer run stays cached, the older one's training is gone."""
    root, older, newer = store
    gone = clean(root, Cleaning(keep_runs=1))
    assert gone == (used(older) - used(newer)) | {f"runs/{older.run}"}
    assert not any((root / path).exists() for path in gone)
    assert verify(root).damaged == []
    assert {stage.state for stage in run(root, 6).stages.values()} == {"cached"}
    assert run(root, 5).stages["train"].state == "ran"


def test_without_a_rule_every_run_is_kept(store: tuple[Path, Result, Result]) -> None:
    root, _, _ = store
    assert clean(root, Cleaning()) == set()


def test_what_an_alias_or_the_last_champions_need_is_kept(store: tuple[Path, Result, Result]) -> None:
    """Whatever the rules say: with its stages' files. Without promotions to keep, the former champion goes."""
    root, older, newer = store
    model = registry.read(root, "example")
    assert model is not None
    for result in (older, newer):
        model = model.moved(registry.CHAMPION, result.run, by="test", why="better")
    registry.write(root, model)
    none = Cleaning(artifacts=str(root), keep_runs=0)
    assert TASKS["cache clean"](none, False) == 0
    assert all((root / path).is_dir() for result in (older, newer) for path in used(result))
    assert TASKS["cache clean"](none.model_copy(update={"keep_promotions": 1}), False) == 0
    assert [each.folder.path for each in finished_runs(root)] == [f"runs/{newer.run}"]
    assert all((root / path).is_dir() for path in used(newer))


def test_nothing_is_removed_where_it_is_not_known_which_models_are_in_use(
    store: tuple[Path, Result, Result], capsys: pytest.CaptureFixture[str]
) -> None:
    root, older, _ = store
    path = root / "registry" / "example.json"
    path.write_text(path.read_text().replace("example", "exampel"))
    assert TASKS["cache clean"](Cleaning(artifacts=str(root), keep_runs=0), False) == 2
    assert "registry/example.json" in capsys.readouterr().err
    assert (root / "runs" / older.run).is_dir()


def test_runs_go_by_age(store: tuple[Path, Result, Result]) -> None:
    root, older, newer = store
    month_ago = time.time() - timedelta(days=31).total_seconds()
    os.utime(root / "runs" / older.run, (month_ago, month_ago))
    assert f"runs/{older.run}" in clean(root, Cleaning.model_validate({"older_than": "30d"}))
    assert (root / "runs" / newer.run).is_dir()


def test_what_runs_and_stages_share_counts_once(store: tuple[Path, Result, Result]) -> None:
    """The sizes add up to what is on the disk, and a run's removal leaves the figures to the stage and other runs."""
    root, older, newer = store
    repeated = run(root, 6)
    folders = [*artifacts(root), *(each.folder for each in finished_runs(root))]
    stats = [path.stat() for each in folders for path in (root / each.path).rglob("*") if path.is_file()]
    on_disk = {stat.st_ino: stat.st_size for stat in stats}
    assert sum(each.bytes for each in folders) == sum(on_disk.values())
    assert len(on_disk) < len(stats)
    assert clean(root, Cleaning(keep_runs=1)) >= {f"runs/{older.run}", f"runs/{newer.run}"}
    assert verify(root).damaged == []
    assert (root / "runs" / repeated.run / "loss_curve.png").stat().st_size > 1000


def test_runs_go_by_size_the_oldest_first(store: tuple[Path, Result, Result]) -> None:
    root, older, newer = store
    whole = sum(folder.bytes for folder in artifacts(root)) + sum(
        each.folder.bytes for each in finished_runs(root)
    )
    assert f"runs/{older.run}" in clean(root, Cleaning.model_validate({"max_size": whole - 1}))
    assert [each.folder.path for each in finished_runs(root)] == [f"runs/{newer.run}"]


def test_what_a_running_flow_uses_stays(store: tuple[Path, Result, Result]) -> None:
    """A claimed folder survives even when no run is kept; when the flow has ended it goes."""
    root, older, _ = store
    claimed = next(iter(used(older)))
    with lease(root) as held:
        held.claim(claimed)
        gone = clean(root, Cleaning(keep_runs=0))
        assert gone
        assert claimed not in gone
    assert claimed in clean(root, Cleaning(keep_runs=0))


def test_what_a_running_flow_has_just_made_stays_though_it_is_not_claimed_yet(
    store: tuple[Path, Result, Result],
) -> None:
    root, _, _ = store
    with lease(root):
        (root / "train" / "0123456789abcdef").mkdir()
        assert "train/0123456789abcdef" not in clean(root, Cleaning(keep_runs=0))
    assert "train/0123456789abcdef" in clean(root, Cleaning(keep_runs=0))


def test_the_lease_of_a_dead_process_protects_nothing(store: tuple[Path, Result, Result]) -> None:
    root, older, _ = store
    (root / "leases").mkdir(exist_ok=True)
    (root / "leases" / "dead").write_text(f"0.0\n{next(iter(used(older)))}\n")
    assert used(older) <= clean(root, Cleaning(keep_runs=0))
    assert list((root / "leases").iterdir()) == []


def test_records_and_components_of_removed_artifacts_go_too(store: tuple[Path, Result, Result]) -> None:
    """Also records of failures, which refer to no files."""
    root, _, _ = store
    (root / "records" / "failure").write_text("{}")
    clean(root, Cleaning(keep_runs=0))
    assert list((root / "records").iterdir()) == []
    assert [path for path in (root / "keys").rglob("*") if path.is_file()] == []


def test_a_checkpoint_goes_when_its_training_is_whole_or_given_up(store: tuple[Path, Result, Result]) -> None:
    """Not while it is worked on, and not within a week."""
    root, _, _ = store
    whole = next((root / "records").iterdir()).name
    (root / "checkpoints").mkdir()
    fresh, old, worked_on = "a" * 64, "b" * 64, "c" * 64
    for name in (whole, fresh, old, worked_on):
        (root / "checkpoints" / name).write_bytes(b"")
    eight_days_ago = time.time() - timedelta(days=8).total_seconds()
    for name in (old, worked_on):
        os.utime(root / "checkpoints" / name, (eight_days_ago, eight_days_ago))
    with locked(root, worked_on):
        clean(root, Cleaning())
    assert {path.name for path in (root / "checkpoints").iterdir()} == {fresh, worked_on}


def test_pieces_go_when_their_stage_is_whole_or_given_up(store: tuple[Path, Result, Result]) -> None:
    """As checkpoints do; a link of such a name is none of ours."""
    root, _, _ = store
    whole = next((root / "records").iterdir()).name
    fresh, old, worked_on = "a" * 64, "b" * 64, "c" * 64
    eight_days_ago = time.time() - timedelta(days=8).total_seconds()
    for name in (whole, fresh, old, worked_on):
        pieces_of(root, name).made("one", lambda folder: (folder / "rows").touch())
        if name in (old, worked_on):
            os.utime(root / "pieces" / name, (eight_days_ago, eight_days_ago))
    with locked(root, worked_on):
        clean(root, Cleaning())
    assert {path.name for path in (root / "pieces").iterdir()} == {fresh, worked_on}


def test_a_folder_that_is_no_store_loses_nothing(tmp_path: Path) -> None:
    """Whatever folder is named: only folders named as the store names them can go."""
    for name in (
        "train/notes",
        "photos/0123456789abcdef",
        "runs/marathon",
        "records.old",
        "checkpoints/0f",
        "pieces/0f",
    ):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "precious").write_text("kept")
    assert clean(tmp_path, Cleaning(keep_runs=0)) == set()
    assert len(list(tmp_path.rglob("precious"))) == 6


@pytest.mark.parametrize("text", ["3x", "d", "-1d", ""])
def test_a_duration_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 12h, 30d or 8w"):
        Cleaning.model_validate({"older_than": text})
