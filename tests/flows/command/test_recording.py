"""A run that a signal ends is recorded as crashed; one that nothing interrupts is not touched."""

import pytest
from prefect import flow, task
from prefect.client.orchestration import get_client

from flows.command import recording
from flows.command.recording import recorded
from flows.command.signals import Stops
from tests.flow_runs import last_runs

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "PAUSES", (0.0,))


def test_the_state_of_an_interrupted_run_is_crashed() -> None:
    """The signal comes while the flow and one of its tasks run. Tasks: see `test_signals.py`."""
    stops = Stops()

    @task
    def unfinished() -> None:
        stops._close()  # as the thread does that waits for signals

    @flow(name="interrupted in a test", persist_result=False)
    def work() -> None:
        unfinished()

    recorded(work, stops)(return_state=True)

    (run,) = last_runs("interrupted in a test")
    with get_client(sync_client=True) as client:
        states = [state.type.value for state in client.read_flow_run_states(run.id)]
        assert "CRASHED" in states
        crashed = next(
            state for state in client.read_flow_run_states(run.id) if state.type.value == "CRASHED"
        )
        assert crashed.message == "interrupted; what is finished stays, the same command goes on from there"


def test_a_run_that_nothing_interrupts_is_not_touched() -> None:
    @flow(name="left alone in a test", persist_result=False)
    def work() -> int:
        return 3

    assert recorded(work, Stops())() == 3
    (run,) = last_runs("left alone in a test")
    assert run.state_name == "Completed"
