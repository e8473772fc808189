"""What Prefect's automations hear of a run: that a model is there or that there is none, and what the gate decided.

Each event is on the resource `linear-neuron.model.<name>`, which bears the deployment's name as a label. Prefect adds
what it is related to: the flow run, its flow, its deployment, its tags.
"""

from prefect.events import emit_event
from prefect.runtime import deployment

from tasks.outputs.result import Result

# Of the resource; empty where no deployment made the run.
DEPLOYMENT = "linear-neuron.deployment"


def announce(result: Result) -> None:
    """Tell of a finished run, of features that have drifted, and of the promotion or the rejection of its model."""
    name, decision = str(result.name), result.decision
    told = {
        "run": result.run,
        "target": result.target,
        "artifacts": str(result.settings.get("artifacts", "")),
        "rmse": result.rmse,
    }
    _emit("run.finished", name, told | {"text": result.line or ""})
    if decision is None:
        return
    if decision.drifted:
        psi = {each.name: each.psi for each in decision.drifted}
        drift = {"text": decision.drift_text, "psi": psi, "champion": decision.champion}
        _emit("model.drifted", name, told | drift)
    if decision.outcome != "kept":
        _emit(f"model.{decision.outcome}", name, told | {"text": decision.text})


def announce_failure(name: str, run: str, reason: str, artifacts: str) -> None:
    """Tell that a run left no model, and why in one line."""
    _emit("run.failed", name, {"run": run, "artifacts": artifacts, "text": reason})


def _emit(event: str, name: str, payload: dict[str, object]) -> None:
    emit_event(
        event=f"linear-neuron.{event}",
        resource={
            "prefect.resource.id": f"linear-neuron.model.{name}",
            "prefect.resource.name": name,
            DEPLOYMENT: str(deployment.name or ""),
        },
        payload=payload,
    )
