"""A temporary Prefect server as its run sees it: started, waited for, and ended with the run."""

import os
import select
import subprocess
import sys
import threading
from collections import deque
from typing import IO, cast

# What Prefect sets for the servers that it starts itself: no user interface, no repeated migrations.
VARIABLES = {"PREFECT_UI_ENABLED": "0", "PREFECT__SERVER_EPHEMERAL": "1", "PREFECT__SERVER_FINAL": "1"}

# Seconds in which the server writes down what it has been sent last.
GRACE = 5.0


class TemporaryServer:
    """A server in a process of its own, which ends when its standard input is closed: with this process at the latest.

    Prefect would start one by itself. That one is reached by the signals that a terminal sends, so a run cannot record
    its end there; it outlives a killed run; and it says why it cannot start in pages of tracebacks.
    """

    def __init__(self) -> None:
        """Start it, in a session of its own, out of reach of the terminal's signals."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "flows.command.server_process"],
            env={**os.environ, **VARIABLES},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._said: deque[str] = deque(maxlen=200)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def address(self, timeout: float) -> str | None:
        """Wait until it serves; return its API's address, or None where it ended or did not get ready in time."""
        out = cast(IO[str], self._process.stdout)
        port = out.readline().strip() if select.select([out], [], [], timeout)[0] else ""
        return f"http://127.0.0.1:{port}/api" if port else None

    def said(self) -> list[str]:
        """End it; return the last lines that it wrote on standard error."""
        self.stop()
        self._listener.join(GRACE)
        return list(self._said)

    def stop(self) -> None:
        """End it, and give it some seconds to write down what it has been sent."""
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        self._said.extend(cast(IO[str], self._process.stderr))
