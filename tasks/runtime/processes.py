"""Work in processes on this machine; one that is lost is replaced, and what it was at is done again."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from concurrent.futures import CancelledError, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from typing import TypeVar

from tasks.neuron.workers import alone, cores
from tasks.runtime.failures import WorkersFailed
from tasks.runtime.native_noise import quiet

S = TypeVar("S")
T = TypeVar("T")

# Losses in a row, without a result in between, after which it is no accident.
LOSSES = 3


class Processes:
    """Works as `tasks.neuron.workers.spread` does, with processes that start when they are needed first."""

    def __init__(self, count: int | None = None) -> None:
        """Prepare so many processes; by default one a core."""
        self.count = count or cores()
        self._pool: ProcessPoolExecutor | None = None
        self._lock = threading.Lock()  # stages work side by side

    def __call__(self, fn: Callable[[S], T], things: Iterable[S], /) -> Iterator[T]:
        """Yield fn(thing) for each thing, in their order.

        Raises:
            WorkersFailed: processes were lost again and again.
        """
        left = deque(things)
        begun: deque[Future[T]] = deque()
        try:
            while left:
                found = self._first(fn, left, begun)
                left.popleft()
                begun.popleft()
                yield found
        finally:
            for each in begun:
                each.cancel()

    def close(self) -> None:
        """End the processes."""
        self._drop(self._pool)

    def _current(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._pool is None:
                spawn = multiprocessing.get_context(
                    "spawn"
                )  # a fork would inherit the locks of other threads
                self._pool = ProcessPoolExecutor(self.count, spawn, _begin)
            return self._pool

    def _drop(self, pool: ProcessPoolExecutor | None) -> None:
        """End a pool, unless another thread has done so and made the next one."""
        with self._lock:
            if pool is not None and self._pool is pool:
                pool.shutdown(cancel_futures=True)
                self._pool = None

    def _first(self, fn: Callable[[S], T], left: Sequence[S], begun: MutableSequence[Future[T]]) -> T:
        """Return the result of the first thing that is left, while the next ones are worked on."""
        for _ in range(LOSSES):
            pool = self._current()
            try:
                self._begin_next(pool, fn, left, begun)
                return begun[0].result()
            except (
                BrokenProcessPool,
                CancelledError,
            ) as error:  # the second one where another thread was first
                cause = error
                self._drop(pool)
        raise WorkersFailed(
            f"worker processes were lost {LOSSES} times in a row; they are most likely short of memory: "
            "lower `workers`, or use the runner 'local'"
        ) from cause

    def _begin_next(
        self,
        pool: ProcessPoolExecutor,
        fn: Callable[[S], T],
        left: Sequence[S],
        begun: MutableSequence[Future[T]],
    ) -> None:
        """Begin the next things, so that no process waits: those that have not been, or were lost with theirs."""
        for number, thing in enumerate(islice(left, 2 * self.count)):
            if number == len(begun):
                begun.append(pool.submit(alone, quiet(fn), quiet(thing)))
            elif _was_lost(begun[number]):
                begun[number] = pool.submit(alone, quiet(fn), quiet(thing))


def _was_lost(begun: Future[T]) -> bool:
    return begun.cancelled() or (begun.done() and isinstance(begun.exception(), BrokenProcessPool))


def _begin() -> None:
    """Leave Ctrl-C to the parent, and end with it however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
