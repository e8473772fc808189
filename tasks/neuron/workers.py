"""Work on all cores: one function over many things, with results in the order of the things.

NumPy, Arrow and BLAS release Python's lock, so threads do. Each of them is to have one BLAS thread: threads of BLAS
that wait for each other cost a busy machine many times what they compute. What is added up is added up in order by the
caller, so that no sum depends on how many cores there are.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import chain, islice
from typing import Any, Protocol, TypeVar

from threadpoolctl import ThreadpoolController

S = TypeVar("S")
T = TypeVar("T")
MOST = 8  # threads: with more, the memory's bandwidth would be short, and the blocks in use would add up


class Runner(Protocol):
    """Works as `spread` does, here or on other machines."""

    def __call__(self, fn: Callable[[S], T], things: Iterable[S], /) -> Iterator[T]:
        """Yield fn(thing) for each thing, in their order."""


def cores() -> int:
    """Return how many threads are to work side by side."""
    return min(
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, MOST
    )


def spread(fn: Callable[[S], T], things: Iterable[S]) -> Iterator[T]:
    """Yield fn(thing) for each thing, in their order, made by several threads.

    The things are taken in the caller's thread, no more of them ahead than there are threads; a single one is worked
    on there too, and so is what one of these threads spreads in its turn. An error of `fn` is raised here, and so is
    one of `things`, after the results of those before it. A consumer that stops early waits for what has been begun.
    """
    left = _Source(things)
    with one_blas_thread():
        first = list(islice(left, 2))
        if len(first) < 2 or cores() == 1 or _ALONE.get():
            yield from map(fn, chain(first, left))
        else:
            yield from _side_by_side(fn, chain(first, left))
    if left.error:
        raise left.error


def alone(fn: Callable[[S], T], thing: S) -> T:
    """Return fn(thing), made by one thread without BLAS's own: others are at work beside it."""
    token = _ALONE.set(True)
    try:
        with one_blas_thread():
            return fn(thing)
    finally:
        _ALONE.reset(token)


class _Source(Iterator[S]):
    """Things that end where getting the next one fails; the failure is kept."""

    def __init__(self, things: Iterable[S]) -> None:
        self._things = iter(things)
        self.error: Exception | None = None

    def __next__(self) -> S:
        if self.error:
            raise StopIteration
        try:
            return next(self._things)
        except StopIteration:
            raise
        except Exception as error:
            self.error = error
            raise StopIteration from error


def _side_by_side(fn: Callable[[S], T], things: Iterable[S]) -> Iterator[T]:
    with ThreadPoolExecutor(cores()) as pool:
        begun: deque[Future[T]] = deque()
        for thing in things:
            begun.append(pool.submit(alone, fn, thing))
            if len(begun) > cores():
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Within this block, wherever it is nested and in whichever threads, BLAS uses no threads of its own."""
    _LIMIT.enter()
    try:
        yield
    finally:
        _LIMIT.leave()


class _Limit:
    """Counts who wants one thread of BLAS; the first one limits it, the last one lets it go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._before: list[int] = []

    def enter(self) -> None:
        with self._lock:
            self._users += 1
            if self._users == 1:
                self._before = [library.num_threads for library in _blas()]
                for library in _blas():
                    library.set_num_threads(1)

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for library, threads in zip(_blas(), self._before, strict=True):
                    library.set_num_threads(threads)


_LIMIT = _Limit()

# Whether this thread works beside others, so that it starts none of its own.
_ALONE: ContextVar[bool] = ContextVar("alone", default=False)


def blas_kernel() -> str:
    """Return the kind of processor for which NumPy's BLAS has chosen its routines, as far as it says."""
    kinds = {getattr(each, "architecture", None) for each in _blas() if "numpy" in str(each.filepath)}
    return ", ".join(sorted(map(str, kinds - {None}))) or "unknown"


@cache
def _blas() -> Sequence[Any]:
    """Return NumPy's BLAS, which comes with NumPy: looking for it takes a millisecond."""
    import numpy  # noqa: F401 - whoever asks first may not have needed it yet

    return ThreadpoolController().select(user_api="blas").lib_controllers  # type: ignore[no-any-return]
