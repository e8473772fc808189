"""Signs of life on stderr: that the run has begun, each stage as it passes, and how it ended.

A terminal sees them by default. A pipe or a log sees them with `--verbose`, and nobody with `--quiet`.
"""

import logging
import sys

from flows.command.messages import EXPECTED, say

# The logger of flow runs, and the attribute by which a record says that a stage has passed.
FLOW_RUNS = "prefect.flow_runs"
STAGE = "stage"


class News:
    """Says what happens, if anyone is to see it."""

    def __init__(self, verbosity: int) -> None:
        """Decide by what the user asked for (-1 quiet, 0 nothing, 1 verbose) and by who reads."""
        self.wanted = verbosity > 0 or (verbosity == 0 and sys.stderr is not None and sys.stderr.isatty())

    def tell(self, message: str) -> None:
        """Say something now."""
        if self.wanted:
            say(message)

    def follow_stages(self) -> None:
        """From now on say of each stage that it has passed, and of the log only what the closing lines lack."""
        for handler in logging.getLogger().handlers:
            handler.addFilter(is_news)
        if self.wanted:
            logging.getLogger(FLOW_RUNS).addHandler(_Stages(logging.INFO))


def is_news(record: logging.LogRecord) -> bool:
    """Say whether a log record adds to the closing lines: the traceback of a programming error does."""
    error = record.exc_info[1] if record.exc_info else None
    expected = isinstance(error, (*EXPECTED, OSError)) or hasattr(record, "mendable")
    twice = error is not None and record.name == "prefect.task_runs"
    return not (expected or twice or "Finished in state Failed" in record.getMessage())


class _Stages(logging.Handler):
    """Passes on the records that are about stages."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        if hasattr(record, STAGE):
            say(record.getMessage())
