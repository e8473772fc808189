"""The gate at the end of a run: the champion on today's test rows, a person's consent, and the final state."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from prefect import State
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from prefect.states import Completed
from pydantic import Field

from tasks.config import Settings, Split
from tasks.neuron.paired import PairedErrors, error_gain, paired_rows, paired_units, squared_errors
from tasks.neuron.smearing import TargetScale
from tasks.outputs import registry, runs
from tasks.outputs.distributions import SAMPLE, drift, drift_text, read_sample
from tasks.outputs.gate import Rival, comparison_of, decide, figures
from tasks.outputs.model import read as read_model
from tasks.outputs.parts import TEST, read_encoding, read_parts
from tasks.outputs.registry import CHALLENGER, CHAMPION, ModelVersion, NamedModel
from tasks.outputs.result import ChampionComparison, ColumnDistribution, Decision, Evaluation, Result, Unit
from tasks.runtime.run import Run
from tasks.split import planned, row_weights
from tasks.table.errors import BadTable, counted
from tasks.table.model import linear
from tasks.table.model.translation import OtherColumns, TranslatedModel, translated
from tasks.table.units import UnitSums

REJECTED = "Rejected"

DRIFT_UNKNOWN = "Drift is not known: the champion's run has left no distributions of its features"

# Seconds that a run waits for a person's answer, a week; Prefect then has it fail. (Its own default is an hour.)
PATIENCE = 7 * 24 * 3600

# Who moves an alias.
GATE, PERSON = "the gate", "a person, in Prefect's UI"


class Consent(RunInput):
    """What a person is asked before a model comes into use."""

    promote: bool = Field(default=True, description="Bring the new model into use.")
    why: str = Field(default="", description="The reason, for the history.")


def asked(run: Run, settings: Settings, evaluation: Evaluation, name: str, folder: str) -> Consent | None:
    """Suspend a deployment's run that would be promoted until a person has said yes or no; None: nobody is asked.

    A run that is resumed begins anew, with the rows of that day. The answer counts for the question that was asked: if
    that has become another one, by other rows or another champion, it is asked anew.
    """
    if settings.gate.approve != "by_hand" or not deployment.id:
        return None
    known = registry.entry(run.root, name, settings.model_dump(mode="json"))
    decision = _by_rule(run, settings, evaluation, known, folder)
    if decision.outcome != "promoted":
        return None
    question = f"{decision.text}\n\nPromote this model of {name!r}?"
    subject = f"{question}\n{evaluation.model.model_dump_json()}"
    return suspend_flow_run(
        wait_for_input=Consent.with_initial_data(description=question),
        key=hashlib.sha256(subject.encode()).hexdigest(),
        timeout=PATIENCE,
    )


def decided(
    run: Run,
    settings: Settings,
    evaluation: Evaluation,
    known: NamedModel,
    folder: str,
    consent: Consent | None,
) -> Decision | None:
    """Decide about a run, under the registry's lock; None where the gate has no settings."""
    if not settings.gate.decides:
        return None
    decision = _by_rule(run, settings, evaluation, known, folder)
    if settings.gate.approve != "by_hand" or decision.outcome != "promoted":
        return decision

    grounds = decision.text.partition(", ")[2] or decision.text
    if consent is None:
        text = f"Kept until a person agrees, by `linear-neuron promote {folder}`: {grounds}"
        return decision.model_copy(update={"outcome": "kept", "waits": True, "text": text})
    reason = f" ({consent.why})" if consent.why else ""
    if not consent.promote:
        text = f"Kept, as a person has refused the promotion{reason}: {grounds}"
        return decision.model_copy(update={"outcome": "kept", "text": text})
    return decision.model_copy(update={"text": f"{decision.text}; a person has agreed{reason}"})


