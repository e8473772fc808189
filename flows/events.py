"""What Prefect's automations hear of a run: that a model is there or that there is none, and what the gate decided.

Each event is on the resource `linear-neuron.model.<name>`, which bears the deployment's name as a label. Prefect adds
what it is related to: the flow run, its flow, its deployment, its tags.
"""

from collections.abc import Mapping

from prefect.events import emit_event
from prefect.runtime import deployment

from tasks.outputs.result import Result

# Of the resource; empty where no deployment made the run.
DEPLOYMENT = "linear-neuron.deployment"


def announce(result: Result) -> None:
    """Tell of a finished run, of features that have drifted, and of its model's promotion or rejection."""
    payload: dict[str, object] = {
        "run": result.run,
        "target": result.target,
        "artifacts": str(result.settings.get("artifacts", "")),
        "rmse": result.rmse,
        "text": result.line or "",
    }
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


def emit(event: str, name: str, payload: Mapping[str, object]) -> None:
    """Emit an event `linear-neuron.<event>` on the resource of a name of models."""
    emit_event(
        event=f"linear-neuron.{event}",
        resource={
            "prefect.resource.id": f"linear-neuron.model.{name}",
            "prefect.resource.name": name,
            DEPLOYMENT: str(deployment.name or ""),
        },
        payload=dict(payload),
    )
