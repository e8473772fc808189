"""Dask's workers: the bits of one process, also where they are killed; and who would compute others is refused."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from subprocess import Popen
from sys import executable
from typing import TypeVar

import numpy as np
import pytest
from distributed import LocalCluster

from tasks.neuron import workers
from tasks.neuron.fit import fit_parts
from tasks.neuron.parts import Batch, MemoryPart
from tasks.runtime import cluster
from tasks.runtime.cluster import Cluster
from tasks.runtime.failures import WorkersFailed
from tasks.runtime.fingerprint import fingerprint
from tests.paths import ROOT
from tests.processes import environment

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs/large-data.md").read_text(encoding="utf-8")
HERE = "127.0.0.1:41786"

S = TypeVar("S")
T = TypeVar("T")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a scheduler and two workers as docs/large-data.md says, in a folder of their own."""
    commands = re.findall(r"^\$ \.venv/bin/dask (.*?)(?: {2,}#.*)?$", PAGE, flags=re.MULTILINE)
    scheduler, worker = (each.replace("scheduler.example.com:8786", HERE).split() for each in commands)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with ExitStack() as stack:
        for command in ([*scheduler, "--host", "127.0.0.1", "--port", HERE.partition(":")[2]], worker):
            started = stack.enter_context(
                Popen([executable, "-m", "dask", *command], cwd=elsewhere, env=environment())
            )
            stack.callback(started.terminate)
        found = Cluster(f"tcp://{HERE}", 2)
        found.client()
        yield found
        found.close()


def trained(across: workers.Runner) -> tuple[bytes, bytes, bytes]:
    """Train two rounds of six streams."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(80_000, 2))
    columns = [*x.T, x[:, 0] ** 2 + x.sum(axis=1) + rng.normal(size=len(x))]
    cut = zip(*(np.array_split(column, 8) for column in columns), strict=True)
    parts = [MemoryPart(Batch(features, target)) for *features, target in cut]
    fitted = fit_parts(parts, epochs=2, seed=11, across=across)
    return fitted.weights.tobytes(), np.float64(fitted.bias).tobytes(), fitted.loss.tobytes()


@pytest.fixture(scope="module")
def expected() -> tuple[bytes, bytes, bytes]:
    return trained(workers.spread)


def loaded(module: str) -> bool:
    return module in sys.modules


def test_two_workers_change_no_bit(two: Cluster, expected: tuple[bytes, bytes, bytes]) -> None:
    """And they know nothing of Prefect."""
    assert trained(two) == expected
    assert set(two.client().run(loaded, "tensorflow").values()) == {True}
    assert set(two.client().run(loaded, "prefect").values()) == {False}


def test_a_worker_killed_in_each_round_changes_no_bit(
    two: Cluster, expected: tuple[bytes, bytes, bytes]
) -> None:
    """What it was at, and what it had done, is done again."""
    killed = []

    def across(fn: Callable[[S], T], things: Iterable[S]) -> Iterator[T]:
        for number, found in enumerate(two(fn, things)):
            if number == 0:
                pid = next(iter(two.client().run(os.getpid).values()))
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)
            yield found

    assert trained(across) == expected
    assert len(set(killed)) >= 2


def test_an_error_arrives_as_it_is(two: Cluster) -> None:
    with pytest.raises(ZeroDivisionError):
        list(two((1).__truediv__, [1, 0]))
    assert list(two(abs, [-1, -2])) == [1, 2]


def test_a_worker_that_would_compute_other_bits_is_refused_by_name(
    two: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any part is worked on, and where it comes later."""
    (one, *_) = two.client().run(os.getpid)
    other = {**fingerprint(), "numpy": "1.0", "BLAS kernel": "Z80"}
    monkeypatch.setattr(cluster, "fingerprint", lambda: other)
    kernel = re.escape(f"BLAS kernel {fingerprint()['BLAS kernel']} instead of Z80")
    said = (
        rf"^the worker tcp://\S+ would compute other bits: numpy {np.__version__} instead of 1.0, {kernel}; "
    )
    with pytest.raises(WorkersFailed, match=said):
        list(two(abs, [1, 2]))
    newcomer = Cluster(two.client().scheduler.address)
    with pytest.raises(WorkersFailed, match=f"^the worker {re.escape(one)} would"):
        list(newcomer(abs, [1, 2]))


def test_a_scheduler_that_does_not_answer_or_has_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(
        WorkersFailed, match=r"^no Dask scheduler answers at tcp://127.0.0.1:9; start `dask sch"
    ):
        list(Cluster("tcp://127.0.0.1:9")(abs, [1, 2]))
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0") as empty:  # type: ignore[no-untyped-call]
        address = empty.scheduler_address
        with pytest.raises(
            WorkersFailed, match=rf"^{address} has fewer than 1 workers after 1 s; start `dask w"
        ):
            list(Cluster(address)(abs, [1, 2]))


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(WorkersFailed, match=r"needs the package distributed; `pip install '\.\[dask\]'`"):
        Cluster().client()
