"""What watching a training costs: its line, log, bar in Prefect and checkpoints, beside the same training unwatched.

In one process, in turn: A B A B …; Prefect's server is another process. As the ratio of two trainings of some seconds
is at the mercy of what else the machine does, the share of the time that is spent in watching is told as well.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from prefect import flow, task

from tasks.neuron.fit import Fit, fit, fit_parts
from tasks.neuron.parts import Batch, MemoryPart
from tasks.runtime.checkpoints import Checkpoints
from tasks.runtime.progress import Progress
from tests.benchmarks.results import Aim, record
from tests.neuron.examples import example_problem

PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))
AIM = 0.02
EPOCHS = {"in memory": 200_000, "in parts": 150}


def in_memory(**options: Any) -> Fit:
    """Train on the example problem, in many epochs."""
    return fit(*example_problem(0, rows=1000), epochs=EPOCHS["in memory"], **options)


def in_parts(**options: Any) -> Fit:
    """Train on 2²² rows in 16 parts, in few epochs."""
    x, y = example_problem(0, rows=2**22)
    cut = [
        MemoryPart(Batch([*a.T], b))
        for a, b in zip(np.array_split(x, 16), np.array_split(y, 16), strict=True)
    ]
    return fit_parts(cut, epochs=EPOCHS["in parts"], **options)


class Timed:
    """Calls a function, and adds up the seconds that it takes."""

    def __init__(self, fn: Callable[..., None]) -> None:
        self.fn = fn
        self.seconds = 0.0

    def __call__(self, *arguments: Any) -> None:
        started = time.perf_counter()
        self.fn(*arguments)
        self.seconds += time.perf_counter() - started


@pytest.mark.parametrize(("name", "train"), [("in memory", in_memory), ("in parts", in_parts)])
def test_watching_costs_little(
    name: str, train: Callable[..., Fit], prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Record the medians, pair by pair, of the ratio and of the share; checkpoints are saved every three seconds."""
    monkeypatch.setattr("tasks.runtime.checkpoints.EVERY", 3.0)

    @task(persist_result=True)
    def watched() -> tuple[float, float]:
        started = time.perf_counter()
        checkpoints = Checkpoints(tmp_path)
        keep = Timed(checkpoints.keep)
        with Progress(EPOCHS[name], name) as progress:
            tell = Timed(progress)
            train(start=checkpoints.last(), on_progress=tell, on_checkpoint=keep)
        (tmp_path / "checkpoints" / str(checkpoints.key)).unlink()
        return time.perf_counter() - started, keep.seconds + tell.seconds

    def unwatched() -> float:
        started = time.perf_counter()
        train()
        return time.perf_counter() - started

    @flow
    def compared() -> list[tuple[float, float, float]]:
        unwatched()
        return [(*watched.with_options(refresh_cache=True)(), unwatched()) for _ in range(PAIRS)]

    pairs = compared()
    ratio = statistics.median(with_it / without for with_it, _, without in pairs)
    share = statistics.median(watching / with_it for with_it, watching, _ in pairs)
    watched_seconds = statistics.median(each[0] for each in pairs)
    record(
        f"progress {name}",
        f"{EPOCHS[name]:,} epochs with a progress line, Prefect's progress artifact and a checkpoint every 3 seconds.",
        ["seconds", ""],
        [
            ["watched", f"{watched_seconds:.1f}"],
            ["unwatched", f"{statistics.median(each[2] for each in pairs):.1f}"],
            ["share of the time in watching", f"{share:.2%}"],
        ],
        [
            Aim(
                aim=f"watching a training, {name}, costs less than {AIM:.0%}",
                measured=f"{share:.2%} of the time; watched / unwatched {ratio:.3f}",
                met=share < AIM,
                reason="see the table",
            )
        ],
    )