def recorded_decision(known: NamedModel, result: Result, consent: Consent | None) -> NamedModel:
    """Add a run to the versions of its name, and move the aliases as it was decided."""
    known, decision = known.with_run(result.run), result.decision
    if decision is None:
        return known
    by = PERSON if consent and decision.outcome == "promoted" else GATE
    if decision.outcome == "promoted":
        why, grounds = decision.text, figures(result, decision)
        known = known.moved(CHAMPION, result.run, by=by, why=why, figures=grounds)
    if decision.waits:
        return known.moved(CHALLENGER, result.run, by=by, why=decision.text)
    waiting = known.aliases.get(CHALLENGER)
    if waiting and waiting.run == result.run:
        return known.moved(CHALLENGER, None, by=by, why=decision.text)
    return known


def ended(result: Result) -> State[Result]:
    """Return the state in which a run ends, with its line for lists: `Rejected` is Completed too, and no failure."""
    line = result.line
    if result.decision is None:
        return Completed(message=line, data=result)
    message = ". ".join(filter(None, [line and line.rstrip("."), result.decision.text]))
    name = REJECTED if result.decision.outcome == "rejected" else None
    return Completed(name=name, message=message, data=result)


def _by_rule(
    run: Run, settings: Settings, evaluation: Evaluation, known: NamedModel, folder: str
) -> Decision:
    version = _champion_before(known, folder)
    if version is None:
        return decide(settings.gate, evaluation, None)
    past = runs.read(run.root, version.run)
    promoted = past.metrics.test if past else None
    rival = Rival(version, promoted_rmse=promoted.rmse if promoted else None)
    if evaluation.metrics.test is not None:
        rival = _compare(run, settings, evaluation, rival)
    decision = decide(settings.gate, evaluation, rival)
    return decision.model_copy(update=_drift(run, past.distributions if past else []))


def _champion_before(known: NamedModel, folder: str) -> ModelVersion | None:
    """Return the champion that a run meets: for one that is made again, the one before it."""
    champion = known.champion
    if champion is None or champion.run != folder:
        return champion
    return known.former_champion


def _drift(run: Run, champion: Sequence[ColumnDistribution]) -> dict[str, object]:
    """Hold today's training rows against the champion's: what the decision says of it."""
    if not champion:
        return {"drift_text": DRIFT_UNKNOWN}
    parts = run.input_of("evaluate", "parts").only(SAMPLE)
    run.require(parts)
    found = drift(champion, read_sample(parts, run.root))
    return {"drift": found, "drift_text": drift_text(found)}


def _compare(run: Run, settings: Settings, evaluation: Evaluation, rival: Rival) -> Rival:
    """Let the champion and the new model predict today's test rows."""
    try:
        champion = _champion_on_rows(run, rival.version)
    except (OtherColumns, BadTable) as error:
        return replace(rival, obstacle=str(error))

    fitted = read_model(run.input_of("evaluate", "model"), run.root)
    new = TranslatedModel(fitted.weights, fitted.bias, evaluation.smearing)
    named = zip(evaluation.model.weights, champion.weights.tolist(), strict=True)
    rival = replace(rival, weights=dict(named) | {"bias": champion.bias})
    alike = (champion.bias, champion.smearing) == (new.bias, new.smearing)
    if alike and np.array_equal(champion.weights, new.weights):
        return replace(rival, same=True)
    unit = _unit(settings.split)
    # Where the stages are cached, their rows may have stayed in the remote.
    run.require(
        run.input_of("evaluate", "parts").starting_with(TEST)
        if unit == "row"
        else run.input_of("split", "data")
    )
    paired = sum(_paired(run, settings, champion, new, unit), PairedErrors())
    if paired.unknown or not paired.rows:
        return replace(rival, obstacle=f"{counted(paired.unknown, 'row')} without a finite error")
    comparison = _compared(settings, paired, unit)
    return replace(rival, comparison=comparison)


def _unit(split: Split) -> Unit:
    """Return what the split keeps together, by groups, by a key or by time: rows of it may resemble each other."""
    if split.method == "time":
        return "day"
    return "group" if split.by and split.method != "random" else "row"


