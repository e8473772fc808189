"""Stage `report`: draw the figures; and, in every run anew, the pages that show them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.neuron.influence import influence, residual_deviation
from tasks.neuron.least_squares import solve_moments
from tasks.neuron.profile import TableProfile
from tasks.outputs import figures as figures_left
from tasks.outputs import scores as scores_of
from tasks.outputs.model import read_facts, read_loss
from tasks.outputs.parts import read_profile
from tasks.outputs.result import Evaluation, Figure
from tasks.page.coefficients import coefficients
from tasks.page.profile import profiled
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish

MOST_PREDICTIONS = 100_000  # that are drawn where they come in many files

Drawn = tuple[bytes, Figure]


@stage
def report(scores: Artifact, model: Artifact, parts: Artifact, root: Path) -> Artifact:
    """Draw the report's figures; see `tasks.outputs.figures`.

    Reads the evaluation, the predictions, the loss and the profile of the training rows. What the report says about the
    run itself, such as its stages and its name, is written in `flows/publishing.py`, as it is new in every run. Runs
    again when one of these inputs or this code changes.
    """
    # Matplotlib takes a second to import: only a report that is really drawn pays for it.
    from tasks.page import captions, effects, figures

    findings = scores_of.read(scores, root)
    pairs = scores_of.read_predictions(scores, root, MOST_PREDICTIONS)
    loss = read_loss(model, root)
    looked = read_profile(parts, root)
    columns = profiled([*findings.model.weights, findings.target], looked)
    found = effects.effects(coefficients(findings), columns)
    baseline = findings.baseline.train.rmse**2
    drawn: list[Drawn] = [
        *([(effects.coefficient_plot(found), effects.coefficient_figure(found))] if found else []),
        (
            figures.predicted_against_actual(findings.target, pairs),
            captions.predictions_figure(findings, pairs),
        ),
        *_diagnostics(findings, looked, bias=read_facts(model).bias),
        (figures.loss_curve(loss, baseline), captions.loss_figure(loss, baseline)),
    ]
    with draft(root) as folder:
        figures_left.write(folder, drawn, columns)
        return publish(folder, root, "report")


def _diagnostics(findings: Evaluation, looked: TableProfile, *, bias: bool) -> Iterator[Drawn]:
    """Draw the diagnostic plots, unless there is no degree of freedom, or nothing that the fit misses."""
    from tasks.page import diagnostics

    reference = solve_moments(looked.moments, bias=bias)
    train = findings.metrics.train
    found = influence(
        reference,
        features=looked.sample.matrix,
        targets=looked.sample.target,
        weights=np.array(list(findings.model.weights.values())),
        bias=findings.model.bias,
        deviation=residual_deviation(train.rmse, train.rows, reference.parameters),
    )
    if diagnostics.drawable_rows(found).any():
        png = diagnostics.diagnostic_plots(findings.target, found, reference.parameters)
        yield png, diagnostics.diagnostic_figure(found, train.rows)
