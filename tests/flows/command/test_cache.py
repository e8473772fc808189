"""Housekeeping from the command line: one bad item stops no care of the others, and is always named."""

import errno
import json
import os
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from flows.command import cache
from flows.command.plan import plan
from flows.command.predict import predict
from flows.regression import regression
from tasks.config import Cleaning, Prediction, Settings
from tasks.outputs import runs
from tasks.store import writing
from tasks.store.checksum import checksum_of
from tasks.table.model.linear import LinearModel, NumberInput
from tests.page.examples import result_of
from tests.paths import DATA
from tests.processes import started
from tests.store.obstacles import OBSTACLES

MODEL = LinearModel(target="y", bias=1.0, inputs=(NumberInput(name="x", weight=2.0, mean=None),))
FILES = {
    "model.json": MODEL.checked().model_dump_json(indent=1).encode(),
    "model.sql": b"1 + 2 * x",
    "report.md": b"# Report",
    "report.html": b"<p>Report",
    "loss_curve.png": b"PNG",
}
Said = pytest.CaptureFixture[str]


def run_at(root: Path, moment: str, bias: float = 1.0) -> str:
    """Leave a finished run that was due at a moment, HHMMSS or in full; return its name."""
    name = f"{moment if 'T' in moment else f'20261122T{moment}'}-0123abcd"
    model = MODEL.model_copy(update={"bias": bias}).checked().model_dump_json(indent=1)
    runs.write(root, result_of().model_copy(update={"run": name}), {**FILES, "model.json": model.encode()})
    return name


def command(task: str, artifacts: Path | str, **options: object) -> int:
    settings = Cleaning.model_validate({"artifacts": str(artifacts)} | options)
    return cache.TASKS[f"cache {task}"](settings, options.get("as_json") is True)


def predicted(root: Path, model: str) -> int:
    (root / "rows.csv").write_text("x\n1\n")
    options = {"artifacts": str(root), "model": model, "data": str(root / "rows.csv")}
    return predict(
        Prediction.model_validate(options | {"output": str(root / "out.csv"), "overwrite": True}), False
    )


NO_FOLDER = "linear-neuron: `artifacts` of 'file' cannot be used: Not a directory; name another folder"


@pytest.mark.parametrize("task", ["list", "verify", "clean"])
def test_a_store_that_is_not_there_is_bad_input(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch, task: str
) -> None:
    """A mistyped folder is never told that all is well."""
    monkeypatch.chdir(tmp_path)
    assert command(task, "no-such-store") == 2
    (tmp_path / "file").touch()
    assert command(task, "file") == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    missing, no_folder = printed.err.splitlines()
    assert missing.startswith(
        "linear-neuron: `artifacts` of 'no-such-store': there is no such folder; check the name"
    )
    assert no_folder == NO_FOLDER


