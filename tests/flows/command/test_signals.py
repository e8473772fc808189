"""Signals end a command within seconds, wherever it is: one line, the status, nothing left running, the right state."""

import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from subprocess import Popen

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from flows.command.signals import Stops
from tests.flow_runs import last_runs
from tests.processes import environment, started

# A run that hangs where it is told to, and says when it is there. What it patches is imported as late as in any run.
HANGING = """
import functools, pathlib, sys, time
from importlib import import_module
from flows.command.cli import main
from flows.command.connection import Connection
place, marker, *arguments = sys.argv[1:]

def hang(*_, **__):
    pathlib.Path(marker).touch()
    time.sleep(600)

def establish(connection, real=Connection.establish):
    if place == "start":
        hang()
    elif place == "train":
        import_module("tasks.runtime.progress").Progress.__call__ = lambda *_: pathlib.Path(marker).touch()
    else:
        task = getattr(import_module(f"tasks.{place}"), place)
        task.fn = functools.wraps(task.fn)(hang)
    real(connection)

Connection.establish = establish
raise SystemExit(main(arguments))
"""

SIGNALS = [
    pytest.param(signal.SIGINT, False, id="SIGINT"),
    pytest.param(signal.SIGINT, True, id="SIGINT to the group"),
    pytest.param(signal.SIGTERM, False, id="SIGTERM"),
    pytest.param(signal.SIGHUP, False, id="SIGHUP"),
]
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


@contextmanager
def there(process: Popen[str], marker: Path) -> Iterator[Popen[str]]:
    """Wait until a process has made its marker; whatever happens inside, it ends with the block."""
    with process:
        try:
            end = time.monotonic() + 240
            while not marker.exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end
                time.sleep(0.1)
            yield process
        finally:
            process.kill()


def hanging(folder: Path, place: str, server: str | None = None) -> AbstractContextManager[Popen[str]]:
    """Start a run that hangs in a stage, or before the first one."""
    marker = folder / "there"
    epochs = 3 if place == "report" else 1_000_000
    settings = "--epochs", epochs, "--artifacts", folder / "store"
    home = folder / "home"
    database = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{home}/prefect.db"}
    env = environment(home, server, **database)
    command = "-c", HANGING, place, marker, "run", *settings
    return there(started(*command, env=env, cwd=folder, apart=True), marker)


def stop(process: Popen[str], number: signal.Signals, group: bool = False) -> None:
    """Send a signal, and hold against the promise how the run ends."""
    began = time.monotonic()
    (os.killpg if group else os.kill)(process.pid, number)
    said = process.communicate(timeout=60)[1]
    took = time.monotonic() - began
    assert process.returncode == 128 + number
    assert said == (
        f"linear-neuron: {WORDS[number]}; what is finished stays, the same command goes on from there\n"
    )
    assert took < 5


def children(process: Popen[str]) -> list[int]:
    listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(each) for each in listed.split()]


def is_running(pid: int) -> bool:
    """Say whether a process is there, and not just a zombie that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def run_in(store: Path) -> FlowRun:
    """Return the flow run whose artifacts are there."""
    (run,) = [each for each in last_runs("regression") if str(store) in json.dumps(each.parameters)]
    return run


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["generate", "train", "report"])
@pytest.mark.parametrize(("number", "group"), SIGNALS)
def test_a_signal_ends_a_run_at_any_stage(
    tmp_path: Path, prefect_server: str, stage: str, number: signal.Signals, group: bool
) -> None:
    """On a server that stays the run is recorded as crashed, and no task as running."""
    with hanging(tmp_path, stage, prefect_server) as process:
        stop(process, number, group)
    run = run_in(tmp_path / "store")
    assert (run.state_name, run.state and run.state.message) == (
        "Crashed",
        f"{WORDS[number]}; what is finished stays, the same command goes on from there",
    )
    with get_client(sync_client=True) as client:
        tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
    assert {task.state_name for task in tasks} <= {"Completed", "Crashed"}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "group"), SIGNALS)
def test_a_signal_ends_a_run_before_its_first_stage(
    tmp_path: Path, number: signal.Signals, group: bool
) -> None:
    """While a temporary server starts, which ends as well."""
    with hanging(tmp_path, "start") as process:
        (server,) = children(process)
        stop(process, number, group)
    assert not is_running(server)


@pytest.mark.slow
def test_a_temporary_server_ends_with_the_run_that_a_signal_ends(tmp_path: Path) -> None:
    """And has recorded how the run ended."""
    with hanging(tmp_path, "train") as process:
        (server,) = children(process)
        stop(process, signal.SIGINT, group=True)
    assert not is_running(server)
    with closing(sqlite3.connect(tmp_path / "home" / "prefect.db")) as database:
        assert database.execute("select state_name from flow_run").fetchall() == [("Crashed",)]


@pytest.mark.slow
def test_a_temporary_server_ends_with_a_killed_run(tmp_path: Path) -> None:
    with hanging(tmp_path, "start") as process:
        (server,) = children(process)
        os.killpg(process.pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while is_running(server):
        assert time.monotonic() < end
        time.sleep(0.1)


def test_what_is_registered_is_done_in_turn_and_the_rest_waits_no_longer(tmp_path: Path) -> None:
    """The last registered comes first; one that hangs does not keep the process."""
    program = """
import sys, time
from pathlib import Path
from flows.command.signals import Stops
stops, marker = Stops(), Path(sys.argv[1])
with stops.watched():
    stops.on_stop(lambda: time.sleep(600))
    stops.on_stop(lambda: (marker / "second").touch())
    stops.on_stop(lambda: (marker / "first").touch())
    (marker / "there").touch()
    while True: pass
"""
    with there(started("-c", program, tmp_path), tmp_path / "there") as process:
        stop(process, signal.SIGTERM)
    assert (tmp_path / "first").stat().st_mtime_ns <= (tmp_path / "second").stat().st_mtime_ns


def test_without_anything_registered_the_main_thread_ends_by_itself(tmp_path: Path) -> None:
    """What it has to put away is put away."""
    program = """
import sys, time
from pathlib import Path
from flows.command.messages import say
from flows.command.signals import Stops
stops, marker = Stops(), Path(sys.argv[1])
try:
    with stops.watched():
        try:
            (marker / "there").touch()
            while True: time.sleep(0.01)
        finally:
            (marker / "away").touch()
except KeyboardInterrupt:
    say(stops.message())
    raise SystemExit(stops.status())
"""
    with there(started("-c", program, tmp_path), tmp_path / "there") as process:
        stop(process, signal.SIGTERM)
    assert (tmp_path / "away").exists()


def test_signals_are_as_before_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with Stops().watched():
        assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= signal.pthread_sigmask(signal.SIG_BLOCK, [])
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_a_signal_that_nohup_ignores_stays_ignored(tmp_path: Path) -> None:
    program = """
import os, signal, time
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from flows.command.signals import Stops
with Stops().watched():
    os.kill(os.getpid(), signal.SIGHUP)
    time.sleep(1)
print("still there")
"""
    process = started("-c", program)
    assert process.communicate(timeout=60) == ("still there\n", "")
