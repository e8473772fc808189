"""The command `linear-neuron plan`: what a run would do with each stage, and why."""

import json
from pathlib import Path

from flows.command.exits import Exit
from flows.command.folders import require_readable
from flows.command.messages import Unusable, explain, print_result
from flows.regression import stages
from tasks.config import Settings
from tasks.runtime.dry_run import DryRun
from tasks.runtime.user_table import check, looking_once
from tasks.store.folders import BadStore, store_root
from tasks.store.objects import NoRemote, RemoteError
from tasks.store.remote import using
from tasks.table.errors import BadTable


def plan(settings: Settings, as_json: bool) -> Exit:
    """Print what a run would do with each stage, and why; return the exit status."""
    try:
        require_readable("artifacts", Path(settings.artifacts))
        with looking_once(), using(settings.remote):
            check(settings.input, settings.columns_beside, Path(settings.artifacts))
            found = dry_run(settings)
    except (BadTable, BadStore, NoRemote, RemoteError, Unusable) as error:
        return explain(error)

    if as_json:
        payload = {name: {"state": state, "reason": why} for name, (state, why) in found.stages.items()}
        return print_result(json.dumps({"stages": payload}, indent=1))
    lines = [f"{name:<9} {state:<9} {why}" for name, (state, why) in found.stages.items()]
    return print_result("\n".join(lines))


def dry_run(settings: Settings) -> DryRun:
    """Look at every stage of a run, and run none.

    Raises:
        BadStore: `artifacts` cannot be the folder for the runs' files.
    """
    found = DryRun(store_root(settings.artifacts))
    stages(found, settings)
    return found