def test_a_plan_says_of_a_file_what_housekeeping_says(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    assert plan(Settings.model_validate({"artifacts": "file"}), False) == 2
    assert capsys.readouterr().err == NO_FOLDER + "\n"


def test_an_empty_store_is_verified_without_the_claim_that_all_is_well(tmp_path: Path, capsys: Said) -> None:
    assert command("verify", tmp_path) == 0
    assert capsys.readouterr().out == "there are no files yet\n"


@pytest.mark.parametrize("file", [*FILES, "result.json"])
def test_an_altered_file_of_a_run_is_named(tmp_path: Path, capsys: Said, file: str) -> None:
    name = run_at(tmp_path, "000001")
    assert command("verify", tmp_path) == 0
    path = tmp_path / "runs" / name / file
    content = path.read_bytes()
    path.write_bytes(content.replace(b"1", b"3") if b"1" in content else content[::-1])
    assert command("verify", tmp_path) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[0] == "read 5 files of 1 folder: every file is as it was written"
    assert printed.out.splitlines()[1].startswith(f"runs/{name}/{file} ")
    assert printed.err.startswith("linear-neuron: 1 damaged; read ")


@pytest.mark.parametrize("resealed", [False, True], ids=["edited", "with a checksum that fits"])
def test_an_altered_model_does_not_predict(tmp_path: Path, capsys: Said, resealed: bool) -> None:
    """By whatever way it is named; with a checksum made to fit, its run still knows better."""
    name = run_at(tmp_path, "000001")
    ways = ["latest", name, str(tmp_path / "runs" / name)]
    assert [predicted(tmp_path, model) for model in ways] == [0, 0, 0]
    capsys.readouterr()
    path = tmp_path / "runs" / name / "model.json"
    altered = MODEL.checked().model_copy(update={"bias": 7.0})
    path.write_text((altered.checked() if resealed else altered).model_dump_json())
    assert [predicted(tmp_path, model) for model in ways] == [2, 2, 2]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(
        "model.json' is not what the run wrote" in line and "make the run again" in line for line in lines
    )
    assert predicted(tmp_path, str(path)) == (0 if resealed else 2)


def test_a_model_out_of_the_store_carries_its_checksum_and_a_handwritten_one_needs_none(
    tmp_path: Path, capsys: Said
) -> None:
    taken = tmp_path / "taken.json"
    taken.write_bytes(FILES["model.json"].replace(b'"weight": 2.0', b'"weight": 3.0'))
    assert predicted(tmp_path, str(taken)) == 2
    assert "its checksum has changed" in capsys.readouterr().err
    by_hand = json.loads(FILES["model.json"]) | {"bias": 5}
    del by_hand["checksum"]
    taken.write_text(json.dumps(by_hand))
    assert predicted(tmp_path, str(taken)) == 0
    assert (tmp_path / "out.csv").read_text() == "x,predicted_y\n1,7\n"


def in_its_place(put: Callable[[Path], None], path: Path) -> None:
    path.unlink()
    put(path)


UNREADABLE: dict[str, Callable[[Path], object]] = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:300]),
    "empty": lambda path: path.write_bytes(b""),
    "no JSON": lambda path: path.write_bytes(b"\xffno"),
    "a later release's": lambda path: path.write_bytes(
        path.read_bytes().replace(b'"format": 2', b'"format": 9')
    ),
    "nested 100,000 deep": lambda path: path.write_bytes(b"[" * 100_000),
    "3 GB long": lambda path: os.truncate(path, 3 * 10**9),
    "another run's": lambda path: path.write_bytes(path.read_bytes().replace(b"T000001-", b"T000009-")),
    **{name: partial(in_its_place, put) for name, put in OBSTACLES.items()},
}


def test_a_result_cannot_list_a_file_outside_its_run(tmp_path: Path, capsys: Said) -> None:
    """Not even with the right checksum."""
    name = run_at(tmp_path, "000001")
    path = tmp_path / "runs" / name / "result.json"
    for place in ("../secret", "/etc/passwd", "train/0123456789abcdef/x", f"runs/{name}/../../x"):
        result = json.loads(path.read_bytes())
        result["files"][0]["path"] = place
        path.write_text(json.dumps(result | {"checksum": checksum_of(result)}))
        assert command("verify", tmp_path) == 1
        assert capsys.readouterr().out == (
            f"runs/{name}/result.json cannot be read: it lists a file outside the run's folder\n"
        )


@pytest.mark.parametrize("harm", UNREADABLE)
def test_one_unreadable_result_does_not_stop_the_care_of_the_others(
    tmp_path: Path, capsys: Said, harm: str
) -> None:
    """It is named, and kept or removed by its name and age, as any other run."""
    first, *others = [run_at(tmp_path, f"00000{number}") for number in (1, 2, 3)]
    UNREADABLE[harm](tmp_path / "runs" / first / "result.json")
    named = f"linear-neuron: runs/{first}/result.json cannot be read: "

    assert command("list", tmp_path) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith(named)
    assert printed.out.splitlines()[1].split()[:2] == ["runs", "3"]

    assert command("clean", tmp_path, keep_runs=3) == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [first, *others]
    assert command("clean", tmp_path, keep_runs=2, dry_run=True) == 0
    assert command("clean", tmp_path, keep_runs=2) == 0
    printed = capsys.readouterr()
    assert printed.err.count(named) == printed.err.count("what it used is not known") == 3
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == others


def test_the_latest_run_is_the_one_that_ended_last_whatever_its_name_says(tmp_path: Path) -> None:
    """A clock that was wrong, a start that was late, two runs in a second: all agree on what is newest."""
    future = run_at(tmp_path, "20990101T000000", bias=1)
    due_later = run_at(tmp_path, "000009", bias=2)
    late = run_at(tmp_path, "000005", bias=3)
    assert runs.latest(tmp_path) == late
    assert predicted(tmp_path, "latest") == 0
    assert (tmp_path / "out.csv").read_text() == "x,predicted_y\n1,5\n"
    assert [past.run for past in runs.earlier(tmp_path, result_of())] == [future, due_later, late]
    assert command("clean", tmp_path, keep_runs=1) == 0
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [late]


