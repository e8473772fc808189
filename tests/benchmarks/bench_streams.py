"""One epoch in streams on one and on two processes, each of which has a core of its own."""

import os
import statistics
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tasks.neuron.fit import fit_parts
from tasks.neuron.parts import all_moments
from tasks.runtime.processes import Processes
from tests.benchmarks import clock, rows
from tests.benchmarks.results import Aim, record, scaled

SIZE = 2**23
BATCH = 1024
REPETITIONS = 5
LEAST = 1.8
WIDE = 32


def pinned(count: int) -> Processes:
    """Start processes, and give each a core before it has any threads."""
    pool = Processes(count)
    list(pool(abs, range(8 * count)))
    assert pool._pool is not None
    started = list(pool._pool._processes)
    assert len(started) == count
    for core, process in zip(sorted(os.sched_getaffinity(0)), started, strict=False):
        os.sched_setaffinity(process, {core})
    return pool


@pytest.mark.parametrize("features", [8, WIDE])
def test_two_processes_halve_an_epoch(tmp_path: Path, features: int) -> None:
    """Record the seconds of one epoch, moments known, and how many tasks a second go through without work."""
    parts = rows.write(tmp_path, scaled(SIZE), features).shards
    known: dict[str, Any] = {"moments": all_moments(parts), "epochs": 1, "batch_size": BATCH}
    pools = {count: pinned(count) for count in (1, 2)}
    for pool in pools.values():
        fit_parts(parts[:2], across=pool, epochs=1, batch_size=BATCH)  # starts and compiles
    acts = {str(n): partial(fit_parts, parts, across=pool, **known) for n, pool in pools.items()}
    acts["threads"] = partial(fit_parts, parts, **known)
    taken = clock.medians(acts, REPETITIONS)
    empty = statistics.median(clock.seconds(lambda: list(pools[2](abs, range(1000)))) for _ in range(3))
    for pool in pools.values():
        pool.close()
    for part in parts:
        part.file.path.unlink()

    gain = taken["1"] / taken["2"]
    record(
        f"streams, {features} features",
        f"One epoch over {scaled(SIZE):,} rows of {features} float32 features from Parquet at batch {BATCH}: the pass "
        "for the leverage and the streams; every process has one core, the threads have all of this machine.",
        ["runner", "seconds", "times one process"],
        [
            ["1 process", f"{taken['1']:.2f}", "1"],
            ["2 processes", f"{taken['2']:.2f}", f"{gain:.2f}"],
            ["threads", f"{taken['threads']:.2f}", f"{taken['1'] / taken['threads']:.2f}"],
            ["1000 empty tasks", f"{empty:.2f}", ""],
        ],
        [
            Aim(
                aim=f"an epoch in streams on 2 processes: {LEAST} times as fast as on 1 ({features} features)",
                measured=f"{gain:.2f} times",
                met=gain >= LEAST,
                reason="reading and shuffling are bound by the memory, which both share",
            )
        ]
        if features == WIDE
        else [],
    )
