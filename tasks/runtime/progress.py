"""Progress of a training: one line that is rewritten on a terminal, a few lines in the run's log, a bar in the UI."""

import sys
import threading
import time
from types import TracebackType
from typing import Self, cast
from uuid import UUID

from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.logging import get_run_logger

ARTIFACT_KEY = "training-progress"
GLANCE = 0.2
"""Seconds between two lines on a terminal."""
PAUSE = 5.0
"""Seconds between two messages to Prefect's server, and before the first: a short training sends none."""
SHARE = 0.01
"""Of the time that messages to the server may take; where they are slow, there are fewer."""
_TERMINAL = threading.Lock()
"""Held by the one of several trainings at a time that has the terminal's line."""


class Progress:
    """Called with the epochs done and the loss, it tells whoever watches, when they have waited long enough."""

    def __init__(self, epochs: int) -> None:
        """Prepare to count to `epochs`."""
        self.epochs = epochs
        self.text = ""
        self._on_terminal = False
        self._logger = get_run_logger()
        self._bar = _Bar()
        self._pace: tuple[float, float] | None = None  # epochs done when first called, and when that was
        self._next_glance = 0.0
        self._next_message = time.monotonic() + PAUSE

    def __call__(self, done: float, loss: float) -> None:
        """Take note that so many epochs are done, a fraction within one, and of their latest mean squared error."""
        now = time.monotonic()
        if done < self.epochs and now < min(self._next_glance, self._next_message):
            return
        self.text = f"epoch {_count(done)}/{self.epochs}  loss {loss:.6g}{self._left(done, now)}"
        if self._on_terminal:
            print(f"\r{self.text}\x1b[K", end="", file=sys.stderr, flush=True)
        self._next_glance = now + GLANCE
        if now >= self._next_message:
            self._logger.info(self.text)
            self._bar.show(100 * done / self.epochs, self.text)
            spent = time.monotonic() - now
            self._next_message = now + max(PAUSE, spent / SHARE)

    def __enter__(self) -> Self:
        """Take the terminal's line, if there is a terminal and no other training at the same time has it."""
        self._on_terminal = sys.stderr.isatty() and _TERMINAL.acquire(blocking=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal's line back; the bar is left where the training ended, whether well or not."""
        if self._on_terminal:
            _TERMINAL.release()
            print(end="\n" if self.text else "", file=sys.stderr)
        if error is None:
            self._logger.info(self.text)
            if self._bar.shown:
                self._bar.show(100.0, self.text)

    def _left(self, done: float, now: float) -> str:
        """Say how long the rest will take at the pace since the first call, which waits for the compiler."""
        if self._pace is None:
            self._pace = done, now
        first, since = self._pace
        if not first < done < self.epochs:
            return ""
        return f"  {clock((now - since) / (done - first) * (self.epochs - done))} left"


class _Bar:
    """Prefect's progress artifact. A server that does not take it is complained of once and left alone."""

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