def _compared(settings: Settings, paired: PairedErrors, unit: Unit) -> ChampionComparison:
    confidence = settings.gate.confidence
    return comparison_of(error_gain(paired, confidence), confidence, paired.rows, paired.units, unit)


def _champion_on_rows(run: Run, version: ModelVersion) -> TranslatedModel:
    """Read the champion, in terms of today's features.

    Raises:
        BadTable: its file is gone or damaged.
        OtherColumns: today's rows lack one of its columns.
    """
    home = runs.folder(run.root, version.run)
    if harm := runs.altered(home, linear.FILE):
        raise BadTable(f"{harm}; restore it from a backup, or promote another run")
    model = linear.read(home / linear.FILE)
    return translated(model, read_encoding(run.input_of("evaluate", "parts"), run.root))


def _paired(
    run: Run, settings: Settings, champion: TranslatedModel, new: TranslatedModel, unit: Unit
) -> Iterator[PairedErrors]:
    """Yield the sums over today's test rows, part by part; rows of a group or a day count as one unit."""
    if unit != "row":
        yield _paired_by_unit(run, settings, champion, new, by_day=unit == "day")
        return
    own = TargetScale(new.smearing)
    for part in read_parts(run.input_of("evaluate", "parts"), run.root, TEST):
        for batch in part.batches():
            old, today = (_predicted(batch.matrix, model) for model in (champion, new))
            yield paired_rows(own.values(batch.target), old, today, batch.weights)


def _paired_by_unit(
    run: Run, settings: Settings, champion: TranslatedModel, new: TranslatedModel, *, by_day: bool
) -> PairedErrors:
    """Sum up the test rows by what the split dealt them by, which the encoded rows no longer have."""
    data, rare = run.input_of("split", "data"), settings.input.min_frequency
    rows, plan = planned(data, settings.split, settings.seed, run.root, min_frequency=rare)
    encoding = read_encoding(run.input_of("evaluate", "parts"), run.root)
    by = settings.split.by
    counted_by = row_weights(rows, settings.split, settings.beside)
    units, totals, unknown, count = UnitSums(by, by_day), np.zeros(2), 0, 0
    columns = [*plan.roles.used, *by, *(counted_by.columns if counted_by else ())]
    for table in rows.tables(list(dict.fromkeys(columns))):
        if plan.rule is None:
            continue
        chosen = table.filter(pa.array(plan.rule.is_test(table)))
        if not chosen.num_rows:
            continue
        errors = _errors(encoding.apply(chosen.select(list(plan.roles.used))), champion, new)
        known = np.isfinite(errors).all(axis=0)
        unknown += int((~known).sum())
        kept = chosen.filter(pa.array(known))
        weights = counted_by.of(kept) if counted_by else None
        some = errors[:, known] if weights is None else errors[:, known] * weights
        totals, count = totals + some.sum(axis=1), count + kept.num_rows
        units.add({name: kept[name] for name in by}, some[0] - some[1], weights)
    first, second = totals.tolist()
    return paired_units(*units.arrays(), first, second, unknown, count if counted_by else None)


def _predicted(matrix: NDArray[np.float64], model: TranslatedModel) -> NDArray[np.float64]:
    """Return a model's predictions (m,) for encoded rows (m, d), in the target's own units."""
    return TargetScale(model.smearing).predictions(matrix @ model.weights + model.bias)


def _errors(rows: pa.Table, champion: TranslatedModel, new: TranslatedModel) -> NDArray[np.float64]:
    """Return the squared errors (2, m) of both models over encoded rows, the target last."""
    *features, target = (column.to_numpy().astype(np.float64) for column in rows.columns)
    matrix, actual = np.stack(features).T, TargetScale(new.smearing).values(target)
    return np.stack([squared_errors(actual, _predicted(matrix, model)) for model in (champion, new)])
