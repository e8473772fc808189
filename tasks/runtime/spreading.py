"""Who works on the parts of a large table: threads of this process, processes, or Dask's workers.

Results are the same to the last bit, whoever it is; so it is part of no cache key.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import chain, islice
from typing import TypeVar

from tasks.config import Execution
from tasks.neuron import workers
from tasks.neuron.workers import Runner
from tasks.runtime.cluster import Cluster
from tasks.runtime.processes import Processes

S = TypeVar("S")
T = TypeVar("T")


def spread(fn: Callable[[S], T], things: Iterable[S], /) -> Iterator[T]:
    """Yield fn(thing) for each thing, in their order, made by whoever works now; a single thing is worked on here.

    What goes to other processes must be picklable, and what it names must lie on a path that they see too.

    Raises:
        WorkersFailed: they cannot.
    """
    left = iter(things)
    first = list(islice(left, 2))
    own = _NOW.get() if len(first) > 1 else workers.spread
    yield from own(fn, chain(first, left))


@contextmanager
def working(execution: Execution) -> Iterator[None]:
    """Within this block `spread` uses the runner of these settings."""
    if execution.runner == "local":
        runner: Processes | Cluster | None = None
    elif execution.runner == "processes":
        runner = Processes(execution.workers)
    else:
        runner = Cluster(execution.address, execution.workers)
    token = _NOW.set(runner or workers.spread)
    try:
        yield
    finally:
        _NOW.reset(token)
        if runner is not None:
            runner.close()


_NOW: ContextVar[Runner] = ContextVar("runner", default=workers.spread)
