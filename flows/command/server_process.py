"""The process of a temporary Prefect server: it prints its port once it is ready, and ends with its parent."""

import os
import signal
import socket
import sys
import threading
from contextlib import suppress

import uvicorn

# Seconds in which the server writes down what it has been sent last.
GRACE = 5.0


class Server(uvicorn.Server):
    """A server that tells its parent when it is ready, and where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and print the port."""
        await super().startup(sockets)
        if self.started and sockets:
            print(sockets[0].getsockname()[1], flush=True)


def serve() -> int:
    """Serve until the parent process ends, or SIGTERM comes; return the exit status."""
    # The parent waits for signals in a thread, and has them blocked; the mask is inherited.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    threading.Thread(target=_end_with_parent, daemon=True).start()

    application = "prefect.server.api.server:create_app"
    server = Server(uvicorn.Config(application, factory=True, lifespan="on", log_level="error"))
    # After a failed start uvicorn exits in an orderly way, for which it would wait for Prefect's threads; see below.
    with socket.create_server(("127.0.0.1", 0)) as listening, suppress(SystemExit):
        server.run([listening])
    return 0 if server.started else 1


def _end_with_parent() -> None:
    sys.stdin.read()  # nothing is ever written: this waits until the parent's end of the pipe is closed
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(GRACE)
    os._exit(1)


if __name__ == "__main__":
    # Threads of Prefect's that are still there would hold up the exit, after a failed start without end.
    os._exit(serve())
