"""Who works on parts: whoever the settings name, for as long as they are in use, and the results are the same."""

import os
import threading
from pathlib import Path

import pytest

from flows.regression import regression
from tasks.config import Execution, Settings
from tasks.runtime.cluster import Cluster
from tasks.runtime.spreading import spread, working
from tests.flows.test_large_data import with_rows

FEW = {"epochs": 2}


def pid(_number: int) -> int:
    return os.getpid()


def test_threads_of_this_process_unless_another_runner_is_named() -> None:
    with working(Execution()):
        assert list(spread(lambda number: -number, range(9))) == [-number for number in range(9)]
    assert set(spread(pid, range(4))) == {os.getpid()}


def test_processes_within_the_block_alone() -> None:
    with working(Execution(runner="processes", workers=1)):
        (one,) = set(spread(pid, range(4)))
        assert set(spread(pid, range(4))) == {one}
        assert set(spread(pid, range(1))) == {os.getpid()}, "a single thing needs no other process"
    assert one != os.getpid()
    assert set(spread(pid, range(4))) == {os.getpid()}


def test_nothing_is_started_before_there_is_work() -> None:
    """A run of which all is cached needs no cluster."""
    before = threading.active_count()
    with working(Execution(runner="dask", address="tcp://127.0.0.1:9")):
        assert list(spread(abs, [-1])) == [1]
    with working(Execution(runner="processes")):
        assert threading.active_count() == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_run_leaves_the_same_bytes_whoever_works(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training in streams and the scores of each part; afterwards every runner finds all of it cached."""
    # Known to this process alone: nothing that a worker does may depend on it.
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 2000)
    monkeypatch.setattr("tasks.neuron.streams.ROWS_PER_PARAMETER", 256)
    monkeypatch.setattr("tasks.neuron.streams.BATCHES", 16)
    monkeypatch.setattr("tasks.neuron.streams.SETTLED", 0)
    left = {}
    for runner in ("local", "processes", "dask"):
        execution = {"runner": runner, **({} if runner == "local" else {"workers": 2})}
        root = str(tmp_path / runner)
        result = regression(with_rows(settings, 9000, execution=execution, artifacts=root, training=FEW))
        left[runner] = {name: [file.sha256 for file in each.files] for name, each in result.stages.items()}
    assert left["processes"] == left["local"]
    assert left["dask"] == left["local"]

    monkeypatch.setattr(Cluster, "client", lambda _: pytest.fail("connected"))
    other = {"runner": "dask", "address": "tcp://127.0.0.1:9"}
    again = regression(
        with_rows(settings, 9000, execution=other, artifacts=str(tmp_path / "local"), training=FEW)
    )
    assert {each.state for each in again.stages.values()} == {"cached"}
