"""kill -9 at any point: the store holds the old or the new, the next run needs no help, and litter does not stay."""

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.paths import ROOT
from tests.processes import environment, python

# A real run in a process group of its own, all of which dies just before the n-th event on a path.
DYING = """
import os, signal, sys
store, event, part, last = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
seen = 0
def hook(name, arguments):
    global seen
    if name == event and isinstance(arguments[0], (str, os.PathLike)):
        seen += part in "".join(map(str, arguments[:2])).replace(store, "")
        if seen == last:
            os.killpg(0, signal.SIGKILL)
sys.addaudithook(hook)
from flows.command.cli import main
raise SystemExit(main(sys.argv[5:]))
"""


# Of so many points one is tried; `EVERY=1` tries them all.
EVERY = int(os.environ.get("EVERY", "3"))


def killed_at_points(folder: Path) -> list[dict[str, Any]]:
    store = folder / "store"
    store.mkdir()
    program = ROOT / "tests" / "resume" / "kills.py"
    done = python(program, store, env=environment(folder / "prefect"), timeout=900)
    return list(json.loads(done.stdout))


@pytest.mark.slow
def test_after_a_kill_at_any_write_point_the_next_run_leaves_what_an_undisturbed_one_leaves(
    tmp_path: Path,
) -> None:
    """Every file of the store has the same bytes, and there is none beside them: no draft, part, lock or lease."""
    points = killed_at_points(tmp_path)
    assert len(points) >= 120 // EVERY
    assert {point["ended"] for point in points} == {-signal.SIGKILL}
    assert [point for point in points if point["next run"] != 0 or point["differs"]] == []
    events = [point["killed before"] for point in points]
    opened = [event for event in events if event.startswith("open ")]
    # In the store's own folder a file without a name is opened, to see whether the file system has locks.
    places = r"open (/drafts/|/locks/|/leases/|.*/\.[0-9a-f]+\.part$|$)"
    assert [event for event in opened if not re.match(places, event)] == []
    assert {"fsync", "os.rename", "open"} <= {event.split()[0] for event in events}
    before = {point["after"] for point in points if point["killed before"].startswith("os.rename ")}
    assert before == {"fsync"}


@pytest.mark.slow
def test_after_a_kill_at_any_write_to_the_remote_the_next_run_and_an_empty_store_need_no_help(
    tmp_path: Path,
) -> None:
    """The remote and the store end with the same bytes as undisturbed ones, and no half object stays."""
    store = tmp_path / "store"
    program = ROOT / "tests" / "resume" / "kills.py"
    done = python(program, store, tmp_path / "remote", env=environment(tmp_path / "prefect"), timeout=900)
    points = json.loads(done.stdout)
    assert len(points) >= 30 // EVERY
    assert {point["ended"] for point in points} == {-signal.SIGKILL}
    wrong = [each for each in points if each["next run"] or each["in an empty store"] or each["differs"]]
    assert wrong == []
    kinds = {point["killed before"].rpartition("/")[0] for point in points}
    moments = {"before contents", "amid contents", "before records", "amid records", "holding leases"}
    assert EVERY > 1 or {*moments, "before the end of leases"} <= kinds


def run(store: Path, server: str, *before: str) -> CompletedProcess[str]:
    options = ["run", "--json", "--epochs", "5", "--artifacts", store]
    env = environment(store.parent / "prefect", server)
    return python(*(before or ("-m", "flows")), *options, env=env, status=None, apart=True)


def files(result: dict[str, Any]) -> dict[str, Any]:
    return {stage: each["files"] for stage, each in result["stages"].items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> dict[str, Any]:
    done = run(tmp_path_factory.mktemp("undisturbed") / "store", prefect_server)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("event", "part", "finished"),
    [
        pytest.param("os.rename", "/records/", [], marks=pytest.mark.slow, id="before the first record"),
        pytest.param(
            "os.rename",
            "/train/",
            ["generate", "split"],
            marks=pytest.mark.slow,
            id="before the training gets its name",
        ),
        pytest.param(
            "os.rename",
            "/keys/train",
            ["generate", "split", "train"],
            marks=pytest.mark.slow,
            id="between training and evaluation",
        ),
        pytest.param(
            "os.rename",
            "/result.json",
            ["generate", "split", "train", "evaluate", "report"],
            marks=pytest.mark.slow,
            id="before the result",
        ),
    ],
)
def test_a_real_run_whose_whole_process_group_is_killed_is_taken_up_where_it_was(
    tmp_path: Path,
    prefect_server: str,
    undisturbed: dict[str, Any],
    event: str,
    part: str,
    finished: list[str],
) -> None:
    store = tmp_path / "store"
    died = run(store, prefect_server, "-c", DYING, str(store), event, part, "1")
    assert (died.returncode, died.stdout) == (-signal.SIGKILL, "")
    done = run(store, prefect_server)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [stage for stage, each in result["stages"].items() if each["state"] == "cached"] == finished
    assert files(result) == files(undisturbed)
    assert result["model"] == undisturbed["model"]
    for litter in ("drafts", "locks", "leases"):
        assert list((store / litter).iterdir()) == []
    assert list(store.rglob("*.part")) == []


@pytest.mark.slow
def test_a_full_disk_is_said_once_and_leaves_nothing_half_written(
    tmp_path: Path, prefect_server: str, undisturbed: dict[str, Any]
) -> None:
    """A store on a disk of 192 kB cannot take the run; with more space the next run takes up what was finished."""
    store = tmp_path / "store"
    store.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192k", "tmpfs", store], check=False).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        full = run(store, prefect_server)
        assert full.returncode == 1
        assert full.stderr.count("No space left on device") == 1, full.stderr
        assert "Traceback" not in full.stderr
        assert list(store.rglob("*.part")) == list((store / "drafts").iterdir()) == []
        subprocess.run(["mount", "-o", "remount,size=10m", store], check=True)
        done = run(store, prefect_server)
        assert done.returncode == 0, done.stderr
        result = json.loads(done.stdout)
        states = [each["state"] for each in result["stages"].values()]
        assert states[0] == "cached"
        assert "ran" in states
        assert files(result) == files(undisturbed)
    finally:
        subprocess.run(["umount", store], check=True)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
def test_a_disk_that_fills_between_the_files_and_their_record_ends_the_run_with_one_error(
    tmp_path: Path, prefect_server: str
) -> None:
    """Prefect carries on without a record that it could not write; the run must not."""
    store = tmp_path / "store"
    (store / "records").mkdir(parents=True)
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "nr_inodes=1", "tmpfs", store / "records"], check=False
    ).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        full = run(store, prefect_server)
        assert full.returncode == 1
        assert "stage `generate` failed: OSError: [Errno 28] No space left on device" in full.stderr
        assert list((store / "records").iterdir()) == []
    finally:
        subprocess.run(["umount", store / "records"], check=True)
    assert run(store, prefect_server).returncode == 0
