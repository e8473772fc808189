"""Threads side by side: the order of the results is that of the things, and BLAS gets its threads back."""

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from tasks.neuron import workers
from tasks.neuron.moments import column_moments, merge
from tasks.neuron.parts import Batch, MemoryPart, part_moments
from tasks.neuron.workers import one_blas_thread, spread


def blas_threads() -> list[int]:
    """Return how many threads each BLAS may use."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    return [library.num_threads for library in libraries if "numpy" in library.filepath]


@pytest.mark.parametrize("cores", [1, 2, 5])
def test_results_come_in_order_and_few_things_are_taken_ahead(
    monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    monkeypatch.setattr(workers, "cores", lambda: cores)
    taken = 0

    def things() -> Iterator[int]:
        nonlocal taken
        for thing in range(1, 41):
            taken = thing
            yield thing

    for number, found in enumerate(spread(lambda thing: thing**2, things()), start=1):
        assert found == number**2
        assert taken - number <= cores + 1


def test_an_error_is_raised_where_the_result_is_taken() -> None:
    before = blas_threads()

    def fail(thing: int) -> int:
        if thing == 3:
            raise KeyError(thing)
        return thing

    found = spread(fail, range(9))
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="3"):
        next(found)
    assert blas_threads() == before


@pytest.mark.parametrize("sound", [0, 1, 2, 9])
def test_what_came_before_a_things_failure_is_not_lost(sound: int) -> None:
    def things() -> Iterator[int]:
        yield from range(sound)
        raise KeyError("broken off")

    found = spread(lambda thing: -thing, things())
    assert [next(found) for _ in range(sound)] == [-thing for thing in range(sound)]
    with pytest.raises(KeyError, match="broken off"):
        next(found)


def test_blas_has_one_thread_within_and_as_many_as_before_afterwards() -> None:
    """However the blocks of several threads overlap."""
    before = blas_threads()
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with one_blas_thread():
            entered.set()
            left.wait(60)

    thread = threading.Thread(target=other, daemon=True)
    with one_blas_thread():
        thread.start()
        assert entered.wait(60)
    assert set(blas_threads()) == {1}
    left.set()
    thread.join()
    assert blas_threads() == before


@pytest.mark.parametrize("slices", [1, 2])
def test_moments_do_not_depend_on_how_many_threads_make_them(
    monkeypatch: pytest.MonkeyPatch, slices: int
) -> None:
    """To the bit, and they are those of the blocks one after the other."""
    monkeypatch.setattr("tasks.neuron.parts.HELD", 1000)
    columns = list(np.random.default_rng(0).lognormal(size=(4, 7777)))
    part = MemoryPart(Batch(columns[:-1], columns[-1]))
    found = []
    for cores in (1, 2, 4):
        monkeypatch.setattr(workers, "cores", lambda cores=cores: cores)
        found.append(part_moments(part, slices))
    first, *rest = (
        column_moments([c[s : s + 1000] for c in columns], found[0].shift, slices)
        for s in range(0, 7777, 1000)
    )
    for each in rest:
        first = merge(first, each)
    for other in found:
        np.testing.assert_array_equal(other.products, first.products)
        np.testing.assert_array_equal(other.sums, first.sums)
