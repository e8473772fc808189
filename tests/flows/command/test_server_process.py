"""The process of a temporary server: it prints its port when it is ready, and ends with its parent or a signal."""

import signal
import urllib.request
from subprocess import PIPE, Popen

import pytest

from tests.processes import environment, started

# A trivial application in place of Prefect's, which takes seconds to import.
PROGRAM = """
import os, sys, uvicorn
from flows.command import server_process

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup." + ("failed" if sys.argv[1:] else "complete")})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

config = uvicorn.Config
uvicorn.Config = lambda *_, **__: config(application, lifespan="on", log_level="critical")
os._exit(server_process.serve())
"""


def serving(*arguments: str) -> Popen[str]:
    return started("-c", PROGRAM, *arguments, env=environment(), stdin=PIPE)


def port_of(process: Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_it_prints_its_port_once_it_answers_and_ends_with_its_parents_pipe() -> None:
    with serving() as process:
        port = port_of(process)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
            assert answer.read() == b"here"
        assert process.poll() is None
        process.communicate(timeout=20)
    assert process.returncode in {0, -signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(number: signal.Signals) -> None:
    """Also where its parent had them blocked, which is inherited."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
    try:
        process = serving()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    with process:
        port_of(process)
        process.send_signal(number)
        assert process.wait(20) in {0, -number, 128 + number}


def test_one_that_cannot_start_ends_with_a_failure_and_no_port() -> None:
    with serving("failing") as process:
        assert process.stdout is not None
        # Not `communicate`: that would close its standard input, as the end of its parent does.
        assert (process.stdout.read(), process.wait(20)) == ("", 1)
