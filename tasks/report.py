"""Stage `report`: draw the figures; and, in every run anew, the pages that show them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tasks.page.result import Findings
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet
from tasks.store.writing import draft, publish

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


@stage
def report(scores: Artifact, model: Artifact, root: Path) -> Artifact:
    """Draw the report's figures from `metrics.json`, `predictions.parquet` and `history.parquet`, one PNG each.

    What is said about a run, as its stages and its name, is not here but in `flows/publishing.py`: it is new in every
    run. Runs again when the predictions, the history or this code changes.
    """
    # Matplotlib takes a second to import: only a report that is really drawn pays for it.
    from tasks.page import figures

    findings = Findings.model_validate_json(scores.path(root, "metrics.json").read_bytes())
    pairs = _pairs(scores.path(root, "predictions.parquet"))
    loss = read_parquet(model.path(root, "history.parquet")).column("loss").to_numpy()
    drawn = {
        "predicted_against_actual": figures.predicted_against_actual(findings.target, pairs),
        "residuals": figures.residuals(findings.target, pairs),
        "loss_curve": figures.loss_curve(loss, findings.baseline.train.rmse**2),
    }
    with draft(root) as folder:
        for name, png in drawn.items():
            (folder / f"{name}.png").write_bytes(png)
        return publish(folder, root, "report")


def _pairs(path: Path) -> Mapping[str, Pair]:
    table = read_parquet(path)
    part = table.column("part").to_numpy()
    actual, predicted = table.column("actual").to_numpy(), table.column("predicted").to_numpy()
    return {name: (actual[part == name], predicted[part == name]) for name in dict.fromkeys(part)}
