"""A training that is killed goes on from its checkpoint, and leaves the same files as one that was left alone."""

import errno
import json
import signal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from flows.regression import regression
from tasks.config import Settings
from tasks.neuron.state import Checkpoint
from tasks.outputs.result import Result
from tasks.runtime.checkpoints import Checkpoints
from tests.processes import environment, python

pytestmark = pytest.mark.usefixtures("prefect_server")

EPOCHS = 12

# A run that saves after every epoch, tells what it takes up, and dies just before a checkpoint gets its name.
PROGRAM = """
import json, os, signal, sys
from tasks.config import Settings
from tasks.neuron import batching, streams
from tasks.runtime import checkpoints
from tasks.store import parts
store, (rows, large, epochs, last) = sys.argv[1], map(int, sys.argv[2:])
checkpoints.EVERY, batching.FLOATS = 0.0, 1
if large:
    parts.MOST_ROWS, parts.PART_ROWS, parts.GROUP_ROWS, batching.BLOCK = 1000, 2000, 256, 4096
if large == 4:
    streams.ROWS_PER_PARAMETER, streams.BATCHES, streams.SETTLED = 256, 16, 0
seen = 0
def hook(name, arguments):
    global seen
    if name == "os.rename" and "/checkpoints/" in str(arguments[1]):
        seen += 1
        if seen == last:
            os.kill(0, signal.SIGKILL)
restored, taken_up = checkpoints.restored, []
def watched(arrays):
    taken_up.append(len(arrays["loss"]))
    return restored(arrays)
checkpoints.restored = watched
sys.addaudithook(hook)
from flows.regression import regression
result = regression(Settings.model_validate(
    {"artifacts": store, "problem": {"rows": rows}, "training": {"epochs": epochs}}
))
files = {stage: each.model_dump()["files"] for stage, each in result.stages.items()}
print(json.dumps({"taken up": taken_up, "saved": seen, "files": files}))
"""


def run(store: Path, server: str, rows: int, *, streams: int, last: int = 0) -> CompletedProcess[str]:
    """Run it on rows in memory, or in parts and in so many streams; kill it at the last checkpoint, if one is named."""
    env = environment(store.parent / "prefect", server, PREFECT_LOGGING_LEVEL="WARNING")
    return python("-c", PROGRAM, store, rows, streams, EPOCHS, last, env=env, status=None, apart=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rows", "streams", "kills"),
    [
        pytest.param(1000, 0, [1, 5], id="in memory"),
        pytest.param(9000, 1, [4, 3], id="in parts"),
        pytest.param(9000, 4, [3, 13], id="in streams"),
    ],
)
def test_killed_it_goes_on_from_the_last_epoch_or_stream(
    tmp_path: Path, prefect_server: str, rows: int, streams: int, kills: list[int]
) -> None:
    """Twice in a row: what was saved before a kill is not trained again, and every file has the same bytes."""
    each = streams or 1  # checkpoints of an epoch
    store, done = tmp_path / "store", 0
    for last in kills:
        died = run(store, prefect_server, rows, streams=streams, last=last)
        assert (died.returncode, died.stdout) == (-signal.SIGKILL, ""), died.stderr
        done += last - 1
    assert len(list((store / "checkpoints").glob("[!.]*"))) == 1
    ended = run(store, prefect_server, rows, streams=streams)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout.splitlines()[-1])
    assert (told["taken up"], told["saved"]) == ([done // each], each * EPOCHS - done)
    undisturbed = run(tmp_path / "undisturbed", prefect_server, rows, streams=streams)
    assert told["files"] == json.loads(undisturbed.stdout.splitlines()[-1])["files"]
    for litter in ("checkpoints", "drafts", "locks", "leases"):
        assert list((store / litter).iterdir()) == []


class Stopped(Exception):
    """In place of a kill, where one process has to do."""


def settings(root: Path, epochs: int) -> Settings:
    return Settings.model_validate({"artifacts": str(root), "training": {"epochs": epochs}})


def stopped(root: Path, monkeypatch: pytest.MonkeyPatch, epochs: int) -> Path:
    """Begin a training and stop it when the first of two calls of the program is saved; return the checkpoint."""
    keep = Checkpoints.keep
    known = set((root / "checkpoints").glob("*"))

    def once(self: Checkpoints, checkpoint: Checkpoint) -> None:
        keep(self, checkpoint)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("tasks.runtime.checkpoints.EVERY", 0.0)
        patch.setattr("tasks.neuron.batching.FLOATS", 3 * 800 * epochs // 2)
        patch.setattr(Checkpoints, "keep", once)
        with pytest.raises(Stopped):
            regression(settings(root, epochs))
    (new,) = set((root / "checkpoints").glob("*")) - known
    return new


def digests(result: Result) -> dict[str, Any]:
    return {name: [file.sha256 for file in stage.files] for name, stage in result.stages.items()}


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (flip_a_bit, "not what was written"),
        pytest.param(truncate, "no checkpoint of this release", marks=pytest.mark.slow),
        pytest.param(empty, "no checkpoint of this release", marks=pytest.mark.slow),
    ],
)
def test_a_damaged_checkpoint_is_said_and_the_training_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, harm: Any, what: str
) -> None:
    """The files are those of an undisturbed run, and the checkpoint is gone."""
    root = tmp_path / "store"
    path = stopped(root, monkeypatch, 20)
    harm(path)
    result = regression(settings(root, 20))
    assert f"the training begins anew: checkpoints/{path.name} is {what}" in caplog.text
    assert digests(result) == digests(regression(settings(tmp_path / "undisturbed", 20)))
    assert list((root / "checkpoints").iterdir()) == []


def test_another_trainings_checkpoint_is_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each training has its own, by its key; under another's name it does not load."""
    root = tmp_path / "store"
    one = stopped(root, monkeypatch, 20)
    other = stopped(root, monkeypatch, 30)
    other.write_bytes(one.read_bytes())
    result = regression(settings(root, 30))
    assert f"begins anew: checkpoints/{other.name} is not what was written" in caplog.text
    assert digests(result) == digests(regression(settings(tmp_path / "undisturbed", 30)))
    assert list((root / "checkpoints").iterdir()) == [one]


def test_a_short_training_saves_nothing(tmp_path: Path) -> None:
    """Not even a folder for it."""
    regression(settings(tmp_path / "store", 20))
    assert not (tmp_path / "store" / "checkpoints").exists()


def test_a_checkpoint_that_cannot_be_saved_costs_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The training goes on; if the disk is full, its end will tell."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tasks.runtime.checkpoints.save", full)
    monkeypatch.setattr("tasks.runtime.checkpoints.EVERY", 0.0)
    assert regression(settings(tmp_path / "store", 5)).verdict.z is not None
    assert "no checkpoint after epoch 5: [Errno 28] No space left on device" in caplog.text
