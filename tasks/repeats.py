"""Stage `repeats`: hold trainings that differ by their seed alone against each other, and against theory."""

import math
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tasks.config import Training
from tasks.neuron.moments import Array
from tasks.neuron.seed_variance import calibrated_risk, tutorial_covariance
from tasks.outputs import repeats as repeats_left
from tasks.outputs.model import read as read_model
from tasks.outputs.parts import TEST, TRAIN, RowsPart, read_parts
from tasks.outputs.result import Evaluation, Repeats, Spread
from tasks.outputs.scores import read as read_scores
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish

if TYPE_CHECKING:
    import pandas as pd

# Training rows from which the tutorial's wobble is predicted: fourth moments, to a few per cent.
SAMPLE = 4096
# Predictions that are looked at together: 32 MiB.
VALUES = 2**22


@stage
def repeats(
    models: list[Artifact],
    seeds: list[int],
    scores: Artifact,
    parts: Artifact,
    training: Training,
    root: Path,
) -> Artifact:
    """Score N trainings on the same rows in one pass; leave `repeats.parquet` and `repeats.json`.

    The table has a row per seed: `seed`, `weight NAME` for each feature, `bias`, `RMSE train` and `RMSE test`. The
    other file has mean, standard deviation, least and greatest of each, beside what is expected: of the weights least
    squares and the spread that theory predicts for the recipe. Runs again when a model, a part or this code changes.
    """
    import pandas as pd  # a third of a second, which only a run with repeats should pay

    findings = read_scores(scores, root)
    fitted = np.array([_parameters(model, root) for model in models])
    reference = np.array([*findings.least_squares.weights.values(), findings.least_squares.bias])
    errors = {
        name: _rmse(read_parts(parts, root, name), np.vstack([fitted, reference]))
        for name in (TRAIN, TEST)
        if name == TRAIN or findings.metrics.test
    }
    names = [*(f"weight {name}" for name in findings.model.weights), "bias"]
    table = pd.DataFrame(fitted, columns=names, index=pd.Index(seeds, name="seed"))
    for name, found in errors.items():
        table[f"RMSE {name}"] = found[:-1]
    first = read_parts(parts, root, TRAIN)[0]
    deviations, excess = _expected(findings, training, first, errors[TRAIN][-1] ** 2)
    expected = [
        *zip(reference, deviations, strict=True),
        *((np.sqrt(found[-1] ** 2 + excess), math.nan) for found in errors.values()),
    ]
    with draft(root) as folder:
        spreads = [
            _spread(column, *beside) for (_, column), beside in zip(table.items(), expected, strict=True)
        ]
        weights, bias, rmse = spreads[: len(names) - 1], spreads[len(names) - 1], spreads[len(names) :]
        summary = Repeats(
            seeds=seeds,
            weights=dict(zip(findings.model.weights, weights, strict=True)),
            bias=bias if training.bias else None,
            rmse=dict(zip(errors, rmse, strict=True)),
        )
        rows = pa.Table.from_pandas(table.reset_index(), preserve_index=False)
        repeats_left.write(folder, rows, summary)
        return publish(folder, root, "repeats")


def _parameters(model: Artifact, root: Path) -> list[float]:
    """Return a model's weights and, last, its bias."""
    fitted = read_model(model, root)
    return [*fitted.weights.tolist(), fitted.bias]


def _rmse(parts: Sequence[RowsPart], parameters: Array) -> Array:
    """Return the RMSE (N,) over all rows of N parameter vectors, parameters (N, d + 1) with the bias last."""
    count, squares = 0.0, np.zeros(len(parameters))
    together = max(1, VALUES // len(parameters))
    for batch in chain.from_iterable(part.batches() for part in parts):
        for start in range(0, batch.rows, together):
            some = batch.cut(start, start + together)
            gaps = parameters[:, :-1] @ some.matrix.T + parameters[:, -1:] - some.target
            squares += np.sum(gaps**2, axis=1) if some.weights is None else gaps**2 @ some.weights
        count += batch.rows if batch.weights is None else float(batch.weights.sum())
    return np.sqrt(squares / count)


def _expected(findings: Evaluation, training: Training, part: RowsPart, mse: float) -> tuple[Array, float]:
    """Return how far theory expects the weights and the bias from least squares, and what that costs.

    Args:
        findings: about the first of the trainings.
        training: the settings of all of them.
        part: training rows, in random order where they are many.
        mse: mean squared error of least squares on the training rows.

    Returns:
        (d + 1,) standard deviations, the bias's last, NaN where nothing is known; and the rise of the mean squared
        error on the training rows.
    """
    reference, rows = findings.least_squares, findings.metrics.train.rows
    batch, parameters = min(training.batch_size, rows), findings.model.parameters
    if training.recipe == "calibrated":
        # A closing full-batch epoch lands on least squares, whatever the seed.
        closed = findings.verdict.D_before is not None
        risk = 0.0 if closed else calibrated_risk(findings.learning_rate, rows, batch, training.epochs)
        errors = [reference.standard_errors.get(name) for name in [*reference.weights, "bias"]]
        known = np.array([math.nan if error is None else error for error in errors])
        return known * math.sqrt(risk), mse * risk * parameters / max(rows - parameters, 1)
    sample = next(iter(part.batches())).cut(0, SAMPLE)
    target = np.asarray(sample.target, np.float64)
    design = np.column_stack([sample.matrix, np.full_like(target, training.bias)])
    if sample.weights is not None:  # as in `stability`
        roots = np.sqrt(sample.weights / sample.weights.mean())
        design, target = design * roots[:, None], target * roots
    covariance = tutorial_covariance(
        design,
        target - design @ np.array([*reference.weights.values(), reference.bias]),
        rate=findings.learning_rate,
        rows=rows,
        batch_size=batch,
        epochs=training.epochs,
    )
    return np.sqrt(np.diag(covariance)), float(np.trace(design.T @ design @ covariance)) / len(design)


def _spread(column: "pd.Series[float]", expected: float, expected_sd: float) -> Spread:
    found = column.agg(["mean", "std", "min", "max"])
    return Spread(
        mean=found["mean"],
        sd=found["std"],
        min=found["min"],
        max=found["max"],
        expected=expected,
        expected_sd=None if math.isnan(expected_sd) else expected_sd,
    )
