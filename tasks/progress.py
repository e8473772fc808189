"""Progress of a training: one line that is rewritten on a terminal, a few lines in the run's log."""

import sys
from types import TracebackType
from typing import Self

from prefect.logging import get_run_logger

MILESTONES = 5


class Progress:
    """Called with each epoch and its loss, it tells whoever watches."""

    def __init__(self, epochs: int) -> None:
        """Prepare to count to `epochs`."""
        self.epochs = epochs
        self.logger = get_run_logger()
        self.on_terminal = sys.stderr.isatty()

    def __call__(self, epoch: int, loss: float) -> None:
        """Show that an epoch is done, with its mean squared error."""
        text = f"epoch {epoch}/{self.epochs}  loss {loss:.6g}"
        if epoch % max(1, self.epochs // MILESTONES) == 0 or epoch == self.epochs:
            self.logger.info(text)
        if self.on_terminal:
            print(f"\r{text}\x1b[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the terminal's line back, whether the training ended well or not."""
        if self.on_terminal:
            print(file=sys.stderr)
