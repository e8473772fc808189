"""Progress: what is said, how often, and that nobody's failure to listen costs the training."""

import io
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from flows.regression import regression
from tasks.config import Settings, Training
from tasks.runtime import progress
from tasks.runtime.progress import ARTIFACT_KEY, PAUSE, SHARE, Progress
from tests.flow_runs import artifacts_of, last_runs


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Time that passes only when a test adds to it."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    monkeypatch.setattr(progress, "get_run_logger", lambda: logging.getLogger("progress"))
    return clock


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


@pytest.fixture
def terminal(sent: list[tuple[float, float, str]], monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=terminal))
    return terminal


def drawn(terminal: Terminal) -> list[str]:
    """Return what was drawn on the terminal: each drawing without colours, the bar as one sign."""
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b\[\?25[hl]", "", terminal.getvalue())
    drawings = re.split(r"\r\x1b\[2K(?:\x1b\[1A\x1b\[2K)*", plain)
    return [re.sub(r" *\n", "\n", re.sub(r"[━╸╺]+", "━", each)) for each in drawings if each]


def test_the_terminals_bar_says_epoch_loss_and_the_time_left(clock: Clock, terminal: Terminal) -> None:
    """At the pace since the first call, rewritten in place, with a line's end when all is done."""
    with Progress(100, "seed 7") as shown:
        for done in (4, 12, 60, 100):
            clock.now += 1 if done == 4 else (done - 4) / 8
            shown(done, 1 / done)
    *drawings, last = drawn(terminal)
    assert drawings == [
        "seed 7 ━ epoch 4/100  loss 0.25",
        "seed 7 ━ epoch 12/100  loss 0.0833333  0:11 left",
        "seed 7 ━ epoch 60/100  loss 0.0166667  0:06 left",
        "seed 7 ━ epoch 100/100  loss 0.01",
    ]
    assert last == drawings[-1] + "\n"


def test_the_bar_is_as_long_as_what_is_done(clock: Clock, terminal: Terminal) -> None:
    with Progress(4, "seed 0") as shown:
        shown(1, 1.0)
    bar = terminal.getvalue().rpartition("seed 0")[2].partition("epoch")[0]
    done, end, ahead = re.findall("[━╸╺]+", bar)
    assert end == "╸"
    assert len(done) == pytest.approx((len(done) + 1 + len(ahead)) / 4, abs=1)


def test_the_terminal_is_drawn_on_a_few_times_a_second(clock: Clock, terminal: Terminal) -> None:
    with Progress(10_000, "seed 0") as shown:
        for done in range(1, 10_001):
            clock.now += 1e-4
            shown(done, 1.0)
    assert len(drawn(terminal)) == 1 + 5
    assert "epoch 10000/10000" in drawn(terminal)[-1]


def test_a_part_of_an_epoch_is_progress_too(clock: Clock, terminal: Terminal) -> None:
    """An epoch of streamed rows may take minutes."""
    with Progress(2, "seed 0") as shown:
        shown(0.25, 9.0)
        clock.now += 60
        shown(0.75, 4.0)
    assert drawn(terminal)[-1] == "seed 0 ━ epoch 0.75/2  loss 4  2:30 left\n"


def test_trainings_at_the_same_time_have_a_bar_each(clock: Clock, terminal: Terminal) -> None:
    """The bar of one that ends goes while another goes on; the last one's stays, and the next display begins below."""
    with Progress(10, "seed 0") as one:
        one(1, 1.0)
        with Progress(20, "seed 1") as other:
            clock.now += 1
            other(10, 1.0)
        clock.now += 1
        one(10, 0.5)
    with Progress(30, "seed 2") as later:
        later(30, 2.0)
    first, both, alone, left, again, end = drawn(terminal)
    assert first == "seed 0 ━ epoch 1/10  loss 1"
    assert both.split("\n") == [first, "seed 1 ━ epoch 10/20  loss 1"]
    assert alone == "seed 0 ━ epoch 10/10  loss 0.5"
    assert (left, again, end) == (
        alone + "\n",
        "seed 2 ━ epoch 30/30  loss 2",
        "seed 2 ━ epoch 30/30  loss 2\n",
    )


def test_threads_share_the_display(clock: Clock, terminal: Terminal) -> None:
    """As the trainings of several seeds do: whatever the order, each is shown and the display ends."""

    def train(seed: int) -> None:
        with Progress(500, f"seed {seed}") as shown:
            for done in range(1, 501):
                clock.now += 0.01
                shown(done, 1.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(train, range(8)))
    assert {f"seed {seed}" for seed in range(8)} <= set(re.findall(r"seed \d", terminal.getvalue()))
    assert drawn(terminal)[-1].endswith("epoch 500/500  loss 1\n")


def test_the_cursor_is_never_hidden(clock: Clock, terminal: Terminal) -> None:
    """A killed run could not show it again."""
    with Progress(2, "seed 0") as shown:
        shown(1, 1.0)
        assert terminal.getvalue().rfind("\x1b[?25h") > terminal.getvalue().rfind("\x1b[?25l")


def test_without_a_terminal_nothing_is_drawn(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(2, "seed 0") as shown:
        shown(1, 1.0)
    assert capsys.readouterr().err == ""


def test_a_short_training_sends_nothing(clock: Clock, sent: list[tuple[float, float, str]]) -> None:
    with Progress(100, "seed 0") as shown:
        clock.now += PAUSE - 0.01
        shown(100, 1.0)
    assert sent == []


def test_messages_take_a_hundredth_of_the_time(clock: Clock, sent: list[tuple[float, float, str]]) -> None:
    """The first after some seconds, then at growing distance where the server is slow; the last says 100 %."""
    with Progress(1000, "seed 0") as shown:
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
    with Progress(100, "seed 0") as shown:
        for done in range(1, 101):
            clock.now += 10
            shown(done, 1.0)
    warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert warnings == ["Prefect does not show the training's progress: All connection attempts failed"]


def test_a_refused_training_leaves_the_bar_where_it_was(
    clock: Clock, sent: list[tuple[float, float, str]]
) -> None:
    shown = Progress(100, "seed 0")
    clock.now += 2 * PAUSE
    shown(40, 1e9)
    shown.__exit__(ArithmeticError, ArithmeticError(), None)
    assert [percent for _, percent, _ in sent] == [40]


@pytest.mark.usefixtures("prefect_server")
def test_prefect_shows_a_bar_for_a_training_that_lasts(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One artifact, full at the end, in the run's task; none for a short training."""
    quick = settings.model_copy(update={"training": Training(epochs=10)})
    monkeypatch.setattr(progress, "PAUSE", 1e9)  # ten epochs are short, however slow the machine is
    regression(quick)
    assert artifacts_of(last_runs("regression", 1)[0].id, key=ARTIFACT_KEY) == []
    monkeypatch.setattr(progress, "PAUSE", 0.0)
    monkeypatch.setattr(progress, "SHARE", 1e9)
    monkeypatch.setattr("tasks.neuron.batching.FLOATS", 1)
    regression(quick.model_copy(update={"artifacts": str(tmp_path / "other")}))
    (bar,) = artifacts_of(last_runs("regression", 1)[0].id, key=ARTIFACT_KEY)
    assert (bar.type, bar.data) == ("progress", 100.0)
    assert str(bar.description).startswith("epoch 10/10  loss 0.3")
    assert bar.task_run_id is not None


def test_a_silent_stage_is_shown_after_two_seconds_and_then_taken_away(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its name and seconds, as long as nothing else is in sight."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr(progress, "SILENCE", 1.0)
    monkeypatch.setattr(progress, "TICK", 0.01)
    with progress.Activity("evaluate"):
        assert terminal.getvalue() == ""
        clock.now += 4
        _wait_for(lambda: "evaluate" in terminal.getvalue() and "4 s" in terminal.getvalue())
    shown = terminal.getvalue()
    progress.end_display()
    assert terminal.getvalue() == shown


def test_a_stage_that_is_quick_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with progress.Activity("split"):
        pass
    assert terminal.getvalue() == ""


def _wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)
