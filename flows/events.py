"""What Prefect's automations hear of a run: that a model is there or that there is none, and what the gate decided.

Each event is on the resource `linear-neuron.model.<name>`, which bears the deployment's name as a label. Prefect adds
what it is related to: the flow run, its flow, its deployment, its tags.
"""

from collections.abc import Mapping

from prefect.client.orchestration import get_client
from prefect.events import Event, Resource, emit_event
from prefect.runtime import deployment

from tasks.outputs.result import Result

# Seconds in which the server must answer.
ANSWER = 10.0

# Of the resource; empty where no deployment made the run.
DEPLOYMENT = "linear-neuron.deployment"


def announce(result: Result) -> None:
    """Tell of a finished run, of features that have drifted, and of its model's promotion or rejection."""
    payload = _facts(result)
    emit("run.finished", str(result.name), payload)

    decision = result.decision
    if decision is None:
        return
    if decision.drifted:
        psi = {each.name: each.psi for each in decision.drifted}
        drift = {"text": decision.drift_text, "psi": psi, "champion": decision.champion}
        emit("model.drifted", str(result.name), payload | drift)
    if decision.outcome != "kept":
        emit(f"model.{decision.outcome}", str(result.name), payload | {"text": decision.text})


def announce_failure(name: str, run: str, reason: str, artifacts: str) -> None:
    """Tell that a run left no model, and why in one line."""
    emit("run.failed", name, {"run": run, "artifacts": artifacts, "text": reason})


def announce_champion(result: Result, text: str) -> None:
    """Tell that a person has brought a run into use: at once, as there is no flow run that would do so at its end.

    Args:
        result: of the run that is the champion now.
        text: who did so, and why, in one line.

    Raises:
        httpx.HTTPError: Prefect's server does not answer.
    """
    name = str(result.name)
    event = Event(
        event="linear-neuron.model.promoted",
        resource=Resource.model_validate(_resource(name)),
        payload=_facts(result) | {"text": text},
    )
    with get_client(sync_client=True, httpx_settings={"timeout": ANSWER}) as client:
        client.request("POST", "/events", json=[event.model_dump(mode="json")])


def _facts(result: Result) -> dict[str, object]:
    return {
        "run": result.run,
        "target": result.target,
        "artifacts": str(result.settings.get("artifacts", "")),
        "rmse": result.rmse,
        "text": result.line or "",
    }


def _resource(name: str) -> dict[str, str]:
    return {
        "prefect.resource.id": f"linear-neuron.model.{name}",
        "prefect.resource.name": name,
        DEPLOYMENT: str(deployment.name or ""),
    }


def emit(event: str, name: str, payload: Mapping[str, object]) -> None:
    """Emit an event `linear-neuron.<event>` on the resource of a name of models."""
    emit_event(event=f"linear-neuron.{event}", resource=_resource(name), payload=dict(payload))
