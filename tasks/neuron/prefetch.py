"""Make the next things in a thread of their own while the present one is used."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from queue import Full, Queue
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 0.1  # seconds after which a thread that waits looks whether it is still needed


def ahead(items: Iterable[T], count: int) -> Iterator[T]:
    """Yield the items in their order, up to `count` of them made ahead.

    With the one in use and the one in the making, `count` + 2 exist at a time: so many buffers can take turns. An
    error of `items` is raised here. A consumer that stops early stops the thread.
    """
    queue: Queue[tuple[T] | BaseException | None] = Queue(count)
    stopped = threading.Event()
    thread = threading.Thread(target=_work, args=(items, queue, stopped), daemon=True)
    thread.start()
    try:
        while (made := queue.get()) is not None:
            if isinstance(made, BaseException):
                raise made
            yield made[0]
    finally:
        stopped.set()
        thread.join()


def _work(
    items: Iterable[T], queue: Queue[tuple[T] | BaseException | None], stopped: threading.Event
) -> None:
    try:
        for item in items:
            if not _put(queue, (item,), stopped):
                return
        _put(queue, None, stopped)
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the consumer
        _put(queue, error, stopped)


def _put(queue: Queue[T], item: T, stopped: threading.Event) -> bool:
    """Wait for a place; say whether there was one before the consumer stopped."""
    while not stopped.is_set():
        try:
            queue.put(item, timeout=PATIENCE)
        except Full:
            continue
        return True
    return False
