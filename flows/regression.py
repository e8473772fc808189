"""The flow: generate | ingest → split → train → evaluate → report.

Prefect may load this file by its path: it holds no class, and imports everything from the repository's root.
"""

import os
from typing import Any, cast

from prefect import flow, tags
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner

from flows.deciding import announce, ended
from flows.failing import failing_visibly
from flows.form import DEFAULT, FormSettings
from flows.publishing import publish, run_folder
from tasks.config import Settings
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.ingest import ingest
from tasks.outputs.parts import training_part
from tasks.outputs.registry import claimed_name
from tasks.outputs.result import Result
from tasks.repeats import repeats
from tasks.report import report
from tasks.runtime.dry_run import DryRun
from tasks.runtime.run import Run
from tasks.runtime.spreading import working
from tasks.runtime.user_table import table_of
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.folders import store_root
from tasks.store.leases import lease
from tasks.store.remote import using
from tasks.train import train

# Runs what `Run.each` calls: the trainings of several seeds.
SIDE_BY_SIDE: Any = ThreadPoolTaskRunner(max_workers=os.cpu_count())


def _flow_run_name() -> str:
    """Name the flow run by what is modelled and by the run's folder; what cannot be read, the run itself will say."""
    try:
        settings = Settings.model_validate(flow_run.parameters.get("settings", {}))
        name = claimed_name(store_root(settings.artifacts), settings.model_dump(mode="json"))
    except ValueError:
        return f"refused-{run_folder()}"
    return f"{name}-{run_folder()}"


# Validated inside: of parameters that it refuses itself Prefect logs the values, credentials in an address included.
@flow(
    name="regression",
    flow_run_name=_flow_run_name,
    persist_result=False,
    validate_parameters=False,
    task_runner=SIDE_BY_SIDE,
)
def regression(settings: FormSettings = DEFAULT) -> Result:
    """Fit a linear regression with a single-layer neural network; stages that nothing has changed for are cached.

    Args:
        settings: What to fit, how, and where the files go.

    Returns:
        What `result.json` of the run holds. The state of a run that the gate rejects is Completed, named `Rejected`.
    """
    settings = Settings.model_validate(settings)
    root = store_root(settings.artifacts)
    name = claimed_name(root, settings.model_dump(mode="json"))
    with (
        using(settings.remote),
        working(settings.execution),
        lease(root) as held,
        tags(name),
        failing_visibly(run := Run(root, held), settings, name),
    ):
        result = publish(run, settings, name, *stages(run, settings))
    announce(result)
    # Prefect's lists of runs show the state's message; whoever calls the flow gets the state's data, the result.
    return cast("Result", ended(result))


def stages(call: Run | DryRun, settings: Settings) -> tuple[Artifact, Artifact, Artifact | None]:
    """Call the stages in order, each with what it reads.

    Returns:
        The scores, the report's figures and, of several trainings, how they compare.
    """
    if settings.input.data is None:
        data = call(generate, problem=settings.problem, seed=settings.seed)
    else:
        data = call(ingest, table=table_of(settings.input, settings.columns_beside, call.root))
    cluster = settings.inference.cluster
    rare = settings.input.min_frequency
    dealt = {"options": settings.split, "seed": settings.seed, "cluster": cluster, "min_frequency": rare}
    parts = call(split, data=data, **dealt)
    seeds = list(range(settings.seed, settings.seed + settings.repeats))
    models = call.each(train, "seed", seeds, rows=training_part(parts), training=settings.training)
    scores = call(evaluate, model=models[0], parts=parts, inference=settings.inference)
    figures = call(report, scores=scores, model=models[0], parts=parts)
    if len(models) == 1:
        return scores, figures, None
    given = {"seeds": seeds, "scores": scores, "parts": parts, "training": settings.training}
    return scores, figures, call(repeats, models=models, **given)
