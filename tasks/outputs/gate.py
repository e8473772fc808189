"""The gate: whether a run comes into use, in place of the model that is in use now.

Every case has its outcome. A run that breaks a bound is rejected. One that keeps all is promoted if its name has no
champion, or if it meets `promote_if` against the champion on the same rows. Otherwise the champion is kept; so too
where the two cannot be compared, since no one knows then whether the change would be for the better.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.config import Gate
from tasks.neuron.paired import ErrorGain
from tasks.outputs.registry import ModelVersion
from tasks.outputs.result import ChampionComparison, Decision, Evaluation, Outcome, Unit
from tasks.table.errors import counted


@dataclass(frozen=True, slots=True)
class Rival:
    """The champion as the gate meets it.

    Attributes:
        version: Which it is.
        weights: Its weights for today's features, and its `bias`; None where it cannot be used on today's rows.
        promoted_rmse: Its test RMSE when it was trained, where that is known.
        comparison: How it does on today's test rows beside the new model.
        obstacle: Why there is no comparison; empty where there is one.
        same: Whether it is the new model itself, number by number.
    """

    version: ModelVersion
    weights: dict[str, float] | None = None
    promoted_rmse: float | None = None
    comparison: ChampionComparison | None = None
    obstacle: str = ""
    same: bool = False


def decide(gate: Gate, run: Evaluation, rival: Rival | None) -> Decision:
    """Decide about a run; `rival` is None where its name has no champion."""
    outcome, text = _outcome(gate, run, rival)
    return Decision(
        outcome=outcome,
        text=text,
        champion=rival.version.run if rival else None,
        champion_version=rival.version.number if rival else None,
        champion_weights=rival.weights if rival else None,
        promoted_rmse=rival.promoted_rmse if rival else None,
        comparison=rival.comparison if rival else None,
    )


def comparison_of(
    found: ErrorGain, confidence: float, rows: int, units: int, unit: Unit
) -> ChampionComparison:
    """Record a comparison; ends of the interval that are not known are None."""
    return ChampionComparison(
        champion_rmse=found.first,
        rmse=found.second,
        low=found.low if math.isfinite(found.low) else None,
        high=found.high if math.isfinite(found.high) else None,
        confidence=confidence,
        method=found.method,
        rows=rows,
        units=units,
        unit=unit,
    )


def figures(run: Evaluation, decision: Decision) -> dict[str, float]:
    """Return the figures of a decision for the history, by name."""
    test, comparison = run.metrics.test, decision.comparison
    named: dict[str, float | None] = {
        "rmse": test.rmse if test else None,
        "mae": test.mae if test else None,
        "r2": test.r2 if test else None,
        "champion_rmse": comparison.champion_rmse if comparison else None,
        "gain_low": comparison.low if comparison else None,
        "gain_high": comparison.high if comparison else None,
    }
    return {name: value for name, value in named.items() if value is not None}


def _outcome(gate: Gate, run: Evaluation, rival: Rival | None) -> tuple[Outcome, str]:
    if run.metrics.test is None:
        return "kept", "No test rows were held out, so nothing can be decided; raise `test_fraction`"
    if broken := list(_broken(gate, run)):
        return "rejected", f"Rejected: {', and '.join(broken)}"
    if gate.promote_if is None:
        return "kept", "All bounds are kept; nothing is promoted by itself, since `promote_if` is not set"
    return _beside(gate, rival)


def _beside(gate: Gate, rival: Rival | None) -> tuple[Outcome, str]:
    """Decide about a run that keeps all bounds."""
    if rival is None:
        return "promoted", "Promoted: the first model of this name that keeps all bounds"
    if rival.same:
        return "kept", f"Kept: the fit is the champion itself, version {rival.version.number}"
    if rival.comparison is None:
        return "kept", (
            f"Kept: the champion, version {rival.version.number}, cannot be compared on today's rows: "
            f"{rival.obstacle}; to replace it nevertheless, `linear-neuron promote`"
        )
    return _compared(gate, rival.comparison, rival.version.number)


def _broken(gate: Gate, run: Evaluation) -> Iterator[str]:
    """Yield the bounds that a run breaks."""
    test = run.metrics.test
    if test is None:
        return
    for name, value, most in (("RMSE", test.rmse, gate.max_rmse), ("MAE", test.mae, gate.max_mae)):
        if most is not None and not value <= most:
            yield f"the test {name} of {value:.4g} is above the {most:.4g} of `max_{name.lower()}`"
    if gate.min_r2 is not None and test.r2 is None:
        yield f"R² is undefined, as the target is constant in the test rows; `min_r2` asks for {gate.min_r2:.4g}"
    elif gate.min_r2 is not None and test.r2 is not None and not test.r2 >= gate.min_r2:
        yield f"the test R² of {test.r2:.4g} is below the {gate.min_r2:.4g} of `min_r2`"
    if gate.require_verdict and not run.verdict.converged:
        yield "the fit is not indistinguishable from least squares, which `require_verdict` asks for"


def _compared(gate: Gate, found: ChampionComparison, number: int) -> tuple[Outcome, str]:
    measured = (
        f"on the same {counted(found.rows, 'test row')} the RMSE is {found.rmse:.4g} against the "
        f"{found.champion_rmse:.4g} of the champion, version {number}"
    )
    if found.low is None:
        return "kept", f"Kept: {measured}, but there are too few {found.unit}s to tell that from chance"

    is_better = gate.promote_if == "better"
    wanted = "better" if is_better else "not worse"
    wanted += f" by more than {gate.margin:.3g}" if gate.margin else ""
    gain, high = found.champion_rmse - found.rmse, math.inf if found.high is None else found.high
    measured += (
        f": a gain of {gain:.3g} ({100 * found.confidence:g} % interval {found.low:.3g} to {high:.3g})"
    )
    if found.low > (gate.margin if is_better else -gate.margin):
        return "promoted", f"Promoted, as {wanted} beyond chance: {measured}"
    return "kept", f"Kept, as not surely {wanted}: {measured}"
