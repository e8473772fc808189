"""The flow: generate | ingest → split → train → evaluate → report.

Prefect may load this file by its path: it holds no class, and imports everything from the repository's root.
"""

from collections.abc import Callable
from pathlib import Path

from prefect import flow

from flows.failing import failing_visibly
from flows.publishing import publish
from tasks.config import Settings
from tasks.evaluate import evaluate
from tasks.generate import generate
from tasks.ingest import ingest, table_of
from tasks.page.result import Result
from tasks.report import report
from tasks.running import Run
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.leases import lease
from tasks.train import train


@flow(name="regression", persist_result=False)
def regression(settings: Settings = Settings()) -> Result:  # noqa: B008 - frozen, so one instance serves all calls
    """Fit a linear regression with a single-layer neural network; stages that nothing has changed for are cached.

    Args:
        settings: what to fit, how, and where the files go.

    Returns:
        What `result.json` of the run holds.
    """
    root = Path(settings.artifacts).resolve()
    with lease(root) as held, failing_visibly(run := Run(root, held), settings):
        scores, figures = stages(run, settings)
        return publish(run, settings, scores, figures)


def stages(call: Callable[..., Artifact], settings: Settings) -> tuple[Artifact, Artifact]:
    """Call the five stages in order, each with what it reads; return the scores and the report's figures."""
    if settings.input.data is None:
        data = call(generate, problem=settings.problem, seed=settings.seed)
    else:
        data = call(ingest, table=table_of(settings.input))
    parts = call(split, data=data, options=settings.split, seed=settings.seed)
    model = call(train, rows=parts.starting_with("train"), training=settings.training, seed=settings.seed)
    scores = call(evaluate, model=model, parts=parts)
    return scores, call(report, scores=scores, model=model, parts=parts)


if __name__ == "__main__":
    from flows.cli import main

    raise SystemExit(main())
