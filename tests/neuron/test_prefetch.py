"""Making things ahead in a thread: the order, how many at most, and what happens when either side stops."""

import threading
from collections.abc import Generator, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.prefetch import ahead


@given(st.lists(st.none() | st.integers()), st.integers(1, 5))
def test_all_items_come_in_their_order(items: list[int | None], count: int) -> None:
    """An item may be anything, None too."""
    assert list(ahead(items, count)) == items


@pytest.mark.parametrize("count", [1, 2, 5])
def test_no_more_exist_at_a_time_than_there_are_buffers(count: int) -> None:
    """One in use, `count` made ahead, one in the making."""
    made = threading.Semaphore(0)
    used, most = 0, []

    def items() -> Iterator[int]:
        for number in range(20):
            most.append(number + 1 - used)
            made.release()
            yield number

    for used, _ in enumerate(ahead(items(), count)):
        # Wait until the thread has done all that it may.
        while len(most) < min(20, used + count + 2):
            assert made.acquire(timeout=10)
    assert max(most) <= count + 2


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    made = ahead(items(), 2)
    assert next(made) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(made)


def test_a_consumer_that_stops_stops_the_thread_and_closes_the_items() -> None:
    """The thread waits for a place in the queue at that moment."""
    before, closed = threading.active_count(), threading.Event()

    def items() -> Generator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    source = items()
    made = ahead(source, 1)
    assert next(made) == 0
    assert threading.active_count() == before + 1
    del made
    assert threading.active_count() == before
    source.close()
    assert closed.is_set()
