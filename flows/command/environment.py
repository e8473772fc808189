"""What Prefect reads from the environment when it is imported."""

import os

DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "DO_NOT_TRACK": "1",  # of the client, whose notice would stand between a run's lines
}

LEVEL, CONSOLE = "PREFECT_LOGGING_LEVEL", "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"


def prepare(*, verbose: bool = False) -> None:
    """Set what the user has not set; call it before Prefect is imported.

    The run's log on the server holds what happens, from INFO on; the terminal warnings alone, unless `verbose` or the
    user's own level asks for more.
    """
    if LEVEL not in os.environ and not verbose:
        os.environ.setdefault(CONSOLE, "WARNING")
    os.environ.setdefault(LEVEL, "INFO")
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
