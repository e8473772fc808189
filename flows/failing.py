"""A failed run says so where people look: on the error, in the run's folder, and under the report's key in Prefect.

What the user can mend is one line in the log of a worker or a script, and no traceback.
"""

import json
import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import deployment, flow_run

from flows.events import announce_failure
from flows.flags import changes, flags
from flows.mending import mended
from flows.publishing import report_key, run_folder
from tasks.config import Settings
from tasks.neuron.recipe import Diverged
from tasks.outputs import runs
from tasks.page.failure import Failure, failure_page, in_words
from tasks.page.markdown import markdown
from tasks.page.webpage import webpage
from tasks.runtime.failures import WorkersFailed
from tasks.runtime.memory import MemoryTooSmall
from tasks.runtime.run import Run
from tasks.store.folders import BadStore
from tasks.store.writing import write_atomically
from tasks.table.errors import BadTable
from tasks.table.sources.address import redacted

# Errors whose message says all: a traceback would hide it.
MENDABLE = (BadTable, BadStore, Diverged, MemoryTooSmall, WorkersFailed)

# Where Prefect logs what a flow or a stage raised.
LOGS = ("prefect.flow_runs", "prefect.task_runs", "prefect.engine")


@contextmanager
def failing_visibly(run: Run, settings: Settings, name: str) -> Iterator[None]:
    """Add to whatever fails inside a note of what is cached and what to do, and publish it; then let it pass on."""
    hide_tracebacks()
    try:
        yield
    except Exception as error:
        where = f" (artifacts in {str(run.root)!r})" if isinstance(error, OSError) else ""
        reason = redacted(f"{type(error).__name__}: {error}{where}")
        findings = getattr(error, "violations", ())
        failure = Failure(run.at, reason, tuple(run.stages), command_after(settings, error), findings)
        error.add_note(in_words(failure))
        with published_or_noted(error):
            _publish(run, failure, name)
        raise


@contextmanager
def published_or_noted(error: Exception) -> Iterator[None]:
    """Publish a failure inside; if that fails as well, add so to the error, which is the one to tell."""
    try:
        yield
    except Exception as unpublished:  # noqa: BLE001 - it goes with the first one
        error.add_note(f"the failure could not be published: {unpublished}")


def hide_tracebacks() -> None:
    """Have Prefect log what the user can mend in one line."""
    for log in LOGS:
        # Added once: a filter that is there is not added again.
        logging.getLogger(log).addFilter(without_traceback)


def command_after(settings: Settings, error: Exception) -> str | None:
    """Return the command that can work after an error, of the deployment or of the command line; None if none can."""
    new = mended(settings, error)
    if new is None:
        return None
    if not deployment.id:
        return shlex.join(["linear-neuron", "run", *flags(new)])
    if new == settings:
        return f"prefect flow-run retry {flow_run.id}"
    given = f"settings={json.dumps(changes(new), default=list)}"
    return shlex.join(
        ["prefect", "deployment", "run", f"{flow_run.flow_name}/{deployment.name}", "--param", given]
    )


def without_traceback(record: logging.LogRecord) -> bool:
    """Take the traceback off what the user can mend; the message, which is the record's, stays."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, MENDABLE):
        record.exc_info, record.exc_text = None, None
        vars(record)["mendable"] = True  # the command says it by itself
        record.msg, record.args = "%s", (redacted(str(error)),)
    return True


def _publish(run: Run, failure: Failure, name: str) -> None:
    """Write the page into the run's folder, and create the artifact."""
    blocks = failure_page(failure)
    text = markdown(blocks, lambda _: None)
    place = runs.folder(run.root, run_folder())
    write_atomically(place / runs.PAGE, webpage(blocks, f"{name} failed", lambda _: b"").encode())
    write_atomically(place / runs.REPORT, text.encode())
    failed = runs.FailedRun(run=place.name, name=name, reason=failure.reason)
    write_atomically(place / runs.FAILURE, failed.model_dump_json(indent=1).encode())
    create_markdown_artifact(text, key=report_key(name), description=failure.reason)
    announce_failure(name, place.name, failure.reason, str(run.root))
