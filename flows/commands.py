"""What the commands do, once the settings are known to be good."""

import json
import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Prefect and TensorFlow read these when they are imported. What the user has set stays.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", "30")
os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType

from flows.cli import BAD_INPUT
from flows.flags import changes
from flows.regression import regression, stages
from flows.terminal import native_silence
from tasks.config import Settings, overlaid
from tasks.ingest import check
from tasks.neuron.recipe import Diverged
from tasks.page.findings import listed
from tasks.page.summary import summary
from tasks.planning import Forecast
from tasks.table.errors import BadTable
from tasks.table.location import anchored
from tasks.train import load

DONE, FAILED, REFUSED = 0, 1, 3
EXPECTED = {BadTable: BAD_INPUT, Diverged: REFUSED}
"""Errors that the user can mend: one line says all, a traceback would hide it."""


def run(settings: Settings, as_json: bool) -> int:
    """Run the flow and print its summary, or its result as JSON; return the exit status."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_news)
    try:
        if "train" in _to_run(_forecast(settings)):
            # The import takes as long as Prefect's server takes to start, in a process of its own.
            threading.Thread(target=_load_training).start()
        result = regression(settings)
    except Exception as error:  # noqa: BLE001 - the border: every failure becomes one line and a status
        return _explain(error)
    print(result.model_dump_json(indent=1) if as_json else summary(result))
    return DONE


def plan(settings: Settings, as_json: bool) -> int:
    """Print what a run would do with each stage, and why; return the exit status."""
    try:
        check(settings.input, settings.split.by)
        forecast = _forecast(settings)
    except BadTable as error:
        return _explain(error)
    if as_json:
        told = {name: {"state": state, "reason": why} for name, (state, why) in forecast.stages.items()}
        print(json.dumps({"stages": told}, indent=1))
    else:
        for name, (state, why) in forecast.stages.items():
            print(f"{name:<9} {state:<9} {why}")
    return DONE


def serve(settings: Settings, cron: str) -> int:
    """Stay, and run the flow on a schedule, one run at a time; return the exit status when told to stop."""
    if not PREFECT_API_URL.value():
        return _refuse(
            "`serve` needs a server that stays: `prefect server start`, and PREFECT_API_URL set to its address"
        )
    try:
        schedule = Cron(cron, timezone="UTC")
        check(settings.input, settings.split.by)
    except BadTable as error:
        return _refuse(str(error))
    except ValueError:
        return _refuse(f"`cron` of {cron!r} is not a cron line; every day at six is '0 6 * * *'")
    regression.serve(
        name="served",
        schedule=schedule,
        parameters={"settings": changes(_anchored(settings))},
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return DONE


def _anchored(settings: Settings) -> Settings:
    """Make the paths absolute: a scheduled run starts in a folder of its own."""
    paths: dict[str, Any] = {"artifacts": str(Path(settings.artifacts).resolve())}
    if settings.input.data is not None:
        paths["input"] = {"data": anchored(settings.input.data)}
    return Settings.model_validate(overlaid(changes(settings), paths))


def _refuse(message: str) -> int:
    print(f"linear-neuron: {message}", file=sys.stderr)
    return BAD_INPUT


def _load_training() -> None:
    with native_silence():
        load()


def _forecast(settings: Settings) -> Forecast:
    forecast = Forecast(Path(settings.artifacts).resolve())
    stages(forecast, settings)
    return forecast


def _to_run(forecast: Forecast) -> set[str]:
    return {name for name, (state, _) in forecast.stages.items() if state != "cached"}


def _explain(error: Exception) -> int:
    status = next((code for kind, code in EXPECTED.items() if isinstance(error, kind)), FAILED)
    notes = getattr(error, "__notes__", []) if status == FAILED else []
    said = listed(error.findings) if isinstance(error, BadTable) else str(error)
    for line in notes or [said if status != FAILED else repr(error)]:
        print(f"linear-neuron: {line}", file=sys.stderr)
    return status


def _is_news(record: logging.LogRecord) -> bool:
    """Say whether a log record tells more than the closing lines will: the traceback of a programming error does."""
    error = record.exc_info[1] if record.exc_info else None
    mendable = isinstance(error, (*EXPECTED, OSError))
    twice = error is not None and record.name == "prefect.task_runs"
    return not (mendable or twice or "Finished in state Failed" in record.getMessage())


COMMANDS: dict[str, Callable[[Settings, bool], int]] = {"run": run, "plan": plan}
