"""A failed run says so where people look: on the error itself, and as an artifact under the report's key."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager

from prefect.artifacts import create_markdown_artifact
from prefect.runtime import deployment, flow_run

from flows.flags import flags
from flows.publishing import report_key
from tasks.config import Settings
from tasks.page.failure import Failure, in_markdown, in_words
from tasks.runtime.run import Run
from tasks.table.sources.address import redacted


@contextmanager
def failing_visibly(run: Run, settings: Settings, name: str) -> Iterator[None]:
    """Add to whatever fails inside a note of what is cached and how to resume, and publish it; then let it pass on."""
    try:
        yield
    except Exception as error:
        where = f" (artifacts in {str(run.root)!r})" if isinstance(error, OSError) else ""
        reason = redacted(f"{type(error).__name__}: {error}{where}")
        findings = getattr(error, "violations", ())
        failure = Failure(run.at, reason, tuple(run.stages), _resume(settings), findings)
        error.add_note(in_words(failure))
        try:
            create_markdown_artifact(in_markdown(failure), key=report_key(name), description=failure.reason)
        except Exception as unpublished:  # noqa: BLE001 - the first error is the one to tell; this one goes with it
            error.add_note(f"the failure could not be published as an artifact: {unpublished}")
        raise


def _resume(settings: Settings) -> str:
    """Return the command that takes up at the failed stage: of the deployment's run, or of the command line."""
    if deployment.id:
        return f"prefect flow-run retry {flow_run.id}"
    return shlex.join(["linear-neuron", "run", *flags(settings)])
