"""A temporary server as its run sees it: it says where it listens or why not, and ends in any case."""

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from flows.command import temporary_server
from flows.command.temporary_server import TemporaryServer

# In place of `flows.command.server_process`, which takes seconds to import Prefect.
SERVING = "print(4242, flush=True)\nsys.stdin.read()"
SILENT = "sys.stdin.read()"
FAILING = "sys.stderr.write('Traceback\\n' * 500 + 'OSError: no room\\n')\nsys.exit(1)"
STUBBORN = (
    "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(4242, flush=True)\ntime.sleep(600)"
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[TemporaryServer]:
    """Start a process that behaves like such a server; whatever it is told, it ends with the test."""
    real = subprocess.Popen

    def started(command: list[str], **options: Any) -> subprocess.Popen[str]:
        return real([command[0], "-c", f"import sys, time\n{request.param}"], **options)

    monkeypatch.setattr(subprocess, "Popen", started)
    found = TemporaryServer()
    yield found
    found.kill()
    found._listener.join(10)
    for pipe in (found._process.stdin, found._process.stdout, found._process.stderr):
        assert pipe is not None
        pipe.close()


def is_over(server: TemporaryServer) -> bool:
    return server._process.poll() is not None


@pytest.mark.parametrize("server", [SERVING], indirect=True, ids=[""])
def test_it_says_where_it_listens(server: TemporaryServer) -> None:
    assert server.address(60) == "http://127.0.0.1:4242/api"
    assert not is_over(server)
    server.stop()
    assert is_over(server)


@pytest.mark.parametrize("server", [SILENT], indirect=True, ids=[""])
def test_one_that_is_not_ready_in_time_has_no_address(server: TemporaryServer) -> None:
    began = time.monotonic()
    assert server.address(0.2) is None
    assert time.monotonic() - began < 5
    assert server.said() == []
    assert is_over(server)


@pytest.mark.parametrize("server", [FAILING], indirect=True, ids=[""])
def test_one_that_fails_has_said_why(server: TemporaryServer) -> None:
    """The last lines of many, and it does not stand still for nobody reading them."""
    assert server.address(60) is None
    said = server.said()
    assert said[-1] == "OSError: no room\n"
    assert len(said) == 200


@pytest.mark.parametrize("server", [SILENT], indirect=True, ids=[""])
def test_it_ends_when_its_standard_input_is_closed(server: TemporaryServer) -> None:
    """As happens when its parent ends, however that ends."""
    assert server._process.stdin is not None
    server._process.stdin.close()
    assert server._process.wait(10) == 0


@pytest.mark.parametrize("server", [STUBBORN], indirect=True, ids=[""])
def test_one_that_does_not_heed_is_killed(server: TemporaryServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary_server, "GRACE", 0.2)
    assert server.address(60)
    server.stop()
    assert is_over(server)


@pytest.mark.parametrize("server", [SERVING], indirect=True, ids=[""])
def test_signals_to_the_group_do_not_reach_it(server: TemporaryServer) -> None:
    """A terminal sends them to all of a group; a run has to write down how it ended first."""
    assert os.getsid(server._process.pid) == server._process.pid != os.getsid(0)
