"""Progress: what is said, how often, and that nobody's failure to listen costs the training."""

import io
import logging
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact

from flows.regression import regression
from tasks.config import Settings, Training
from tasks.runtime import progress
from tasks.runtime.progress import ARTIFACT_KEY, PAUSE, SHARE, Progress


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "get_run_logger", lambda: logging.getLogger("told"))
    return clock


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    return terminal


@pytest.fixture
def sent(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float, str]]:
    """Return what the server was sent: when, the percentage and the words; each takes a tenth of a second."""
    messages: list[tuple[float, float, str]] = []

    def create(percent: float, key: str, description: str) -> int:
        messages.append((clock.now, percent, description))
        clock.now += 0.1
        return 1

    monkeypatch.setattr(progress, "create_progress_artifact", create)
    monkeypatch.setattr(
        progress, "update_progress_artifact", lambda _, percent, description: create(percent, "", description)
    )
    return messages


def test_the_terminals_line_says_epoch_loss_and_the_time_left(clock: Clock, terminal: Terminal) -> None:
    """At the pace since the first call, rewritten in place, with a line's end when all is done."""
    with Progress(100) as shown:
        for done in (4, 12, 60, 100):
            clock.now += 1 if done == 4 else (done - 4) / 8
            shown(done, 1 / done)
    assert terminal.getvalue().split("\x1b[K") == [
        "\repoch 4/100  loss 0.25",
        "\repoch 12/100  loss 0.0833333  0:11 left",
        "\repoch 60/100  loss 0.0166667  0:06 left",
        "\repoch 100/100  loss 0.01",
        "\n",
    ]


def test_the_terminal_is_written_to_a_few_times_a_second(clock: Clock, terminal: Terminal) -> None:
    with Progress(10_000) as shown:
        for done in range(1, 10_001):
            clock.now += 1e-4
            shown(done, 1.0)
    assert terminal.getvalue().count("\r") == 1 + 5
    assert "epoch 10000/10000" in terminal.getvalue()


def test_a_part_of_an_epoch_is_progress_too(clock: Clock, terminal: Terminal) -> None:
    """An epoch of streamed rows may take minutes."""
    with Progress(2) as shown:
        shown(0.25, 9.0)
        clock.now += 60
        shown(0.75, 4.0)
    assert terminal.getvalue().endswith("\repoch 0.75/2  loss 4  2:30 left\x1b[K\n")


def test_of_several_trainings_one_has_the_terminals_line(clock: Clock, terminal: Terminal) -> None:
    """They would overwrite each other; the next one to begin after its end has it then."""
    with Progress(10) as one:
        with Progress(20) as other:
            other(20, 1.0)
        one(10, 1.0)
    with Progress(30) as later:
        later(30, 1.0)
    assert terminal.getvalue() == "\repoch 10/10  loss 1\x1b[K\n\repoch 30/30  loss 1\x1b[K\n"


def test_a_short_training_sends_nothing(clock: Clock, sent: list[tuple[float, float, str]]) -> None:
    with Progress(100) as shown:
        clock.now += PAUSE - 0.01
        shown(100, 1.0)
    assert sent == []


def test_messages_take_a_hundredth_of_the_time(clock: Clock, sent: list[tuple[float, float, str]]) -> None:
    """The first after some seconds, then at growing distance where the server is slow; the last says 100 %."""
    with Progress(1000) as shown:
        for done in range(1, 1001):
            clock.now += 0.1
            shown(done, 1.0)
    times = [when for when, _, _ in sent]
    assert times[0] == pytest.approx(100 + PAUSE, abs=0.1)
    gaps = [after - before for before, after in pairwise(times[:-1])]
    assert all(gap == pytest.approx(0.1 / SHARE, abs=0.2) for gap in gaps)
    assert len(sent) == 11
    assert [percent for _, percent, _ in sent] == sorted({percent for _, percent, _ in sent})
    assert sent[-1][1] == 100
    assert sent[-1][2] == "epoch 1000/1000  loss 1"


def test_a_server_that_fails_is_complained_of_once(
    clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the error is, the training goes on."""

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("All connection attempts failed")

    monkeypatch.setattr(progress, "create_progress_artifact", refuse)
    with Progress(100) as shown:
        for done in range(1, 101):
            clock.now += 10
            shown(done, 1.0)
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warnings == ["Prefect does not show the training's progress: All connection attempts failed"]


def test_a_refused_training_leaves_the_bar_where_it_was(
    clock: Clock, sent: list[tuple[float, float, str]]
) -> None:
    shown = Progress(100)
    clock.now += 2 * PAUSE
    shown(40, 1e9)
    shown.__exit__(ArithmeticError, ArithmeticError(), None)
    assert [percent for _, percent, _ in sent] == [40]


def shown_by_prefect() -> list[Artifact]:
    wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[ARTIFACT_KEY]))
    with get_client(sync_client=True) as client:
        return client.read_artifacts(artifact_filter=wanted, limit=200)


@pytest.mark.usefixtures("prefect_server")
def test_prefect_shows_a_bar_for_a_training_that_lasts(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One artifact, full at the end, in the run's task; none for a short training."""
    quick = settings.model_copy(update={"training": Training(epochs=10)})
    regression(quick)
    assert shown_by_prefect() == []
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(progress, "SHARE", 1e9)
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 1)
    regression(quick.model_copy(update={"artifacts": str(tmp_path / "other")}))
    (bar,) = shown_by_prefect()
    assert (bar.type, bar.data) == ("progress", 100.0)
    assert str(bar.description).startswith("epoch 10/10  loss 0.3")
    assert bar.task_run_id is not None