def test_nothing_behind_a_link_is_removed(tmp_path: Path, capsys: Said) -> None:
    """Neither in a store of links, nor from it; a link to a whole store is that store."""
    mine, shared = tmp_path / "mine", tmp_path / "shared"
    shutil.copytree(DATA / "store-1" / "store", mine)
    (mine / "drafts" / "abandoned").mkdir(parents=True)
    shared.mkdir()
    names = sorted(path.name for path in mine.iterdir() if path.is_dir())
    for name in names:
        (shared / name).symlink_to(mine / name)
    before = sorted(mine.rglob("*"))
    assert command("clean", shared, keep_runs=0) == 0
    assert sorted(mine.rglob("*")) == before
    passed_over = [line.split()[1] for line in capsys.readouterr().err.splitlines()]
    assert sorted(passed_over) == names
    (tmp_path / "link").symlink_to(mine)
    assert command("clean", tmp_path / "link", keep_runs=0) == 0
    assert not any(path.is_file() for path in mine.rglob("*"))


def test_a_read_only_store_gives_one_line_and_a_dry_run_its_list(
    tmp_path: Path, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = run_at(tmp_path, "000001")
    (tmp_path / "leases").mkdir()
    (tmp_path / "leases" / "dead").write_text("0.0\n")

    def read_only(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    for change in ("rename", "unlink", "mkdir"):
        monkeypatch.setattr(Path, change, read_only)
    assert command("clean", tmp_path, keep_runs=0, dry_run=True) == 0
    assert f"runs/{name}" in capsys.readouterr().out
    assert command("clean", tmp_path, keep_runs=0) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        f"linear-neuron: `artifacts` of '{tmp_path}' cannot be used: Read-only file system"
    )


def test_what_vanishes_between_listing_and_looking_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unfinished files get their names and folders are removed by others while `clean` is at work."""
    done = threading.Event()

    def busy() -> None:
        number = 0
        while not done.is_set():
            number += 1
            writing.write_atomically(tmp_path / "records" / f"{number % 7:064}", b"{}")
            with suppress(
                FileNotFoundError
            ):  # nothing claims these folders: `clean` may take one half-written
                writing.write_atomically(tmp_path / "train" / f"{number % 7:016}" / "weights.npz", b"")
            shutil.rmtree(tmp_path / "train" / f"{(number + 3) % 7:016}", ignore_errors=True)
            (tmp_path / "records" / f"{(number + 3) % 7:064}").unlink(missing_ok=True)

    monkeypatch.setattr("tasks.store.writing._flush_folder", lambda _: None)
    monkeypatch.setattr("os.fsync", lambda _: None)
    beside = threading.Thread(target=busy)
    beside.start()
    try:
        assert [command("clean", tmp_path, keep_runs=0) for _ in range(40)] == [0] * 40
    finally:
        done.set()
        beside.join()


BESIDE = """
import sys
from pathlib import Path
from flows.command import cache
from tasks.config import Cleaning
statuses = []
while not Path(sys.argv[1], "stop").exists():
    options = Cleaning.model_validate({"artifacts": sys.argv[1], "keep_runs": 0})
    statuses.append(int(cache.TASKS["cache clean"](options, True)))
print(len(statuses), set(statuses), file=sys.stderr)
"""


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_cleaning_beside_runs_disturbs_neither(tmp_path: Path) -> None:
    """Every clean and every run ends well, though each run's artifacts go as soon as it has ended."""
    root = tmp_path / "store"
    root.mkdir()
    beside = started("-c", BESIDE, root)
    try:
        for seed in range(4):
            settings = {"artifacts": str(root), "seed": seed, "training": {"epochs": 2}}
            assert len(regression(Settings.model_validate(settings)).stages) == 5
    finally:
        (root / "stop").touch()
    _, said = beside.communicate(timeout=60)
    count, statuses = said.splitlines()[-1].split(maxsplit=1)
    assert int(count) > 10
    assert statuses == "{0}"
