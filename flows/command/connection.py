"""The Prefect server of a run: the configured one or a temporary one, and the error message if neither works."""

import atexit
import re
import warnings
from contextlib import ExitStack
from pathlib import Path

from flows.command.folders import require_writable
from flows.command.messages import Unusable, say
from flows.command.signals import Stops
from flows.command.temporary_server import TemporaryServer

# Seconds in which a configured server must answer.
ANSWER = 10.0

# Bytes that the folder of a temporary server's database must have room for: an empty database and its journal.
ROOM = 2**22


class Connection:
    """Begun before the run's imports and established after them: a temporary server starts in the meantime."""

    def __init__(self, stops: Stops) -> None:
        """Look which server is configured; start a temporary one where none is.

        Raises:
            Unusable: none is configured, and Prefect's folder cannot hold a temporary one's database.
        """
        with warnings.catch_warnings(action="ignore", category=UserWarning):  # a folder that cannot be made
            from prefect.settings import PREFECT_API_URL, get_current_settings
        settings = get_current_settings()
        self._url = PREFECT_API_URL.value()
        self._patience = settings.server.ephemeral.startup_timeout_seconds
        self._home = Path(settings.home)
        self._server: TemporaryServer | None = None
        if not self._url and settings.server.ephemeral.enabled:
            require_writable("PREFECT_HOME", self._home, ROOM)
            self._server = TemporaryServer()
            self._used = False
            # Registered first, and so done last: Prefect sends its last messages at the exit.
            atexit.register(self._end)
            stops.on_stop(self._server.kill)

    def establish(self) -> None:
        """Wait until the server answers, and have Prefect use it until the process ends.

        Raises:
            Unusable: it does not answer.
        """
        if self._server is None:
            self._check_answer()
            return
        url = self._server.address(self._patience)
        if url is None:
            reason = _reason(self._server.said(), self._patience)
            raise Unusable(
                f"Prefect's temporary server did not start in `PREFECT_HOME` of {str(self._home)!r}: {reason}; "
                "make room, change its permissions, or name another folder"
            )
        from prefect.settings import PREFECT_API_URL, temporary_settings

        self._used = True
        settings = ExitStack()
        settings.enter_context(temporary_settings({PREFECT_API_URL: url}))
        atexit.register(settings.close)

    def _end(self) -> None:
        if self._server is None:
            return
        # A server that was never used has nothing to write down, and may be in the midst of its start.
        (self._server.stop if self._used else self._server.kill)()

    def _check_answer(self) -> None:
        from prefect.client.base import ServerType
        from prefect.client.orchestration import get_client
        from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

        if not self._url:
            raise Unusable("Prefect may start no temporary server; set PREFECT_API_URL to the address of one")
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(httpx_settings={"timeout": ANSWER}, sync_client=True) as client,
        ):
            error = client.api_healthcheck()
            if error is None and client.server_type == ServerType.SERVER:  # Prefect Cloud has no version
                self._compare_versions(client.api_version(), client.client_version())
        if error is not None:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise Unusable(
                f"`PREFECT_API_URL` of {self._url!r} does not answer ({reason}); start the server, or unset it "
                "to run with a temporary one"
            )

    def _compare_versions(self, server: str, ours: str) -> None:
        if warning := version_gap(server, ours):
            say(f"`PREFECT_API_URL` of {self._url!r}: {warning}")


def version_gap(server: str, ours: str) -> str | None:
    """Say that a server is of another version than the client, where more than the last number differs."""
    if server.split(".")[:2] == ours.split(".")[:2]:
        return None
    return f"the server is Prefect {server}, this is {ours}; if a run fails for it, install the same version on both"


def _reason(said: list[str], patience: float) -> str:
    """Return why a server did not start: the last error that it wrote, or that it wrote nothing."""
    errors = [found[1] for line in said if (found := re.match(r"[\w.]+Error: (?:\([\w.]+\) )?(.+)", line))]
    lines = errors or [line.strip() for line in said if line.strip()]
    return lines[-1][:200] if lines else f"no answer within {patience:.0f} seconds"
