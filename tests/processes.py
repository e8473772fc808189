"""Python in processes of their own: the checkout is on their path, and they see no Prefect server but a given one."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import DEVNULL, PIPE, CompletedProcess, Popen, run

from tests.paths import ROOT

# Without bytecode a start takes two to three times as long.
WITHHELD = {"PREFECT_API_URL", "PYTHONDONTWRITEBYTECODE"}
IMPORTED = "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"


def environment(home: Path | None = None, server: str | None = None, **variables: str) -> dict[str, str]:
    """Return this process's environment with these changes.

    Args:
        home: Prefect's home, which is to be the test's own; needed by whatever imports Prefect.
        server: the address of a Prefect server's API; without it Prefect starts a temporary server.
        variables: others, by name.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in WITHHELD}
    prefect = {"PREFECT_HOME": home and str(home), "PREFECT_API_URL": server}
    return inherited | {"PYTHONPATH": str(ROOT)} | {k: v for k, v in prefect.items() if v} | variables


def python(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    stdin: str = "",
    status: int | None = 0,
    timeout: float = 300,
    apart: bool = False,
) -> CompletedProcess[str]:
    """Run Python to its end.

    Args:
        arguments: what follows `python`, such as `"-c", program, folder`.
        env: see `environment`.
        cwd: the folder to run it in.
        stdin: what it reads from its standard input.
        status: the exit status that it must have; `None` for any.
        timeout: the most seconds that it may take.
        apart: give it a session of its own, so that it can be killed with all that it starts.

    Raises:
        AssertionError: it ended with another status.
    """
    done = run(
        [sys.executable, *map(str, arguments)],
        env=environment() if env is None else env,
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        start_new_session=apart,
    )
    assert status in {None, done.returncode}, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def started(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    cwd: Path = ROOT,
    quiet: bool = False,
    apart: bool = False,
    stdin: int | None = None,
) -> Popen[str]:
    """Start Python and leave it running; its output is to be read from the process, or with `quiet` is dropped."""
    output = DEVNULL if quiet else PIPE
    return Popen(
        [sys.executable, *map(str, arguments)],
        env=environment() if env is None else env,
        cwd=cwd,
        stdin=stdin,
        stdout=output,
        stderr=output,
        text=True,
        start_new_session=apart,
    )


def imported(
    program: str, *arguments: object, env: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> set[str]:
    """Return the names of the modules that a program has imported when it ends, with status 0."""
    done = python("-c", IMPORTED + program, *arguments, env=env, cwd=cwd)
    return set(done.stderr.splitlines()[-1].split())
