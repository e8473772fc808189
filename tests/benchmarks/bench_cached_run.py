"""A run that finds every stage cached, beside a Prefect flow of five tasks that do nothing.

Both are whole processes, each with its own temporary server, run in turn: A B A B …
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tests.benchmarks.results import Aim, record
from tests.paths import ROOT

PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
AIM = 1.15
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
IMPORTED = (
    "import sys; from flows.command.cli import main\nmain(sys.argv[1:])\nprint(*sys.modules, file=sys.stderr)"
)


def seconds(command: list[str], cwd: Path) -> float:
    """Run a command in a folder and return its wall time."""
    environment = {
        **os.environ,
        "PREFECT_HOME": str(cwd / "prefect"),
        "PYTHONPATH": str(ROOT),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
    started = time.perf_counter()
    subprocess.run(command, cwd=cwd, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def test_a_cached_run_costs_little_more_than_prefect_itself(tmp_path: Path) -> None:
    """Record the two medians and the median of the ratios, pair by pair."""
    ours = [sys.executable, "-m", "flows", "run"]
    empty = [sys.executable, "-c", EMPTY]
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
    seconds([sys.executable, "-m", "flows", "run"], tmp_path)
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "prefect"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, "run"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"tensorflow", "keras", "matplotlib"} & set(done.stderr.split())
