"""Stage `evaluate`: score the fit on both parts and hold it against least squares."""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from tasks.config import Inference
from tasks.neuron import metrics
from tasks.neuron.chance import (
    SIGNIFICANT,
    chance_of_no_fit,
    chance_of_no_gain,
    rms_interval,
)
from tasks.neuron.collinearity import collinearity_notes
from tasks.neuron.diagnosis import diagnose
from tasks.neuron.least_squares import LeastSquares, solve_moments
from tasks.neuron.metrics import Agreement, Errors
from tasks.neuron.parts import Batch
from tasks.neuron.residual_patterns import residual_patterns
from tasks.neuron.ridge import fold_moments, ridge
from tasks.neuron.ridge import path as penalty_path
from tasks.neuron.sandwich import RobustErrors, cluster_errors, robust_errors
from tasks.neuron.student_t import critical, t_tests
from tasks.outputs import scores, uncertainty
from tasks.outputs.model import ModelFacts, TrainedModel, read, read_facts
from tasks.outputs.parts import (
    TEST,
    TRAIN,
    Name,
    PartsFacts,
    read_clusters,
    read_parts,
    read_profile,
)
from tasks.outputs.result import (
    CrossValidation,
    ErrorKind,
    Evaluation,
    Finding,
    Gain,
    Model,
    PartScores,
    ReferenceFit,
    ResidualPattern,
    Ridge,
    RidgePoint,
    Scores,
    TTest,
    Verdict,
)
from tasks.outputs.scored import Scored, score_files
from tasks.outputs.uncertainty import FitUncertainty, fit_uncertainty
from tasks.runtime.spreading import spread
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tasks.table.errors import BadTable

LEVEL = 0.95  # of the intervals that the exports write out
CALIBRATION = 2**18  # rows of many files, those of the test among which make conformal intervals


@stage
def evaluate(model: Artifact, parts: Artifact, inference: Inference, root: Path) -> Artifact:
    """Score the weights on the training and the test rows; see `tasks.outputs.scores`.

    Rows in several files are scored in constant memory, by whoever works on parts in this run. Runs again when the
    weights, the rows, the facts about them or this code changes.
    """
    fitted, training = read(model, root), read_facts(model)
    rows = read_profile(parts, root)
    plain = solve_moments(rows.moments, bias=training.bias)
    reference = ridge(plain, rows.moments, training.l2) if training.l2 else plain
    with draft(root) as folder:
        scored = _score(fitted, reference.target_mean, parts, root, folder)
        facts = PartsFacts.of(parts)
        robust = _robust(parts, root, reference, inference, biased=bool(training.l2))
        fit = _reference_fit(facts.features, reference, inference.standard_errors, robust)
        evaluation = compare(fitted, scored, reference, fit, facts, training)
        patterns = [] if reference.is_exact else _patterns(fitted, rows.sample)
        added = {
            "patterns": patterns,
            "ridge": _ridge(training),
            "diagnosis": [] if plain.is_exact else _diagnosis(facts.features, plain, rows.sample),
            "cross_validation": _cross_validation(parts, root, training, inference),
        }
        scores.write(folder, evaluation.model_copy(update=added))
        uncertainty.write(folder, _uncertainty(fitted, reference, folder, biased=bool(training.l2)))
        notes = [] if training.l2 else collinearity_notes(facts.features, reference)
        return publish(folder, root, "evaluate", notes=notes)


def _diagnosis(names: Sequence[str], reference: LeastSquares, rows: Batch) -> list[Finding]:
    """Check what least squares assumes, on some of the training rows."""
    return [
        Finding(check=each.name, figure=each.figure, p=each.p, wrong=each.wrong, subject=each.subject)
        for each in diagnose(names, reference, rows)
    ]


def _ridge(training: ModelFacts) -> Ridge | None:
    """Record the penalty, and the path along which it was chosen."""
    path = [RidgePoint(l2=each.l2, rmse=each.rmse, sd=each.sd) for each in training.path]
    return Ridge(l2=training.l2, path=path) if training.l2 else None


def _cross_validation(
    parts: Artifact, root: Path, training: ModelFacts, inference: Inference
) -> CrossValidation | None:
    """Return the errors by folds, by a pass over the training rows, if they are asked for.

    Raises:
        BadTable: there are too few rows for the folds.
    """
    if inference.cross_validate is None:
        return None
    try:
        folds = fold_moments(read_parts(parts, root, TRAIN), inference.cross_validate)
    except ValueError as error:
        raise BadTable(str(error)) from error
    (found,) = penalty_path(folds, np.array([training.l2]), bias=training.bias)
    return CrossValidation(
        folds=len(folds), rmse=found.pooled, sd=found.deviation, errors=found.rmse.tolist()
    )


def _uncertainty(
    fitted: TrainedModel, reference: LeastSquares, folder: Path, *, biased: bool
) -> FitUncertainty:
    """Sum up what intervals need; the errors of the test rows are those of the predictions just written.

    The intervals of a biased fit would not hold their level: it gets none but conformal ones.
    """
    residual_sum = reference.residual_sum + reference.excess(fitted.weights, fitted.bias)
    if biased:
        residual_sum = math.nan
    freedom = reference.degrees_of_freedom
    return fit_uncertainty(
        reference,
        residual_sum,
        critical(1 - LEVEL, freedom) if freedom else math.nan,
        scores.test_errors(folder, CALIBRATION),
    )


