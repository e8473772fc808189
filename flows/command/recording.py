"""A run that a signal ends is recorded as crashed, with its unfinished tasks; Prefect would show it as running."""

import time
from typing import ParamSpec, TypeVar
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

from flows.command.signals import Stops

P = ParamSpec("P")
R = TypeVar("R")
UNFINISHED = [StateType.PENDING, StateType.RUNNING]

# Seconds for each message to the server.
TIMEOUT = 2.0

# Seconds between looks at the tasks: that one runs is an event, which the server may take in after we have ended it.
PAUSES = (0.3, 0.5, 0.7, 0.0)


def recorded(flow: Flow[P, R], stops: Stops) -> Flow[P, R]:
    """Return the flow such that a signal that ends one of its runs is recorded as the run's end."""
    begun: list[UUID] = []

    def note(flow: Flow[P, R], flow_run: FlowRun, state: State[R]) -> None:  # noqa: ARG001 - a hook's parameters
        begun.append(flow_run.id)

    stops.on_stop(lambda: _crash(begun, stops.message()))
    return flow.with_options(on_running=[note])


def _crash(runs: list[UUID], message: str) -> None:
    with get_client(httpx_settings={"timeout": TIMEOUT}, sync_client=True) as client:
        for run in runs:
            client.set_flow_run_state(run, Crashed(message=message), force=True)
        for pause in PAUSES:
            for run in runs:
                _crash_tasks(client, run, message)
            time.sleep(pause)


def _crash_tasks(client: SyncPrefectClient, run: UUID, message: str) -> None:
    unfinished = TaskRunFilterState(type=TaskRunFilterStateType(any_=UNFINISHED))
    tasks = client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run])),
        task_run_filter=TaskRunFilter(state=unfinished),
    )
    for task in tasks:
        client.set_task_run_state(task.id, Crashed(message=message), force=True)
