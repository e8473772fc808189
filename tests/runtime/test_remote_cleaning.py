"""Housekeeping of a remote: what goes, what stays, what is damaged; other machines' fresh work is left alone."""

import json
import os
import time
from pathlib import Path

import pytest

from flows.command import cache
from tasks.config import Cleaning
from tasks.outputs import runs
from tasks.outputs.result import Decision, Outcome, RunFile, Stage
from tasks.runtime import remote_cleaning
from tasks.store.artifact import Artifact
from tasks.store.objects import Objects
from tasks.store.remote import Remote, known_path, record_path, using
from tasks.store.writing import draft, publish
from tests.page.examples import result_of

Said = pytest.CaptureFixture[str]
DAY = 86_400


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "remote"


def address(there: Path) -> str:
    return f"file://{there}"


def a_night(
    tmp_path: Path, there: Path, number: int, days_ago: float, outcome: Outcome | None = None
) -> tuple[str, Artifact]:
    """Leave a run of so many days ago, with a training of its own; return its name and the training."""
    root = tmp_path / "store"
    with draft(root) as folder:
        (folder / "weights.npz").write_bytes(f"weights {number}".encode())
        made = publish(folder, root, "train")
    key = f"{number:064x}"
    files = [RunFile(**file.model_dump()) for file in made.files.values()]
    stage = Stage(state="ran", reason="first run", seconds=1.0, files=files)
    name = f"20261122T00000{number}-0123abcd"
    with using(address(there)) as remote:
        assert remote is not None
        remote.keep(record_path(key), made, root)
        remote.write(f"keys/train/{key}.json", b"{}")
        decision = outcome and Decision(outcome=outcome, text="as the gate says")
        result = result_of().model_copy(
            update={"run": name, "name": "sales", "stages": {"train": stage}, "decision": decision}
        )
        runs.write(root, result, {"report.md": f"# Report {number}".encode()})
    then = time.time() - days_ago * DAY
    for path in there.rglob("*"):
        if path.is_file() and path.stat().st_mtime > time.time() - 60:
            os.utime(path, (then, then))
    return name, made


def command(task: str, there: Path, as_json: bool = False, **options: object) -> int:
    settings = Cleaning.model_validate({"remote": address(there)} | options)
    return cache.TASKS[f"cache {task}"](settings, as_json)


def objects(there: Path) -> set[str]:
    return {str(path.relative_to(there)) for path in there.rglob("*") if path.is_file()}


def test_only_what_no_kept_run_needs_is_removed(tmp_path: Path, there: Path, capsys: Said) -> None:
    """With its record, what its key was made of, its pages and its files."""
    _, older = a_night(tmp_path, there, 1, 9)
    kept = objects(there)
    newer, _ = a_night(tmp_path, there, 2, 8)
    new = objects(there) - kept
    assert command("clean", there, keep_runs=1, dry_run=True) == 0
    assert objects(there) == kept | new
    assert command("clean", there, keep_runs=1) == 0
    assert objects(there) == new
    listed = capsys.readouterr().out.splitlines()
    assert set(listed[:5]) == set(listed[6:-1]) == kept
    assert listed[5].startswith("would remove 5 objects, ")
    assert listed[-1].startswith("removed 5 objects, ")
    assert listed[-1].endswith("; kept 1 runs")
    assert f"runs/{newer}.json" in objects(there)
    assert next(iter(older.files.values())).sha256 not in " ".join(objects(there))


@pytest.mark.parametrize("promotions", [0, 1, 2, 5])
def test_the_last_champions_stay(tmp_path: Path, there: Path, promotions: int) -> None:
    """With their trainings, and beside what `--keep-runs` keeps; a night that the gate kept out does not count."""
    outcomes: list[Outcome | None] = ["promoted", "promoted", "kept", "rejected", None]
    nights = [a_night(tmp_path, there, i, 9 - i, outcome) for i, outcome in enumerate(outcomes)]
    assert command("clean", there, keep_runs=1, keep_promotions=promotions) == 0
    stay = [nights[-1], *nights[max(0, 2 - promotions) : 2]]
    left = objects(there)
    assert {path for path in left if path.startswith("runs/")} == {f"runs/{name}.json" for name, _ in stay}
    for _, training in stay:
        assert f"contents/{next(iter(training.files.values())).sha256}" in left


