"""When a training is saved: under its stage's key, not too often, and never so that it fails for it."""

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tasks.neuron.state import Checkpoint, State
from tasks.runtime import checkpoints
from tasks.runtime.checkpoints import EVERY, Checkpoints
from tasks.store.checkpoints import kept

KEY = "0f" * 32


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(checkpoints, "time", found)
    return found


@pytest.fixture(autouse=True)
def logger(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Log as a stage does, without one."""
    found = logging.getLogger("test of checkpoints")
    found.setLevel(logging.INFO)
    monkeypatch.setattr(checkpoints, "get_run_logger", lambda: found)
    return found


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Run as the stage with this key."""

    def put(key: str | None) -> None:
        monkeypatch.setattr(checkpoints, "get_transaction", lambda: SimpleNamespace(key=key) if key else None)

    put(KEY)
    return put


def after(epochs: int) -> Checkpoint:
    state = State(np.array([0.1, 1 / 3]), float(epochs), 10 * epochs)
    return Checkpoint(state, np.arange(float(epochs)), {"bit_generator": "PCG64", "state": {"state": 2**100}})


def test_it_is_saved_every_half_minute_and_taken_up(tmp_path: Path, clock: Clock) -> None:
    """The first time after half a minute too: a short training is never saved."""
    saver = Checkpoints(tmp_path)
    assert saver.last() is None
    saver.keep(after(1))
    assert kept(tmp_path) == []
    clock.now += EVERY
    saver.keep(after(2))
    clock.now += EVERY - 1
    saver.keep(after(3))
    found = Checkpoints(tmp_path).last()
    assert found is not None
    assert (found.state.bias, found.state.step, found.shuffles) == (2, 20, after(2).shuffles)
    assert found.state.weights.tobytes() == after(2).state.weights.tobytes()
    clock.now += 1
    saver.keep(after(4))
    assert len(Checkpoints(tmp_path).last().loss) == 4  # type: ignore[union-attr]


def test_another_training_does_not_take_it_up(
    tmp_path: Path, clock: Clock, key: Callable[[str | None], None]
) -> None:
    saver = Checkpoints(tmp_path)
    clock.now += EVERY
    saver.keep(after(2))
    key("1e" * 32)
    assert Checkpoints(tmp_path).last() is None
    key(None)
    assert Checkpoints(tmp_path).last() is None


def test_what_is_no_stage_is_not_saved(
    tmp_path: Path, clock: Clock, key: Callable[[str | None], None]
) -> None:
    key(None)
    saver = Checkpoints(tmp_path)
    clock.now += 10 * EVERY
    saver.keep(after(2))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_one_is_a_warning_and_the_training_begins_anew(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    saver = Checkpoints(tmp_path)
    clock.now += EVERY
    saver.keep(after(2))
    (path,) = kept(tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with caplog.at_level(logging.INFO):
        assert Checkpoints(tmp_path).last() is None
    assert caplog.messages == [f"the training begins anew: checkpoints/{KEY} is not what was written"]


def test_a_full_disk_costs_the_checkpoint_alone(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again half a minute later, not after every epoch."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "save", full)
    saver = Checkpoints(tmp_path)
    clock.now += EVERY
    saver.keep(after(2))
    saver.keep(after(3))
    assert caplog.messages == ["no checkpoint after epoch 2: [Errno 28] No space left on device"]
