"""Terminals in a copy of the checkout, for typing the README's commands: a Prefect home, server and worker apart."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from tests.nightly.readme import Line
from tests.paths import ROOT

T = TypeVar("T")
COPIED = ["flows", "tasks", "tests/data", "prefect.yaml", "automations.yaml", "pyproject.toml"]
# Where Prefect's server listens, and the README looks for it; here a free port stands in its place.
ADDRESS = "127.0.0.1:4200"

TASK_ENDS = {"Completed", "Cached", "Failed"}

# How often somebody looks for work: a test is less patient than a night.
HURRY = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_RUNNER_POLL_FREQUENCY": "1",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
}

COMMAND = f'#!/bin/sh\nexec {sys.executable} -m flows "$@"\n'
# Python runs this wherever it starts: a flow run's process leaves the names of all that it has imported.
NOTE = """
import atexit, os, pathlib, sys
if run := os.environ.get("PREFECT__FLOW_RUN_ID"):
    note = pathlib.Path(__file__).with_name(run)
    atexit.register(lambda: note.write_text("\\n".join(sys.modules)))
"""


class Terminals:
    """Terminals side by side in one folder; what is exported in one of them is, as the README asks, in all after it."""

    def __init__(self, folder: Path) -> None:
        """Copy the checkout into an empty folder."""
        for name in COPIED:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, folder / name)
        self._extras = folder / "extras"
        self._extras.mkdir()
        (self._extras / "sitecustomize.py").write_text(NOTE)
        (self._extras / "linear-neuron").write_text(COMMAND)
        (self._extras / "linear-neuron").chmod(0o755)
        self.folder = folder
        self.address = ADDRESS.replace("4200", _free_port())
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            **HURRY,
            "PATH": os.pathsep.join(
                [str(self._extras), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            "PYTHONPATH": str(self._extras),
            "PREFECT_HOME": str(folder / "home"),
            "PREFECT_SERVER_API_PORT": self.address.partition(":")[2],
            "COLUMNS": "300",
        }
        self._environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self._staying: list[tuple[str, subprocess.Popen[bytes]]] = []

    def type(self, line: Line) -> str:
        """Run a command as the README has it; return what it said, unless it stays in its terminal.

        Raises:
            AssertionError: it failed.
        """
        if exported := re.fullmatch(r"export (\w+)=(\S+)", self._here(line.command)):
            self._environment[exported[1]] = exported[2]
            return ""
        if line.stays:
            self._stay(line.command)
            return ""
        done = self.run(line.command)
        assert done.returncode == 0, f"{line.command}\n{done.stdout}\n{self.log()}"
        return done.stdout

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, whatever that is."""
        return subprocess.run(
            ["bash", "-c", self._here(command)],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def ask(self, path: str, **body: Any) -> Any:
        """Ask Prefect's server: a GET, or with a body a POST; a busy one, as its own clients do, several times."""
        if path.endswith("create_flow_run"):
            body["idempotency_key"] = str(uuid4())  # asked twice, it makes one run
        url = f"http://{self.address}/api/{path}"

        def answer() -> httpx.Response:
            got = httpx.request("POST" if body else "GET", url, json=body or None, timeout=60)
            if got.status_code == httpx.codes.SERVICE_UNAVAILABLE:
                raise BlockingIOError(got.text)
            return got

        answered = until(answer, BlockingIOError, httpx.ReadTimeout)
        answered.raise_for_status()
        return answered.json()

    def runs(self, deployment: str) -> list[dict[str, Any]]:
        """Return the runs of a deployment, the oldest first, less those that its schedule plans."""
        named = {"deployments": {"name": {"any_": [deployment]}}}
        runs = self.ask("flow_runs/filter", **named, sort="EXPECTED_START_TIME_ASC")
        return [run for run in runs if not run["auto_scheduled"]]

    def scheduled(self, deployment: str, *states: str) -> list[dict[str, Any]]:
        """Return the runs that a deployment's schedule has made and that are in one of these states, oldest first."""
        named = {"deployments": {"name": {"any_": [deployment]}}}
        in_state = {"flow_runs": {"state": {"name": {"any_": states}}}}
        runs = self.ask("flow_runs/filter", **named, **in_state, sort="EXPECTED_START_TIME_ASC")
        return [run for run in runs if run["auto_scheduled"]]

    def stages(self, run: str) -> dict[str, str]:
        """Return the state in which each task of a flow run ended, by the task's name.

        The server learns of tasks by events, some of them later than of the flow run's end.
        """

        def ended() -> dict[str, str]:
            tasks = self.ask("task_runs/filter", flow_runs={"id": {"any_": [run]}})
            states = {task["name"].rpartition("-")[0]: task["state_name"] for task in tasks}
            return states if set(states.values()) <= TASK_ENDS and "report" in states else {}

        return until(ended, seconds=30)

    def artifact(self, run: str, kind: str) -> dict[str, Any]:
        """Return the artifact of a kind (`markdown`, `table`) that a flow run has left."""
        asked = {"flow_run_id": {"any_": [run]}, "type": {"any_": [kind]}}
        (artifact,) = self.ask("artifacts/filter", artifacts=asked)
        return dict(artifact)

    def imported(self, run: str) -> set[str]:
        """Return the modules that a flow run's process had imported when it ended."""
        return set(until((self._extras / run).read_text, FileNotFoundError).split())

    def start_with(self, program: str) -> None:
        """Have every Python that starts from now on run a program first."""
        with (self._extras / "sitecustomize.py").open("a") as begun:
            begun.write(program)

    def log(self) -> str:
        """Return what has been said in the terminals of their own."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("terminal-*.log")))

    def pid(self, command: str) -> int:
        """Return the process of the last terminal in which a command that begins so was typed, and stays."""
        return next(process.pid for typed, process in reversed(self._staying) if typed.startswith(command))

    def said(self, command: str) -> str:
        """Return what was said in all terminals in which a command that begins so was typed."""
        logs = [
            self._log(number) for number, (typed, _) in enumerate(self._staying) if typed.startswith(command)
        ]
        return "\n".join(log.read_text() for log in logs)

    def close(self) -> None:
        """End what stays, the latest first, each with all that it has started."""
        for _, process in reversed(self._staying):
            if process.poll() is not None:
                continue
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _stay(self, command: str) -> None:
        with self._log(len(self._staying)).open("wb") as log:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(command)}"],
                cwd=self.folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._staying.append((command, process))
        until(lambda: self.ask("health"), httpx.HTTPError)

    def _log(self, number: int) -> Path:
        return self.folder / f"terminal-{number:02}.log"

    def _here(self, command: str) -> str:
        return command.replace(ADDRESS, self.address)


def until(look: Callable[[], T], *not_yet: type[Exception], seconds: float = 120) -> T:
    """Look until it neither raises one of these errors nor returns something false; return what was seen.

    Raises:
        AssertionError: it did not come to that in time.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if seen := look():
                return seen
        except not_yet:
            pass
        time.sleep(0.2)
    raise AssertionError(f"waited {seconds:.0f} seconds in vain; at last: {look()}")


def _free_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return str(free.getsockname()[1])
