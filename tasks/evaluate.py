"""Stage `evaluate`: score the fit on both parts and hold it against least squares."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.neuron import least_squares, metrics
from tasks.neuron.collinearity import collinearity_notes
from tasks.neuron.least_squares import LeastSquares as Reference
from tasks.neuron.metrics import Errors
from tasks.neuron.parts import all_moments
from tasks.neuron.student_t import t_tests
from tasks.outputs.parts import RowsPart
from tasks.outputs.result import Evaluation, Model, PartScores, ReferenceFit, Scores, Truth, TTest, Verdict
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_matrix, read_npz
from tasks.store.parts import ParquetPart, part_name, paths_of
from tasks.store.writing import draft, publish

METRICS = "metrics.json"
PREDICTIONS = "predictions"
SCHEMA = pa.schema(
    [pa.field("part", pa.string(), nullable=False)]
    + [pa.field(name, pa.float64(), nullable=False) for name in ("actual", "predicted")]
)


@dataclass(frozen=True, slots=True)
class Scored:
    """The sums of errors of one part of the rows: the neuron's, the training mean's, and of rounding the targets."""

    neuron: Errors
    mean: Errors
    rounding: Errors

    def __add__(self, other: "Scored") -> "Scored":
        """Join the sums of two parts."""
        return Scored(
            metrics.merged(self.neuron, other.neuron),
            metrics.merged(self.mean, other.mean),
            metrics.merged(self.rounding, other.rounding),
        )


@stage
def evaluate(model: Artifact, parts: Artifact, root: Path) -> Artifact:
    """Score the weights on the training and the test rows; leave `metrics.json` and `predictions.parquet`.

    The predictions have a row per row of the parts, in their order: `part`, `actual`, `predicted`, in float64. Rows
    in several files are scored in constant memory, and their predictions are `predictions-00000.parquet` and so on,
    a file per file. Runs again when the weights, a part, the facts about them or this code changes.
    """
    arrays = read_npz(model.path(root, "weights.npz"))
    weights, bias = np.asarray(arrays["weights"], np.float64), float(arrays["bias"].item())
    files = [(name, path) for name in ("train", "test") for path in paths_of(parts, root, name)]
    reference = _reference([path for name, path in files if name == "train"], bias=bool(model.facts["bias"]))
    mean = reference.target_mean
    scored: dict[str, Scored] = {}
    with draft(root) as folder:
        names = _prediction_names([path for _, path in files])
        for place in dict.fromkeys(names):
            with _writer(folder / place) as writer:
                for (name, path), own in zip(files, names, strict=True):
                    if own == place:
                        found = _scored(name, RowsPart(ParquetPart(path)), weights, bias, mean, writer)
                        scored[name] = scored[name] + found if name in scored else found
        findings = compare(weights, bias, scored, reference, parts.facts, model.facts)
        (folder / METRICS).write_text(findings.model_dump_json(indent=1), encoding="utf-8")
        return publish(folder, root, "evaluate")


def compare(
    weights: NDArray[np.float64],
    bias: float,
    scored: Mapping[str, Scored],
    reference: Reference,
    data: Mapping[str, Any],
    training: Mapping[str, Any],
) -> Evaluation:
    """Hold a fit against its targets, the mean predictor, least squares and, where known, the truth.

    Args:
        weights: (d,), in units of target per unit of feature.
        bias: in units of the target.
        scored: the errors by part, `train` and maybe `test`.
        reference: least squares on the training rows.
        data: facts of the data: `features`, `target`, and for the example `true_weights` and `true_bias`.
        training: facts of the training: `recipe`, `bias`, `learning_rate`, `stable_limit`, `notes`.
    """
    names = data["features"]
    verdict = metrics.verdict(weights, bias, reference, recipe=training["recipe"])
    tutorial = training["recipe"] == "tutorial"
    return Evaluation(
        target=data["target"],
        model=Model(weights=_named(names, weights), bias=bias, parameters=len(names) + training["bias"]),
        metrics=_scores({name: found.neuron for name, found in scored.items()}),
        baseline=_scores({name: found.mean for name, found in scored.items()}),
        least_squares=_reference_fit(names, reference),
        verdict=Verdict(
            z=_finite(verdict.z), D=_finite(verdict.D), converged=verdict.converged, text=verdict.text
        ),
        truth=Truth(weights=_named(names, data["true_weights"]), bias=data["true_bias"])
        if "true_weights" in data
        else None,
        rounding_rmse=scored["train"].rounding.scores.rmse if tutorial else None,
        notes=[*data.get("notes", []), *collinearity_notes(names, reference), *training["notes"]],
        learning_rate=training["learning_rate"],
        stable_limit=training["stable_limit"],
    )


def _reference_fit(names: Sequence[str], reference: Reference) -> ReferenceFit:
    """Record least squares with the t test of each weight and, last, of the bias where one is fitted."""
    labels = [*names, *(["bias"] if reference.has_bias else [])]
    estimates = [*reference.weights, reference.bias][: len(labels)]
    errors = [*reference.standard_errors, reference.bias_standard_error][: len(labels)]
    tests = t_tests(estimates, errors, reference.degrees_of_freedom)
    rows = zip(labels, tests.t, tests.p, tests.low, tests.high, strict=True)
    return ReferenceFit(
        weights=_named(names, reference.weights),
        bias=reference.bias,
        standard_errors=dict(zip(labels, map(_finite, errors), strict=True)),
        degrees_of_freedom=reference.degrees_of_freedom,
        t_tests={
            label: TTest(t=t, p=p, low=low, high=high) for label, t, p, low, high in rows if math.isfinite(t)
        },
    )


def _reference(paths: Sequence[Path], *, bias: bool) -> Reference:
    """Fit by least squares: one file by QR of its rows, many from their moments."""
    if len(paths) == 1:
        return least_squares.solve(*read_matrix(paths[0]), bias=bias)
    return least_squares.solve_moments(
        all_moments([RowsPart(ParquetPart(path)) for path in paths]), bias=bias
    )


def _scored(
    name: str,
    part: RowsPart,
    weights: NDArray[np.float64],
    bias: float,
    mean: float,
    writer: pq.ParquetWriter,
) -> Scored:
    """Predict the rows of one file, write the predictions, and return the sums of errors."""
    found = []
    for batch in part.batches():
        actual = np.asarray(batch.target, np.float64)
        predicted = batch.matrix @ weights + bias
        found.append(
            Scored(
                metrics.errors(actual, predicted),
                metrics.errors(actual, np.full_like(actual, mean)),
                metrics.rounding_errors(actual),
            )
        )
        writer.write_table(pa.table([pa.repeat(name, len(actual)), actual, predicted], schema=SCHEMA))
    return reduce(lambda a, b: a + b, found)


@contextmanager
def _writer(path: Path) -> Iterator[pq.ParquetWriter]:
    with pq.ParquetWriter(path, SCHEMA, compression="none", use_dictionary=["part"]) as writer:
        yield writer


def _prediction_names(paths: Sequence[Path]) -> list[str]:
    """Name the file of predictions for each file of rows: one for all, or one each where a table is in parts."""
    if all(path.stem in {"train", "test"} for path in paths):
        return [f"{PREDICTIONS}.parquet"] * len(paths)
    return [part_name(PREDICTIONS, number) for number in range(len(paths))]


def _named(names: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _scores(parts: Mapping[str, Errors]) -> PartScores:
    scored = {}
    for name, found in parts.items():
        score = found.scores
        scored[name] = Scores(rows=score.rows, rmse=score.rmse, mae=score.mae, r2=_finite(score.r2))
    return PartScores(train=scored["train"], test=scored.get("test"))
