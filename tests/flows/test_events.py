"""What automations hear of a run, as Prefect made it of what was emitted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prefect.events import AutomationCore, Event, emit_event
from prefect.server.events.schemas.automations import EventTrigger
from prefect.server.events.schemas.events import ReceivedEvent

from flows.regression import regression
from tasks.config import Settings
from tests.nightly.readme import automation

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Event]:
    """Collect what a deployment's run emits."""
    events: list[Event] = []

    def hear(**given: Any) -> None:
        event = emit_event(**given)
        assert event is not None
        events.append(event)

    monkeypatch.setattr("flows.events.emit_event", hear)
    monkeypatch.setattr("flows.events.deployment", SimpleNamespace(name="nightly"))
    return events


def of(folder: Path, **given: object) -> Settings:
    return Settings.model_validate(
        {"artifacts": str(folder), "name": "sales", "training": {"epochs": 3}, **given}
    )


def test_a_finished_run_and_its_promotion_are_told(heard: list[Event], tmp_path: Path) -> None:
    """With the names of the model and of the deployment, by which an automation chooses; kept ones are no news."""
    result = regression(of(tmp_path, gate={"promote_if": "better"}))
    again = regression(of(tmp_path, gate={"promote_if": "better"}))
    finished, promoted, last = heard
    assert finished.event == last.event == "linear-neuron.run.finished"
    assert promoted.event == "linear-neuron.model.promoted"
    for each in heard:
        assert each.resource.id == "linear-neuron.model.sales"
        assert each.resource.name == "sales"
        assert each.resource["linear-neuron.deployment"] == "nightly"
    assert finished.payload["text"] == result.line
    assert (finished.payload["run"], last.payload["run"]) == (result.run, again.run)
    assert promoted.payload["text"] == (result.decision and result.decision.text)

    # The page's automation starts on the promotion alone, and on that of its deployment alone.
    page = automation("docs/nights.md")
    AutomationCore.model_validate(page)
    trigger = EventTrigger.model_validate(page["trigger"])
    received = [ReceivedEvent.model_validate(each.model_dump()) for each in heard]
    assert [trigger.covers(each) for each in received] == [False, True, False]
    other = page["trigger"] | {"match": {"linear-neuron.deployment": "weekly"}}
    assert not EventTrigger.model_validate(other).covers(received[1])


def test_a_failed_run_is_told_with_its_reason(
    heard: list[Event], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tasks.evaluate.compare", full_disk)
    with pytest.raises(OSError, match="No space left"):
        regression(of(tmp_path))
    (event,) = heard
    assert (event.event, event.resource.id) == ("linear-neuron.run.failed", "linear-neuron.model.sales")
    assert "No space left" in event.payload["text"]
    assert (tmp_path / "runs" / event.payload["run"] / "failure.json").is_file()
