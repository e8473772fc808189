"""Progress: of a training a bar on a terminal, a few lines in the run's log, a bar in Prefect's UI.

Only a training knows how far it is. Any other stage that takes longer than two seconds shows for how long it has run.
"""

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

if TYPE_CHECKING:
    from rich import progress as rich_progress

ARTIFACT_KEY = "training-progress"

# Seconds between two looks of the terminal's display.
GLANCE = 0.2

# Seconds that a stage may take before the terminal shows it, and between two looks of it.
SILENCE, TICK = 2.0, 0.5

# Seconds between two messages to Prefect's server, and before the first: a short training sends none.
PAUSE = 5.0

# Share of the time that messages to the server may take, and the display: where they are slow, there are fewer.
SHARE = 0.01


class Progress:
    """Called with the epochs done and the loss, it shows them to whoever watches, at a bounded cost."""

    def __init__(self, epochs: int, name: str) -> None:
        """Prepare to count to `epochs`; `name` tells this training from others at the same time."""
        self.epochs = epochs
        self.name = name
        self.text = ""
        self._logger = get_run_logger()
        self._on_terminal = sys.stderr.isatty()
        self._in_prefect = _PrefectBar()
        self._pace: tuple[float, float] | None = None  # epochs done when first called, and when that was
        self._next_glance = 0.0
        self._next_message = time.monotonic() + PAUSE

    def __call__(self, done: float, loss: float) -> None:
        """Record that so many epochs are done, a fraction within one, and their latest mean squared error."""
        now = time.monotonic()
        if done < self.epochs and now < min(self._next_glance, self._next_message):
            return

        self.text = f"epoch {_count(done)}/{self.epochs}  loss {loss:.6g}{self._left(done, now)}"
        if self._on_terminal:
            _DISPLAY.show(self, done)
        self._next_glance = now + GLANCE
        if now >= self._next_message:
            self._logger.info(self.text)
            self._in_prefect.show(100 * done / self.epochs, self.text)
            spent = time.monotonic() - now
            self._next_message = now + max(PAUSE, spent / SHARE)

    def __enter__(self) -> Self:
        """Watch a training; the terminal shows it from its first numbers on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal; Prefect's bar stays where the training ended, whether well or not."""
        _DISPLAY.leave(self)
        if error is None:
            self._logger.info(self.text)
            if self._in_prefect.shown:
                self._in_prefect.show(100.0, self.text)

    def _left(self, done: float, now: float) -> str:
        """Say how long the rest will take at the pace since the first call, which waits for the compiler."""
        if self._pace is None:
            self._pace = done, now
        first, since = self._pace
        if not first < done < self.epochs:
            return ""
        return f"  {clock((now - since) / (done - first) * (self.epochs - done))} left"


class Activity:
    """A stage at work: a terminal shows its name and seconds from the third one on, until it has a bar of its own."""

    def __init__(self, stage: str) -> None:
        """Prepare to watch a stage."""
        self.name = stage
        self._over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Watch; where no terminal would show it, do nothing."""
        if sys.stderr is not None and sys.stderr.isatty():
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away, so that other lines may follow."""
        self._over.set()
        if self._watcher.ident is not None:
            self._watcher.join()
        _DISPLAY.leave(self)

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._over.wait(TICK if time.monotonic() - started >= SILENCE else SILENCE):
            _DISPLAY.pulse(self, f"{time.monotonic() - started:.0f} s")


class _Display:
    """The terminal's live display: a bar for each training of this process. The last one to end leaves its bar."""

    def __init__(self) -> None:
        # Trainings of several seeds run in threads of their own; the first draws the display, the last ends it.
        self._lock = threading.Lock()
        self._live: rich_progress.Progress | None = None
        self._bars: dict[Progress | Activity, rich_progress.TaskID] = {}
        self._next_drawing = 0.0

    def show(self, training: Progress, done: float) -> None:
        """Note how far a training is, and draw all of them when it is time."""
        with self._lock:
            live = self._live = self._live or _live_display()
            bar = self._bars.get(training)
            if bar is None:  # adding a bar draws it as well
                for activity in [each for each in self._bars if isinstance(each, Activity)]:
                    live.remove_task(self._bars.pop(activity))
                bar = live.add_task(
                    training.name, total=training.epochs, completed=int(done), text=training.text
                )
                self._bars[training] = bar
                return

            live.update(bar, completed=done, text=training.text)
            now = time.monotonic()
            if now >= self._next_drawing:
                live.refresh()
                spent = time.monotonic() - now
                self._next_drawing = now + max(GLANCE, spent / SHARE)

    def pulse(self, activity: Activity, text: str) -> None:
        """Show a stage that says nothing of itself; one that does is in sight already."""
        with self._lock:
            if any(isinstance(each, Progress) for each in self._bars):
                return
            live = self._live = self._live or _live_display()
            if activity not in self._bars:
                self._bars[activity] = live.add_task(activity.name, total=None, text=text)
            live.update(self._bars[activity], text=text)
            live.refresh()

    def end(self) -> None:
        """Take all bars away and free the terminal."""
        with self._lock:
            self._bars.clear()
            self._stop()

    def leave(self, work: Progress | Activity) -> None:
        """Take a bar away; that of the last training stays on the terminal, which is free again."""
        with self._lock:
            bar = self._bars.pop(work, None)
            if self._live is None or bar is None:
                return
            if self._bars or isinstance(work, Activity):
                self._live.remove_task(bar)
            if not self._bars:
                self._stop()

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live, self._next_drawing = None, 0.0


_DISPLAY = _Display()


def end_display() -> None:
    """End the terminal's display, so that other lines may follow; the trainings may go on."""
    _DISPLAY.end()


def _live_display() -> "rich_progress.Progress":
    """Begin to draw on stderr, at our own pace: a thread of rich's would draw ten times a second."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    console = Console(file=sys.stderr)
    columns = TextColumn("{task.description}"), BarColumn(bar_width=None), TextColumn("{task.fields[text]}")
    live = Bars(
        *columns,
        console=console,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
        expand=True,
    )
    live.start()
    console.show_cursor()  # rich hides it, and nobody would show it again after a kill
    return live


class _PrefectBar:
    """Prefect's progress artifact. If the server refuses it, one warning is logged, and it is not asked again."""

    def __init__(self) -> None:
        self._artifact: UUID | None = None
        self._refused = False

    @property
    def shown(self) -> bool:
        return self._artifact is not None

    def show(self, percent: float, text: str) -> None:
        if self._refused:
            return
        try:
            if self._artifact is None:
                made = create_progress_artifact(percent, key=ARTIFACT_KEY, description=text)
                self._artifact = cast(UUID, made)
            else:
                update_progress_artifact(self._artifact, percent, description=text)
        except Exception as error:  # noqa: BLE001 - whatever a server does must not cost the training
            self._refused = True
            get_run_logger().warning("Prefect does not show the training's progress: %s", error)


def clock(seconds: float) -> str:
    """Write a duration as minutes and seconds, with hours where there are any.

    >>> clock(3.4), clock(75), clock(3675)
    ('0:03', '1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _count(done: float) -> str:
    """Write whole epochs as such, and a part of one to the hundredth.

    >>> _count(12.0), _count(0.25)
    ('12', '0.25')
    """
    return f"{done:.0f}" if done == int(done) else f"{done:.2f}"