def test_what_lists_goes_before_what_is_listed(tmp_path: Path, there: Path) -> None:
    a_night(tmp_path, there, 1, 9)
    found = remote_cleaning.inventory(Objects(address(there)))
    gone = [item.path.partition("/")[0] for item in remote_cleaning.disposable(found, Cleaning(keep_runs=0))]
    assert gone == ["runs", "records", "keys", "contents", "contents"]


def test_runs_go_by_age_and_by_size(tmp_path: Path, there: Path) -> None:
    a_night(tmp_path, there, 1, 40)
    newer, _ = a_night(tmp_path, there, 2, 8)
    assert command("clean", there, older_than="30d") == 0
    assert [path for path in objects(there) if path.startswith("runs/")] == [f"runs/{newer}.json"]
    assert command("clean", there, max_size="1KB") == 0
    assert objects(there) == set()


def test_without_a_rule_runs_are_kept_and_what_none_needs_goes_when_it_is_a_day_old(
    tmp_path: Path, there: Path
) -> None:
    a_night(tmp_path, there, 1, 9)
    kept = objects(there)
    remote = Remote(Objects(address(there)))
    with draft(tmp_path / "store") as folder:
        (folder / "rows.parquet").write_bytes(b"rows")
        other = publish(folder, tmp_path / "store", "files")
    remote.keep(known_path("a" * 64), other, tmp_path / "store")
    remote.write("leases/" + "b" * 64, b"{}")
    fresh = objects(there)
    assert command("clean", there) == 0
    assert objects(there) == fresh
    for path in fresh - kept:
        os.utime(there / path, (0, 0))
    assert command("clean", there) == 0
    assert objects(there) == kept


def test_what_is_not_the_remotes_own_is_never_touched(there: Path) -> None:
    precious = ["notes.txt", "contents/notes.txt", "runs/marathon.json", "records/old/0f", "keys/x/0f.json"]
    for path in precious:
        (there / path).parent.mkdir(parents=True, exist_ok=True)
        (there / path).write_text("kept")
        os.utime(there / path, (0, 0))
    assert command("clean", there, keep_runs=0) == 0
    assert command("verify", there) == 0
    assert objects(there) == set(precious)


@pytest.mark.parametrize("harm", ["altered", "gone", "record", "result"])
def test_damage_is_named(tmp_path: Path, there: Path, capsys: Said, harm: str) -> None:
    name, made = a_night(tmp_path, there, 1, 9)
    assert command("verify", there) == 0
    assert capsys.readouterr().out == "read 2 files of 2 records: every file is as it was written\n"
    digest = next(iter(made.files.values())).sha256
    key = f"{1:064x}"
    contents = there / "contents" / digest
    if harm == "altered":
        contents.write_bytes(b"Weights 1")
        said = [f"contents/{digest} is not what was written"]
    elif harm == "gone":
        contents.unlink()
        said = [
            f"contents/{digest}, which {path} lists, is missing"
            for path in (f"records/{key}", f"runs/{name}.json")
        ]
    else:
        path = f"records/{key}" if harm == "record" else f"runs/{name}.json"
        (there / path).write_bytes((there / path).read_bytes()[:-9])
        said = [f"{path} is not what was written"]
    assert command("verify", there) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines() == said
    assert f"{len(said)} damaged; read " in printed.err
    assert command("clean", there) == 0


def test_a_listing_counts_objects(tmp_path: Path, there: Path, capsys: Said) -> None:
    a_night(tmp_path, there, 1, 9)
    assert command("list", there, as_json=True) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {name: row["count"] for name, row in rows.items()} == {
        "contents": 2,
        "records": 1,
        "keys": 1,
        "runs": 1,
    }
    assert rows["contents"]["oldest"] == pytest.approx(9, abs=0.01)


def test_a_remote_that_cannot_be_reached_is_said_in_one_line(capsys: Said) -> None:
    settings = Cleaning.model_validate({"remote": "az://nowhere"})
    assert cache.TASKS["cache list"](settings, False) == 2
    said = capsys.readouterr().err
    assert said.startswith("linear-neuron: `remote` of 'az://nowhere' cannot be used: ")
    assert said.count("\n") == 1
