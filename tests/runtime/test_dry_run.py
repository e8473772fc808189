"""A dry run looks at stages in the order of the wiring, runs none, and says what waits for what."""

from pathlib import Path

import numpy as np
import pytest

from flows.regression import stages
from tasks.config import Problem, Settings
from tasks.generate import generate
from tasks.neuron.state import Checkpoint, End, State
from tasks.runtime.caching import cache_status, records, remember
from tasks.runtime.dry_run import DryRun
from tasks.store.artifact import Artifact
from tasks.store.checkpoints import save
from tasks.store.writing import write_atomically

PROBLEM = Problem(rows=20)
END = End(State(np.array([0.5, 1.0]), 2.0, 7), 100, 3.5)


def finished(root: Path, seed: int) -> Artifact:
    """Do what a run does with its first stage, without Prefect."""
    inputs = {"problem": PROBLEM, "seed": seed, "root": root}
    artifact = generate.fn(PROBLEM, seed, root)
    status = cache_status(generate.fn, inputs, root)
    write_atomically(records(root) / status.key, artifact.model_dump_json().encode())
    remember(root, "generate", status)
    return artifact


def test_a_finished_stage_is_cached_and_given_on(tmp_path: Path) -> None:
    artifact = finished(tmp_path, 1)
    dry = DryRun(tmp_path)
    assert dry(generate, problem=PROBLEM, seed=1) == artifact
    assert dry.stages == {"generate": ("cached", "nothing changed")}
    assert dry.waiting == set()


def test_a_changed_setting_is_the_reason(tmp_path: Path) -> None:
    finished(tmp_path, 1)
    dry = DryRun(tmp_path)
    assert dry(generate, problem=PROBLEM, seed=2).pending
    assert dry.stages["generate"] == ("will run", "`seed`: 1 → 2")


def test_what_reads_a_pending_artifact_waits_for_it(tmp_path: Path) -> None:
    """Nothing is known of its key, so nothing is looked up."""
    dry = DryRun(tmp_path)
    settings = Settings()
    stages(dry, settings)
    assert dry.stages["generate"] == ("will run", "first run")
    assert dry.stages["split"] == ("will run", "unless `generate` leaves the same files as before")
    assert dry.waiting == {"generate", "split", "train", "evaluate", "report"}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("seeds", "expected"),
    [
        ([1, 2], ("cached", "nothing changed")),
        ([1, 2, 3], ("will run", "1 of 3: `seed`: 2 → 3")),
        ([4], ("will run", "`seed`: 2 → 4")),
    ],
)
def test_several_calls_have_one_account(tmp_path: Path, seeds: list[int], expected: tuple[str, str]) -> None:
    """It counts those that would run, and gives the first one's reason."""
    for seed in (1, 2):
        finished(tmp_path, seed)
    dry = DryRun(tmp_path)
    found = dry.each(generate, "seed", seeds, problem=PROBLEM)
    assert [each.pending for each in found] == [seed > 2 for seed in seeds]
    state, reason = dry.stages["generate"]
    assert (state, reason.replace("`seed`: 1 →", "`seed`: 2 →")) == expected


@pytest.mark.parametrize(
    ("ends", "said"), [((), "epoch 2"), ((END, END), "epoch 2 and 2 of the next one's streams")]
)
def test_what_was_begun_is_said(tmp_path: Path, ends: tuple[End, ...], said: str) -> None:
    """A stage that was stopped goes on from its checkpoint; one that is damaged is of no use."""
    status = cache_status(generate.fn, {"problem": PROBLEM, "seed": 1, "root": tmp_path}, tmp_path)
    save(tmp_path, status.key, Checkpoint(END.state, np.ones(2), {}, ends).arrays())
    dry = DryRun(tmp_path)
    assert dry(generate, problem=PROBLEM, seed=1).pending
    assert dry.stages["generate"] == ("will run", f"first run; goes on after {said}")
    (tmp_path / "checkpoints" / status.key).write_bytes(b"")
    assert dry(generate, problem=PROBLEM, seed=1).pending
    assert dry.stages["generate"][1].startswith(
        f"first run; begins anew: checkpoints/{status.key} is no checkp"
    )


def test_a_damaged_file_will_be_made_again(tmp_path: Path) -> None:
    artifact = finished(tmp_path, 1)
    (file,) = artifact.files.values()
    (tmp_path / file.path).unlink()
    dry = DryRun(tmp_path)
    assert dry(generate, problem=PROBLEM, seed=1).pending
    assert dry.stages["generate"] == ("will run", f"{file.path} is missing")
