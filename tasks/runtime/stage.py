"""What all stages have in common: a Prefect task whose result is a record, cached, and retried when that can help."""

import errno
from collections.abc import Callable
from typing import Any, ParamSpec

from prefect import Task, task
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from tasks.runtime.caching import StageKey
from tasks.runtime.records import RecordSerializer
from tasks.store.artifact import Artifact

P = ParamSpec("P")

# After about 2, 4 and 8 seconds, each up to half longer or shorter, so that many runs do not return at once.
RETRIES = 3

# Errors of the operating system that may be gone in a few seconds; a full disk or a missing file will not be. Failures
# of Prefect's server are not among them: no stage talks to it, and Prefect's client retries by itself.
PASSING = frozenset(
    {
        errno.EAGAIN,
        errno.EBUSY,
        errno.EINTR,
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ECONNRESET,
        errno.ENETDOWN,
    }
)


def stage(fn: Callable[P, Artifact]) -> Task[P, Artifact]:
    """Make a stage of a function that reads artifacts, writes files under `root` and returns their record."""
    as_task: Callable[[Callable[P, Artifact]], Task[P, Artifact]] = task(
        cache_policy=StageKey(),
        persist_result=True,
        result_serializer=RecordSerializer(),
        retries=RETRIES,
        retry_delay_seconds=exponential_backoff(backoff_factor=2),
        retry_jitter_factor=0.5,
        retry_condition_fn=may_pass,
    )
    return as_task(fn)


def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Say whether trying again can help: bad input, a diverged training and a programming error stay what they are."""
    return is_passing(state.result(raise_on_failure=False))


def is_passing(error: object) -> bool:
    """Say whether an error is of the kind that passes.

    >>> is_passing(TimeoutError()), is_passing(FileNotFoundError()), is_passing(ValueError())
    (True, False, False)
    """
    if isinstance(error, OSError):
        return isinstance(error, ConnectionError | TimeoutError) or error.errno in PASSING
    return False
