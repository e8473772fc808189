"""The flow: generate | ingest → split → train → evaluate → report.

Prefect may load this file by its path: it holds no class, and imports everything from the repository's root.
"""

import os
from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from flows.failing import failing_visibly
from flows.form import DEFAULT, FormSettings
from flows.publishing import publish
from tasks.config import Settings
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.ingest import ingest
from tasks.outputs.parts import training_part
from tasks.outputs.result import Result
from tasks.repeats import repeats
from tasks.report import report
from tasks.runtime.dry_run import DryRun
from tasks.runtime.run import Run
from tasks.runtime.user_table import table_of
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.folders import store_root
from tasks.store.leases import lease
from tasks.store.remote import using
from tasks.train import train

# Runs what `Run.each` calls: the trainings of several seeds.
SIDE_BY_SIDE: Any = ThreadPoolTaskRunner(max_workers=os.cpu_count())


# Validated inside: of parameters that it refuses itself Prefect logs the values, credentials in an address included.
@flow(name="regression", persist_result=False, validate_parameters=False, task_runner=SIDE_BY_SIDE)
def regression(settings: FormSettings = DEFAULT) -> Result:
    """Fit a linear regression with a single-layer neural network; stages that nothing has changed for are cached.

    Args:
        settings: What to fit, how, and where the files go.

    Returns:
        What `result.json` of the run holds.
    """
    settings = Settings.model_validate(settings)
    root = store_root(settings.artifacts)
    with using(settings.remote), lease(root) as held, failing_visibly(run := Run(root, held), settings):
        return publish(run, settings, *stages(run, settings))


def stages(call: Run | DryRun, settings: Settings) -> tuple[Artifact, Artifact, Artifact | None]:
    """Call the stages in order, each with what it reads.

    Returns:
        The scores, the report's figures and, of several trainings, how they compare.
    """
    if settings.input.data is None:
        data = call(generate, problem=settings.problem, seed=settings.seed)
    else:
        data = call(ingest, table=table_of(settings.input, settings.split.by, call.root))
    parts = call(split, data=data, options=settings.split, seed=settings.seed)
    seeds = list(range(settings.seed, settings.seed + settings.repeats))
    models = call.each(train, "seed", seeds, rows=training_part(parts), training=settings.training)
    scores = call(evaluate, model=models[0], parts=parts)
    figures = call(report, scores=scores, model=models[0], parts=parts)
    if len(models) == 1:
        return scores, figures, None
    given = {"seeds": seeds, "scores": scores, "parts": parts, "training": settings.training}
    return scores, figures, call(repeats, models=models, **given)
