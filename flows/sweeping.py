"""The flow `sweep`: train with every combination of some settings, and compare them by folds of the training rows."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from prefect import flow, tags
from prefect.artifacts import create_table_artifact
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic import JsonValue

from flows.failing import hide_tracebacks
from flows.regression import parts_of
from tasks.config import Settings, SweepPlan
from tasks.fold import fold
from tasks.neuron.recipe import Diverged
from tasks.outputs import validation
from tasks.outputs.parts import read_facts, training_part
from tasks.outputs.registry import claimed_name
from tasks.outputs.validation import Candidate, Sweep
from tasks.runtime.run import Run
from tasks.store.artifact import Artifact
from tasks.store.folders import store_root
from tasks.store.leases import lease
from tasks.store.remote import using
from tasks.table.errors import quoted
from tasks.train import train
from tasks.validate import validate

SIDE_BY_SIDE: Any = ThreadPoolTaskRunner(max_workers=os.cpu_count())


# Validated inside, as the regression's parameters are.
@flow(name="sweep", persist_result=False, validate_parameters=False, task_runner=SIDE_BY_SIDE)
def sweep(plan: SweepPlan) -> Sweep:
    """Compare the combinations by folds of the training rows; what was trained before is taken from the cache.

    Args:
        plan: The settings, the values to try, and the number of folds.

    Returns:
        The candidates, the one with the least validation error first. The test rows are not looked at.

    Raises:
        Diverged: every candidate did.
    """
    plan = SweepPlan.model_validate(plan)
    settings = plan.settings
    root = store_root(settings.artifacts)
    name = claimed_name(root, settings.model_dump(mode="json"))
    hide_tracebacks()
    with using(settings.remote), lease(root) as held, tags(name):
        run = Run(root, held)
        parts = parts_of(run, settings)
        rows = training_part(parts)
        folds = run.each(fold, "number", range(plan.folds), rows=rows, folds=plan.folds)
        found = _compared(run, plan, folds)
        result = Sweep(
            name=name,
            target=read_facts(parts).target,
            folds=plan.folds,
            candidates=found,
            notes=[*fold_notes(settings)],
        )

    create_table_artifact(
        [_record(each) for each in found],
        key=f"{name}-sweep",
        description=f"Validation RMSE of {result.target} by {plan.folds} folds of the training rows.",
    )
    return result


def _compared(run: Run, plan: SweepPlan, folds: Sequence[Artifact]) -> list[Candidate]:
    """Train every candidate on every fold, and sort them by their errors; one that diverges is the last."""
    every = plan.candidates()
    trained: list[tuple[Settings, list[Artifact]]] = []
    refused: list[tuple[Settings, Diverged]] = []
    for each in every:
        calls = [
            {"rows": training_part(held), "training": each.training, "seed": each.seed} for held in folds
        ]
        try:
            trained.append((each, run.every(train, calls)))
        except Diverged as error:
            refused.append((each, error))
    if not trained:
        raise refused[0][1]

    models = [model for _, its in trained for model in its]
    scores = run(validate, models=models, folds=[held.starting_with("test") for held in folds])
    run.require(scores)
    errors = validation.read(scores, run.root)
    scored = sorted(zip(trained, errors, strict=True), key=lambda pair: pair[1].rmse)
    return [
        *(Candidate(training=_tried(plan, each), error=error) for (each, _), error in scored),
        *(Candidate(training=_tried(plan, each), error=None, refused=str(error)) for each, error in refused),
    ]


def best_settings(plan: SweepPlan, found: Sweep) -> Settings:
    """Return the settings of the candidate with the least error."""
    best = found.candidates[0].training
    return next(each for each in plan.candidates() if _tried(plan, each) == best)


def fold_notes(settings: Settings) -> Iterator[str]:
    """Say where the folds do not keep together what the split does."""
    by = settings.split.by
    if settings.split.method in {"time", "group"}:
        yield (
            f"the folds are dealt row by row, not by {', '.join(map(quoted, by))}: if rows that share it resemble each "
            "other, all errors here are too small"
        )


def _record(candidate: Candidate) -> dict[str, JsonValue]:
    """Return a row of the table in Prefect's UI."""
    error = candidate.error
    figures: dict[str, JsonValue] = {"RMSE": candidate.refused}
    if error:
        figures = {"RMSE": error.rmse, "from": error.low, "to": error.high}
    return {**candidate.training, **figures}


def _tried(plan: SweepPlan, settings: Settings) -> dict[str, JsonValue]:
    values = settings.training.model_dump(mode="json")
    return {name: values[name] for name in plan.training}
