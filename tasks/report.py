"""Stage `report`: draw the figures; and, in every run anew, the pages that show them."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from tasks.neuron.profile import profile
from tasks.outputs.parts import RowsPart
from tasks.outputs.result import Evaluation, ReportFigures
from tasks.page.figures.plot import Pair, PlotData
from tasks.page.profile import profiled
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet
from tasks.store.parts import ParquetPart, paths_of
from tasks.store.writing import draft, publish

EXHIBITS = "exhibits.json"
MOST_ROWS = 5000
"""Training rows that the diagnostic plots show."""

MOST_PREDICTIONS = 100_000
"""Predictions that are drawn where they come in many files."""


@stage
def report(scores: Artifact, model: Artifact, parts: Artifact, root: Path) -> Artifact:
    """Draw the report's figures, one PNG each, and say in `exhibits.json` what they show and what the data hold.

    Reads `metrics.json`, `predictions.parquet`, `history.parquet` and, in one pass, the training rows. What is said
    about a run, as its stages and its name, is not here but in `flows/publishing.py`: it is new in every run. Runs
    again when one of these files or this code changes.
    """
    # Matplotlib takes a second to import: only a report that is really drawn pays for it.
    from tasks.page.figures.catalogue import draw_all

    evaluation = Evaluation.model_validate_json(scores.path(root, "metrics.json").read_bytes())
    rows = profile([RowsPart(ParquetPart(path)) for path in paths_of(parts, root, "train")], MOST_ROWS)
    columns = profiled([*evaluation.model.weights, evaluation.target], rows)
    drawn = draw_all(
        PlotData(
            evaluation=evaluation,
            predictions=_pairs(scores, root),
            loss=read_parquet(model.path(root, "history.parquet")).column("loss").to_numpy(),
            rows=rows,
            columns=columns,
            bias=bool(model.facts["bias"]),
        )
    )
    with draft(root) as folder:
        for png, figure in drawn:
            (folder / figure.file).write_bytes(png)
        told = ReportFigures(figures=[figure for _, figure in drawn], profile=columns)
        (folder / EXHIBITS).write_text(told.model_dump_json(indent=1), encoding="utf-8")
        return publish(folder, root, "report")


def _pairs(scores: Artifact, root: Path) -> Mapping[str, Pair]:
    """Return actual and predicted values by part of the rows: all of them, or of many files as many as are drawn.

    `split` leaves the rows of many files in random order, so the first ones of each file are a random sample.
    """
    paths = paths_of(scores, root, "predictions")
    if len(paths) == 1:
        table = read_parquet(paths[0])
    else:
        share = -(-MOST_PREDICTIONS // len(paths))
        table = pa.concat_tables(
            pa.Table.from_batches([next(ParquetPart(path).tables())[:share]]) for path in paths
        )
    part = table.column("part").to_numpy()
    actual, predicted = table.column("actual").to_numpy(), table.column("predicted").to_numpy()
    return {name: (actual[part == name], predicted[part == name]) for name in dict.fromkeys(part)}