def compare(
    fitted: TrainedModel,
    scored: Mapping[Name, Scored],
    reference: LeastSquares,
    fit: ReferenceFit,
    data: PartsFacts,
    training: ModelFacts,
) -> Evaluation:
    """Hold a fit against its targets, the mean predictor, least squares and, where known, the truth.

    Args:
        fitted: weights (d,) and bias.
        scored: the errors by part, `train` and maybe `test`.
        reference: least squares on the training rows.
        fit: that, as it is recorded.
        data: what is known of the rows.
        training: how the model was trained.
    """
    names, weights, bias = data.features, fitted.weights, fitted.bias
    name = "ridge" if training.l2 else "least squares"
    agreement = metrics.verdict(weights, bias, reference, recipe=training.recipe, name=name)
    tutorial = training.recipe == "tutorial"

    return Evaluation(
        target=data.target,
        model=Model(weights=_named(names, weights), bias=bias, parameters=len(names) + training.bias),
        metrics=_with_interval(
            _scores({name: found.neuron for name, found in scored.items()}, bias=training.bias), scored
        ),
        baseline=_scores({name: found.mean for name, found in scored.items()}),
        least_squares=fit,
        verdict=_verdict(agreement, training.before_closing),
        gain=_gain(scored, reference),
        truth=data.truth,
        rounding_rmse=scored[TRAIN].rounding.scores.rmse if tutorial else None,
        learning_rate=training.learning_rate,
        stable_limit=training.stable_limit,
    )


def _with_interval(parts: PartScores, scored: Mapping[Name, Scored]) -> PartScores:
    """Add how far the RMSE of the test rows is known; that of the training rows is no estimate of an error to come."""
    if parts.test is None or (ends := rms_interval(scored[TEST].squares)) is None:
        return parts
    test = parts.test.model_copy(update={"low": ends[0], "high": ends[1]})
    return parts.model_copy(update={"test": test})


def _gain(scored: Mapping[Name, Scored], reference: LeastSquares) -> Gain:
    """Test whether the fit beats the mean: on the test rows, or without any on what is left of the training rows."""
    if TEST in scored:
        p = chance_of_no_gain(scored[TEST].gains)
    elif reference.has_bias:
        train, weights = scored[TRAIN], len(reference.factor.kept)
        p = chance_of_no_fit(train.mean.squares, train.neuron.squares, weights, reference.degrees_of_freedom)
    else:
        p = None  # the mean is no special case of a model without bias
    return Gain(p=p, significant=p is not None and p < SIGNIFICANT)


def _patterns(fitted: TrainedModel, rows: Batch) -> list[ResidualPattern]:
    """Look for shapes in the residuals of some of the training rows."""
    predicted = rows.matrix @ fitted.weights + fitted.bias
    found = residual_patterns(predicted, rows.target - predicted)
    return [ResidualPattern(name=each.name, correlation=each.correlation) for each in found]


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


def _robust(
    parts: Artifact, root: Path, reference: LeastSquares, inference: Inference, *, biased: bool
) -> RobustErrors | None:
    """Return the standard errors that were asked for, by a pass over the training rows; None for the classic ones.

    Raises:
        BadTable: there are too few or too many clusters.
    """
    rows, kind = read_parts(parts, root, TRAIN), inference.standard_errors
    if biased:  # no error is known of weights that a penalty pulls towards zero
        return RobustErrors(np.full_like(reference.weights, math.nan), math.nan, reference.degrees_of_freedom)
    if kind == "classic":
        return None
    if kind != "cluster":
        return robust_errors(rows, reference, kind)
    try:
        return cluster_errors(zip(rows, read_clusters(parts, root), strict=True), reference)
    except ValueError as error:
        raise BadTable(str(error)) from error


def _reference_fit(
    names: Sequence[str],
    reference: LeastSquares,
    kind: ErrorKind,
    robust: RobustErrors | None,
) -> ReferenceFit:
    """Record least squares with the t test of each weight and, last, of the bias where one is fitted."""
    found = robust or RobustErrors(
        reference.standard_errors, reference.bias_standard_error, reference.degrees_of_freedom
    )
    undetermined = (
        reference.factor.undetermined if not np.any(reference.weights[list(reference.dropped)]) else ()
    )
    labels = [*names, *(["bias"] if reference.has_bias else [])]
    estimates = [*reference.weights, reference.bias][: len(labels)]
    errors = [*found.weights, found.bias][: len(labels)]
    tests = t_tests(estimates, errors, found.degrees)
    rows = zip(labels, tests.t, tests.p, tests.low, tests.high, strict=True)
    return ReferenceFit(
        weights=_named(names, reference.weights),
        bias=reference.bias,
        standard_errors=dict(zip(labels, map(_finite, errors), strict=True)),
        undetermined=[[names[j] for j in members] for members in undetermined],
        degrees_of_freedom=found.degrees,
        kind=kind,
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
    places = scores.file_names(len(files), in_parts=in_parts)
    own = [
        (place, [file for file, its in zip(files, places, strict=True) if its == place])
        for place in dict.fromkeys(places)
    ]
    scored: dict[Name, Scored] = {}
    for found in spread(partial(score_files, fitted, mean, folder), own):
        for name, sums in found:
            scored[name] = scored[name] + sums if name in scored else sums
    return scored


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
