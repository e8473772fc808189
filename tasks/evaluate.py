"""Stage `evaluate`: score the fit on both parts and hold it against least squares."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.neuron import least_squares, metrics
from tasks.page.result import Findings, LeastSquares, Model, Parts, Scores, Truth, Verdict
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_matrix, read_npz, write_parquet
from tasks.store.writing import draft, publish

METRICS = "metrics.json"
PREDICTIONS = "predictions.parquet"

Part = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Features (n, d) and targets (n,) of the training or of the test rows."""


@stage
def evaluate(model: Artifact, parts: Artifact, root: Path) -> Artifact:
    """Score the weights on `train.parquet` and `test.parquet`; leave `metrics.json` and `predictions.parquet`.

    The predictions have a row per row of the parts, in their order: `part`, `actual`, `predicted`, in float64. Runs
    again when the weights, a part, the facts about them or this code changes.
    """
    arrays = read_npz(model.path(root, "weights.npz"))
    weights, bias = np.asarray(arrays["weights"], np.float64), float(arrays["bias"])
    rows = {name: read_matrix(parts.path(root, f"{name}.parquet")) for name in _present(parts)}
    predicted = {name: features @ weights + bias for name, (features, _) in rows.items()}
    with draft(root) as folder:
        findings = compare(weights, bias, rows, predicted, parts.facts, model.facts)
        (folder / METRICS).write_text(findings.model_dump_json(indent=1), encoding="utf-8")
        write_parquet(folder / PREDICTIONS, _table(rows, predicted))
        return publish(folder, root, "evaluate")


def compare(
    weights: NDArray[np.float64],
    bias: float,
    rows: Mapping[str, Part],
    predicted: Mapping[str, NDArray[np.float64]],
    data: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Findings:
    """Hold a fit against its targets, the mean predictor, least squares and, where known, the truth.

    Args:
        weights: (d,), in units of target per unit of feature.
        bias: in units of the target.
        rows: the parts, `train` and maybe `test`.
        predicted: (n,) for each part.
        data: facts of the data: `features`, `target`, and for the example `true_weights` and `true_bias`.
        training: facts of the training: `recipe`, `bias`, `learning_rate`, `stable_limit`.
    """
    names = data["features"]
    features, targets = rows["train"]
    reference = least_squares.solve(features, targets, bias=training["bias"])
    verdict = metrics.verdict(weights, bias, reference, recipe=training["recipe"])
    errors = dict(zip(names, map(_finite, reference.standard_errors), strict=True))
    if training["bias"]:
        errors["bias"] = _finite(reference.bias_standard_error)
    mean = targets.mean()
    return Findings(
        target=data["target"],
        model=Model(weights=_named(names, weights), bias=bias, parameters=len(names) + training["bias"]),
        metrics=_scores({name: (actual, predicted[name]) for name, (_, actual) in rows.items()}),
        baseline=_scores({name: (actual, np.full_like(actual, mean)) for name, (_, actual) in rows.items()}),
        least_squares=LeastSquares(
            weights=_named(names, reference.weights), bias=reference.bias, standard_errors=errors
        ),
        verdict=Verdict(
            z=_finite(verdict.z), D=_finite(verdict.D), converged=verdict.converged, text=verdict.text
        ),
        truth=Truth(weights=_named(names, data["true_weights"]), bias=data["true_bias"])
        if "true_weights" in data
        else None,
        rounding_rmse=metrics.rounding_rmse(targets) if training["recipe"] == "tutorial" else None,
        notes=list(data.get("notes", [])),
        learning_rate=training["learning_rate"],
        stable_limit=training["stable_limit"],
    )


def _present(parts: Artifact) -> list[str]:
    return [name for name in ("train", "test") if f"{name}.parquet" in parts.files]


def _named(names: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _scores(parts: Mapping[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Parts:
    scored = {}
    for name, (actual, predicted) in parts.items():
        score = metrics.scores(actual, predicted)
        scored[name] = Scores(rows=score.rows, rmse=score.rmse, mae=score.mae, r2=_finite(score.r2))
    return Parts(train=scored["train"], test=scored.get("test"))


def _table(rows: Mapping[str, Part], predicted: Mapping[str, NDArray[np.float64]]) -> pa.Table:
    tables = [
        pa.table({"part": [name] * len(actual), "actual": actual, "predicted": predicted[name]})
        for name, (_, actual) in rows.items()
    ]
    return pa.concat_tables(tables)
