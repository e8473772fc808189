"""Stage `evaluate`: score the fit on both parts and hold it against least squares."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.neuron import metrics
from tasks.neuron.collinearity import collinearity_notes
from tasks.neuron.least_squares import LeastSquares, solve_moments
from tasks.neuron.metrics import Agreement, Errors
from tasks.neuron.moments import Array
from tasks.neuron.parts import EMPTY, Batch
from tasks.neuron.student_t import t_tests
from tasks.neuron.workers import spread
from tasks.outputs import scores
from tasks.outputs.model import ModelFacts, TrainedModel, read, read_facts
from tasks.outputs.parts import TEST, TRAIN, Name, PartsFacts, RowsPart, read_parts, read_profile
from tasks.outputs.result import Evaluation, Model, PartScores, ReferenceFit, Scores, TTest, Verdict
from tasks.outputs.scores import PredictionWriter
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish


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
    """Score the weights on the training and the test rows; see `tasks.outputs.scores`.

    Rows in several files are scored in constant memory. Runs again when the weights, the rows, the facts about them or
    this code changes.
    """
    fitted, training = read(model, root), read_facts(model)
    reference = solve_moments(read_profile(parts, root).moments, bias=training.bias)
    with draft(root) as folder:
        scored = _score(fitted, reference.target_mean, parts, root, folder)
        facts = PartsFacts.of(parts)
        scores.write(folder, compare(fitted, scored, reference, facts, training))
        return publish(folder, root, "evaluate", notes=collinearity_notes(facts.features, reference))


def compare(
    fitted: TrainedModel,
    scored: Mapping[Name, Scored],
    reference: LeastSquares,
    data: PartsFacts,
    training: ModelFacts,
) -> Evaluation:
    """Hold a fit against its targets, the mean predictor, least squares and, where known, the truth.

    Args:
        fitted: weights (d,) and bias.
        scored: the errors by part, `train` and maybe `test`.
        reference: least squares on the training rows.
        data: what is known of the rows.
        training: how the model was trained.
    """
    names, weights, bias = data.features, fitted.weights, fitted.bias
    agreement = metrics.verdict(weights, bias, reference, recipe=training.recipe)
    tutorial = training.recipe == "tutorial"

    return Evaluation(
        target=data.target,
        model=Model(weights=_named(names, weights), bias=bias, parameters=len(names) + training.bias),
        metrics=_scores({name: found.neuron for name, found in scored.items()}, bias=training.bias),
        baseline=_scores({name: found.mean for name, found in scored.items()}),
        least_squares=_reference_fit(names, reference),
        verdict=_verdict(agreement, training.before_closing),
        truth=data.truth,
        rounding_rmse=scored[TRAIN].rounding.scores.rmse if tutorial else None,
        learning_rate=training.learning_rate,
        stable_limit=training.stable_limit,
    )


def _verdict(agreement: Agreement, before: float | None) -> Verdict:
    """Record the verdict, and what a closing full-batch epoch did for it."""
    closing = (
        f"; a closing full-batch epoch (a Newton step) took D from {before:.2g}" if before is not None else ""
    )
    return Verdict(
        z=_finite(agreement.z),
        D=_finite(agreement.D),
        D_before=before,
        converged=agreement.converged,
        text=agreement.text + closing,
    )


def _reference_fit(names: Sequence[str], reference: LeastSquares) -> ReferenceFit:
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
        undetermined=[[names[j] for j in members] for members in reference.factor.undetermined],
        degrees_of_freedom=reference.degrees_of_freedom,
        t_tests={
            label: TTest(t=t, p=p, low=low, high=high) for label, t, p, low, high in rows if math.isfinite(t)
        },
    )


def _score(
    fitted: TrainedModel, mean: float, parts: Artifact, root: Path, folder: Path
) -> dict[Name, Scored]:
    """Predict all rows, write the predictions, and return the sums of errors by part."""
    files = [(name, part) for name in (TRAIN, TEST) for part in read_parts(parts, root, name)]
    in_parts = len(files) > len({name for name, _ in files})
    scored: dict[Name, Scored] = {}
    names = scores.file_names(len(files), in_parts=in_parts)
    for place in dict.fromkeys(names):
        with scores.prediction_writer(folder, place) as writer:
            for name, part in (file for file, own in zip(files, names, strict=True) if own == place):
                found = _scored(name, part, fitted, mean, writer)
                scored[name] = scored[name] + found if name in scored else found
    return scored


def _scored(
    name: Name, part: RowsPart, fitted: TrainedModel, mean: float, writer: PredictionWriter
) -> Scored:
    """Predict the rows of one file, write the predictions, and return the sums of errors."""

    def predict(batch: Batch) -> tuple[Scored, Array, Array]:
        actual = np.asarray(batch.target, np.float64)
        predicted = batch.matrix @ fitted.weights + fitted.bias
        scored = Scored(
            metrics.errors(actual, predicted),
            metrics.errors(actual, np.full_like(actual, mean)),
            metrics.rounding_errors(actual),
        )
        return scored, actual, predicted

    total: Scored | None = None
    for found, actual, predicted in spread(predict, part.batches()):
        writer.append(name, actual, predicted)
        total = total + found if total else found
    if total is None:
        raise ValueError(EMPTY)
    return total


def _named(names: Sequence[str], values: Iterable[float]) -> dict[str, float]:
    return {name: float(value) for name, value in zip(names, values, strict=True)}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _scores(parts: Mapping[Name, Errors], *, bias: bool = True) -> PartScores:
    scored = {}
    for name, found in parts.items():
        score = found.scores if bias else found.scores_about_zero
        scored[name] = Scores(
            rows=score.rows,
            rmse=score.rmse,
            mae=score.mae,
            r2=_finite(score.r2),
            r2_about="mean" if bias else "zero",
        )
    return PartScores(train=scored["train"], test=scored.get("test"))
