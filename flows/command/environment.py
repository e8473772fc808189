"""What Prefect and TensorFlow read from the environment when they are imported."""

import os

DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def prepare() -> None:
    """Set what the user has not set; call it before either of them is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
