"""The command `linear-neuron serve`: stay, and run the flow on a schedule."""

import signal
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.exceptions import ObjectNotFound
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL
from prefect.types.entrypoint import EntrypointType

from flows.command.exits import Exit
from flows.command.messages import explain, refuse
from flows.flags import changes
from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.outputs.naming import owner, owner_in_words
from tasks.outputs.registry import claimed_name
from tasks.runtime.user_table import check
from tasks.store.folders import store_root
from tasks.table.errors import BadTable
from tasks.table.sources.location import anchored, is_url


def serve(settings: Settings, cron: str) -> Exit:
    """Stay, and run the flow on a schedule, one run at a time; return the exit status when stopped."""
    if not PREFECT_API_URL.value():
        return refuse(
            "`serve` needs a server that stays: `prefect server start`, and PREFECT_API_URL set to its address"
        )
    try:
        schedule = Cron(cron, timezone="UTC")
    except ValueError:
        return refuse(f"`cron` of {cron!r} is not a cron line; every day at six is '0 6 * * *'")
    try:
        check(settings.input, settings.columns_beside)
        name = claimed_name(store_root(settings.artifacts), settings.model_dump(mode="json"))
        parameters = changes(_anchored(settings))
        _refuse_taken(name, parameters)
    except Exception as error:  # noqa: BLE001 - the border: every failure becomes one line and a status
        return explain(error)

    # Prefect ends its runs and pauses the schedule on SIGTERM; a terminal that is closed is to do the same.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as it is under nohup
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    regression.serve(
        name=name,
        tags=[name],
        schedule=schedule,
        parameters={"settings": parameters},
        global_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )
    return Exit.DONE


def _refuse_taken(name: str, parameters: dict[str, Any]) -> None:
    """Refuse to overwrite the deployment of another table, which the server has under the same name.

    Raises:
        BadTable: there is one.
    """
    deployment = f"{regression.name}/{name}"
    with get_client(sync_client=True) as client:
        try:
            found = client.read_deployment_by_name(deployment)
        except ObjectNotFound:
            return
    served = found.parameters.get("settings") or {}
    if owner(served) != owner(parameters) or _folder(served) != _folder(parameters):
        raise BadTable(
            f"the deployment {deployment!r} is taken: the server has it for {owner_in_words(served)} with "
            f"`artifacts` of {_folder(served)!r}; give another `name`, or first "
            f"`prefect deployment delete {deployment}`"
        )


def _folder(parameters: dict[str, Any]) -> str:
    return str(parameters.get("artifacts", ""))


def _anchored(settings: Settings) -> Settings:
    """Make the paths absolute: a scheduled run starts in a folder of its own."""
    paths: dict[str, Any] = {"artifacts": str(Path(settings.artifacts).resolve())}
    if settings.log_to_mlflow is not None and is_url(settings.log_to_mlflow):
        paths["log_to_mlflow"] = anchored(settings.log_to_mlflow)
    if settings.input.data is not None:
        paths["input"] = {"data": anchored(settings.input.data)}
    return Settings.model_validate(overlaid(changes(settings), paths))
