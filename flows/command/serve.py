"""The command `linear-neuron serve`: stay, and run the flow on a schedule."""

from pathlib import Path
from typing import Any

from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType

from flows.command.exits import Exit
from flows.command.messages import refuse
from flows.flags import changes
from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.runtime.user_table import check
from tasks.table.errors import BadTable
from tasks.table.sources.location import anchored


def serve(settings: Settings, cron: str) -> Exit:
    """Stay, and run the flow on a schedule, one run at a time; return the exit status when stopped."""
    if not PREFECT_API_URL.value():
        return refuse(
            "`serve` needs a server that stays: `prefect server start`, and PREFECT_API_URL set to its address"
        )
    try:
        schedule = Cron(cron, timezone="UTC")
        check(settings.input, settings.split.by)
    except BadTable as error:
        return refuse(str(error))
    except ValueError:
        return refuse(f"`cron` of {cron!r} is not a cron line; every day at six is '0 6 * * *'")

    regression.serve(
        name="served",
        schedule=schedule,
        parameters={"settings": changes(_anchored(settings))},
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return Exit.DONE


def _anchored(settings: Settings) -> Settings:
    """Make the paths absolute: a scheduled run starts in a folder of its own."""
    paths: dict[str, Any] = {"artifacts": str(Path(settings.artifacts).resolve())}
    if settings.input.data is not None:
        paths["input"] = {"data": anchored(settings.input.data)}
    return Settings.model_validate(overlaid(changes(settings), paths))
