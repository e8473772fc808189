"""The command `linear-neuron run`: the flow, and on the terminal its summary or its result as JSON."""

import logging
import threading

from flows.command.exits import Exit
from flows.command.messages import EXPECTED, explain
from flows.command.plan import dry_run
from flows.command.terminal import native_silence
from flows.regression import regression
from tasks.config import Settings
from tasks.ingest import looking_once
from tasks.page.summary import summary
from tasks.train import load


def run(settings: Settings, as_json: bool) -> Exit:
    """Run the flow and print its summary, or its result as JSON; return the exit status."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)

    try:
        with looking_once():
            if "train" in dry_run(settings).waiting:
                # The import takes as long as Prefect's server takes to start, in a process of its own.
                threading.Thread(target=_load_training).start()
            result = regression(settings)
    except Exception as error:  # noqa: BLE001 - the border: every failure becomes one line and a status
        return explain(error)

    print(result.model_dump_json(indent=1) if as_json else summary(result))
    return Exit.DONE


def _load_training() -> None:
    with native_silence():
        load()


def _is_news(record: logging.LogRecord) -> bool:
    """Say whether a log record adds to the closing lines: the traceback of a programming error does."""
    error = record.exc_info[1] if record.exc_info else None
    mendable = isinstance(error, (*EXPECTED, OSError))
    twice = error is not None and record.name == "prefect.task_runs"
    return not (mendable or twice or "Finished in state Failed" in record.getMessage())
