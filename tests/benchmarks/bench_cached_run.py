"""A run that finds every stage cached, beside a Prefect flow of five tasks that do nothing.

Both are whole processes, each with its own temporary server, run in turn: A B A B …
"""

import os
import statistics
import time
from pathlib import Path

from tests.benchmarks.results import Aim, record
from tests.processes import environment, imported, python

PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
AIM = 1.05
EMPTY = """
from prefect import flow, task
@task
def nothing(number: int) -> int:
    return number
@flow
def five() -> None:
    for number in range(5):
        nothing(number)
five()
"""
QUIET = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "WARNING"}
RUN = "import sys; from flows.command.cli import main; main(sys.argv[1:])"


def seconds(arguments: list[str], cwd: Path) -> float:
    """Run Python in a folder and return its wall time."""
    env = environment(cwd / "prefect", **QUIET)
    begun = time.perf_counter()
    python(*arguments, cwd=cwd, env=env)
    return time.perf_counter() - begun


def test_a_cached_run_costs_little_more_than_prefect_itself(tmp_path: Path) -> None:
    """Record the two medians and the median of the ratios, pair by pair."""
    ours = ["-m", "flows", "run"]
    empty = ["-c", EMPTY]
    seconds(ours, tmp_path)
    seconds(empty, tmp_path)
    pairs = [(seconds(ours, tmp_path), seconds(empty, tmp_path)) for _ in range(PAIRS)]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    record(
        "cached run",
        "Whole processes, each with its own temporary Prefect server.",
        ["seconds", ""],
        [
            ["a run that finds every stage cached", f"{a:.2f}"],
            ["a Prefect flow of five empty tasks", f"{b:.2f}"],
        ],
        [
            Aim(
                aim=f"a cached run takes at most {AIM} times what five empty tasks take",
                measured=f"{ratio:.2f} times",
                met=ratio <= AIM,
                reason=f"by {a - b:.2f} s",
            )
        ],
    )


def test_a_cached_run_imports_neither_tensorflow_nor_keras(tmp_path: Path) -> None:
    """What is not imported cannot cost."""
    seconds(["-m", "flows", "run"], tmp_path)
    modules = imported(RUN, "run", cwd=tmp_path, env=environment(tmp_path / "prefect"))
    assert not {"tensorflow", "keras", "matplotlib"} & modules
