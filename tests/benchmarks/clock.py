"""Timing by turns: what else the machine does hits all contenders alike."""

import statistics
import time
from collections.abc import Callable, Mapping

# Goes over at most so many rows, and returns over how many it was.
Pass = Callable[[int], int]

REPETITIONS = 3
LEAST = 2**14  # rows with which a pass is tried at first
ENOUGH = 0.2  # seconds: of a slow pass, so many rows are timed as take longer than this


def seconds(act: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def medians(contenders: Mapping[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Return the median seconds of each, measured in turn: A, B, C, A, B, C and so on."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, act in contenders.items():
            taken[name].append(seconds(act))
    return {name: statistics.median(each) for name, each in taken.items()}


def rates(whole: Mapping[str, Pass], sampled: Mapping[str, Pass], rows: int) -> dict[str, float]:
    """Return the median rows per second of each, measured in turn.

    Args:
        whole: What goes over all `rows` rows each time.
        sampled: What goes over fewer where that takes long.
        rows: How many there are.
    """
    for go in whole.values():
        go(min(LEAST, rows))
    sizes = dict.fromkeys(whole, rows) | {name: affordable(go, rows) for name, go in sampled.items()}
    found: dict[str, list[float]] = {name: [] for name in sizes}
    for _ in range(REPETITIONS):
        for name, go in {**whole, **sampled}.items():
            started = time.perf_counter()
            done = go(sizes[name])
            found[name].append(done / (time.perf_counter() - started))
    return {name: statistics.median(each) for name, each in found.items()}


def affordable(go: Pass, rows: int) -> int:
    """Return over how many rows to time a pass, after it has been warmed up."""
    tried = min(LEAST, rows)
    go(tried)
    while tried < rows:
        started = time.perf_counter()
        go(tried)
        if time.perf_counter() - started > ENOUGH:
            break
        tried = min(4 * tried, rows)
    return tried
