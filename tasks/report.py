"""Stage `report`: draw the figures. The pages that show them are new in every run, see `flows/publishing.py`."""

from pathlib import Path

from tasks.outputs import figures as figures_left
from tasks.outputs import scores as scores_of
from tasks.outputs.distributions import distributions, read_sample
from tasks.outputs.model import read_facts, read_loss
from tasks.outputs.parts import read_profile
from tasks.page.figures.plot import PlotData
from tasks.page.profile import profiled
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish

MOST_PREDICTIONS = 100_000  # that are drawn


@stage
def report(scores: Artifact, model: Artifact, parts: Artifact, root: Path) -> Artifact:
    """Draw the report's figures; see `tasks.outputs.figures`.

    Reads the evaluation, the predictions, the loss, and the profile and a sample of the training rows. What the report
    says about the run itself, such as its stages and its name, is written in `flows/publishing.py`, as it is new in
    every run. Runs again when one of these inputs or this code changes.
    """
    # Matplotlib takes a second to import: only a report that is really drawn pays for it.
    from tasks.page.figures.catalogue import draw_all

    evaluation = scores_of.read(scores, root)
    rows = read_profile(parts, root)
    columns = profiled([*evaluation.model.weights, evaluation.fitted], rows)
    drawn = draw_all(
        PlotData(
            evaluation=evaluation,
            predictions=scores_of.read_predictions(scores, root, MOST_PREDICTIONS),
            loss=read_loss(model, root),
            rows=rows,
            columns=columns,
            bias=read_facts(model).bias,
        )
    )

    with draft(root) as folder:
        figures_left.write(folder, drawn, columns, distributions(read_sample(parts, root)))
        return publish(folder, root, "report")
