"""Stage `evaluate`: score the fit on both parts and hold it against least squares."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

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
from tasks.neuron.diagnosis import Check, diagnose, worst_segment
from tasks.neuron.least_squares import LeastSquares, solve_moments
from tasks.neuron.metrics import Agreement, Errors
from tasks.neuron.misses import MOST
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, batch_of
from tasks.neuron.residual_patterns import residual_patterns
from tasks.neuron.ridge import fold_moments, leave_one_out, ridge
from tasks.neuron.ridge import path as penalty_path
from tasks.neuron.sandwich import RobustErrors, cluster_errors, robust_errors
from tasks.neuron.segments import Segment, SegmentColumn, root_mean_square, segments
from tasks.neuron.smearing import TargetScale, smeared
from tasks.neuron.student_t import critical, t_tests
from tasks.outputs import scores, uncertainty
from tasks.outputs.model import ModelFacts, TrainedModel, read, read_facts
from tasks.outputs.parts import (
    TEST,
    TRAIN,
    Name,
    PartsFacts,
    RowsPart,
    held,
    read_clusters,
    read_encoding,
    read_labels,
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
    SegmentErrors,
    Segments,
    TTest,
    Verdict,
    WorstRow,
)
from tasks.outputs.scored import FileRows, Scored, score_files
from tasks.outputs.uncertainty import FitUncertainty, fit_uncertainty
from tasks.runtime.memory import release_memory
from tasks.runtime.spreading import spread
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet
from tasks.store.writing import draft, publish
from tasks.table.encoding import Category, Encoding
from tasks.table.errors import BadTable

LEVEL = 0.95  # of the intervals that the exports write out
MOST_SEGMENTS = 100  # that are recorded
SEGMENT_ROWS = 20_000  # of the test rows by which segments are judged,
SEGMENT_VALUES = 2**21  # but of wide tables no more values than this: 16 MiB
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
    scale, mean = _scale(fitted, parts, root, reference)
    with draft(root) as folder:
        try:
            is_rounded = training.recipe == "tutorial"
            scored = _score(fitted, scale, mean, parts, root, folder, is_rounded)
        except OverflowError as error:
            raise BadTable(str(error)) from error
        release_memory()  # what reading rows leaves would add up
        facts = PartsFacts.of(parts)
        robust = _robust(parts, root, reference, inference, biased=bool(training.l2))
        fit = _reference_fit(facts.features, reference, inference.standard_errors, robust)
        evaluation = compare(fitted, scored, reference, fit, facts, training, scale.smearing)
        shapes = {} if reference.is_exact else _shapes(fitted, scale, parts, root, rows.sample, scored)
        loo = None
        if (training.l2 or inference.cross_validate) and scale.smearing is None:  # it is of what was fitted
            files = read_parts(parts, root, TRAIN)
            loo = _finite(leave_one_out(files, rows.moments, reference, training.l2))
        checks = [] if plain.is_exact else diagnose(facts.features, plain, rows.sample)
        added = {
            **shapes,
            "ridge": _ridge(training, loo) if training.l2 else None,
            "diagnosis": _findings(checks, shapes.get("segments")),
            "cross_validation": _cross_validation(parts, root, training, inference, loo),
        }
        scores.write(folder, evaluation.model_copy(update=added))
        release_memory()
        if facts.by_age and TEST in scored:
            errors = _weighted_errors(fitted, read_parts(parts, root, TEST))
        else:
            errors = scores.test_errors(folder, CALIBRATION, scale.smearing), None
        uncertainty.write(folder, _uncertainty(fitted, reference, *errors, biased=bool(training.l2)))
        notes = [] if training.l2 else collinearity_notes(facts.features, reference)
        return publish(folder, root, "evaluate", notes=notes)


def _scale(
    fitted: TrainedModel, parts: Artifact, root: Path, reference: LeastSquares
) -> tuple[TargetScale, float]:
    """Return how predictions become the target's own units, and its mean there; of a logarithm by a pass of its own.

    Raises:
        BadTable: the exponential of a residual is too large.
    """
    if not read_encoding(parts, root).log_target:
        return TargetScale(), reference.target_mean
    try:
        found = smeared(read_parts(parts, root, TRAIN), fitted.weights, fitted.bias)
    except ValueError as error:
        raise BadTable(str(error)) from error
    return TargetScale(found.factor), found.mean


def _shapes(
    fitted: TrainedModel,
    scale: TargetScale,
    parts: Artifact,
    root: Path,
    sample: Batch,
    scored: Mapping[Name, Scored],
) -> dict[str, Any]:
    """Look at the errors row by row: their shape, the segments where they are large, and the largest."""
    part = TEST if TEST in scored else TRAIN
    rows = sample if part == TRAIN else _some_rows(read_parts(parts, root, part))
    predicted = scale.predictions(rows.matrix @ fitted.weights + fitted.bias)
    residuals = scale.values(rows.target) - predicted
    found = segments(_segment_columns(read_encoding(parts, root)), rows.matrix, residuals, rows.weights)
    return {
        "patterns": _patterns(fitted, sample),
        "segments": Segments(
            part=part,
            rows=rows.rows,
            rmse=root_mean_square(residuals, rows.weights),
            errors=[SegmentErrors(**asdict(each)) for each in found[:MOST_SEGMENTS]],
        ),
        "worst": _worst(parts, root, scored),
    }


def _some_rows(parts: Sequence[RowsPart]) -> Batch:
    """Return the rows of a part of the table; of many some, evenly spaced, or of many files the first ones of each.

    `split` leaves the rows of many files in random order.
    """
    width = len(parts[0].file.schema.names) - parts[0].weighted
    most = max(1, min(SEGMENT_ROWS, SEGMENT_VALUES // width))
    if len(parts) == 1:
        return held(read_parquet(parts[0].file.path)).whole.thinned(most)
    share = -(-most // len(parts))
    pieces = [next(iter(part.batches())).cut(0, share) for part in parts]
    columns = zip(*(piece.stored for piece in pieces), strict=True)
    return batch_of([np.concatenate(each) for each in columns], weighted=pieces[0].weighted)


def _segment_columns(encoding: Encoding) -> list[SegmentColumn]:
    """Say how the user's columns lie among the features."""
    firsts = np.cumsum([0, *(len(column.names) for column in encoding.columns)]).tolist()
    return [
        SegmentColumn(column.name, first, column.levels if isinstance(column, Category) else ())
        for column, first in zip(encoding.columns, firsts, strict=False)
    ]


def _worst(parts: Artifact, root: Path, scored: Mapping[Name, Scored]) -> list[WorstRow]:
    """Name the rows with the largest errors of both parts."""
    found = []
    for name, sums in scored.items():
        labels = read_labels(parts, root, name, [(each.file, each.row) for each in sums.worst])
        found += [
            (each, WorstRow(part=name, row=label, actual=each.actual, predicted=each.predicted))
            for each, label in zip(sums.worst, labels, strict=True)
        ]
    return [row for _, row in sorted(found, key=lambda pair: -pair[0].error)[:MOST]]


def _findings(checks: Sequence[Check], found: Segments | None) -> list[Finding]:
    """Record the checks of what least squares assumes, and that of the segments."""
    if checks and found:
        pieces = [Segment(**dict(each)) for each in found.errors]
        worst = worst_segment(pieces, found.rmse)
        checks = [*checks, *([worst] if worst else [])]
    return [
        Finding(check=each.name, figure=each.figure, p=each.p, wrong=each.wrong, subject=each.subject)
        for each in checks
    ]


def _ridge(training: ModelFacts, loo: float | None) -> Ridge:
    """Record the penalty, and the path along which it was chosen."""
    path = [RidgePoint(l2=each.l2, rmse=each.rmse, sd=each.sd) for each in training.path]
    return Ridge(l2=training.l2, path=path, leave_one_out=loo)


def _cross_validation(
    parts: Artifact, root: Path, training: ModelFacts, inference: Inference, loo: float | None
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
        folds=len(folds),
        rmse=found.pooled,
        sd=found.deviation,
        errors=found.rmse.tolist(),
        leave_one_out=loo,
    )


def _weighted_errors(fitted: TrainedModel, parts: Sequence[RowsPart]) -> tuple[Array, Array | None]:
    """Return the absolute errors (n,) of some test rows, of what was fitted, and their weights (n,)."""
    rows = _some_rows(parts)
    errors = np.abs(rows.target - (rows.matrix @ fitted.weights + fitted.bias))
    return errors, None if rows.weights is None else rows.weights.astype(np.float64)


def _uncertainty(
    fitted: TrainedModel,
    reference: LeastSquares,
    test_errors: Array,
    test_weights: Array | None,
    *,
    biased: bool,
) -> FitUncertainty:
    """Sum up what intervals need; the errors (n,) of the test rows are those of the predictions just written.

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
        test_errors,
        test_weights,
    )


def compare(
    fitted: TrainedModel,
    scored: Mapping[Name, Scored],
    reference: LeastSquares,
    fit: ReferenceFit,
    data: PartsFacts,
    training: ModelFacts,
    smearing: float | None = None,
) -> Evaluation:
    """Hold a fit against its targets, the mean predictor, least squares and, where known, the truth.

    Args:
        fitted: weights (d,) and bias.
        scored: the errors by part, `train` and maybe `test`.
        reference: least squares on the training rows.
        fit: that, as it is recorded.
        data: what is known of the rows.
        training: how the model was trained.
        smearing: where the logarithm of the target was fitted, see `TargetScale`.
    """
    names, weights, bias = data.features, fitted.weights, fitted.bias
    name = "ridge" if training.l2 else "least squares"
    agreement = metrics.verdict(weights, bias, reference, recipe=training.recipe, name=name)
    rounding = scored[TRAIN].rounding

    return Evaluation(
        target=data.target,
        model=Model(weights=_named(names, weights), bias=bias, parameters=len(names) + training.bias),
        metrics=_with_interval(
            _scores({name: found.neuron for name, found in scored.items()}, bias=training.bias), scored
        ),
        baseline=_scores({name: found.mean for name, found in scored.items()}),
        least_squares=fit,
        verdict=_verdict(agreement, training.before_closing),
        gain=_gain(scored, reference, is_log=smearing is not None),
        smearing=smearing,
        truth=data.truth,
        weights=data.weights,
        rounding_rmse=rounding.scores.rmse if rounding else None,
        learning_rate=training.learning_rate,
        stable_limit=training.stable_limit,
    )


def _with_interval(parts: PartScores, scored: Mapping[Name, Scored]) -> PartScores:
    """Add how far the RMSE of the test rows is known; that of the training rows is no estimate of an error to come."""
    if parts.test is None or (ends := rms_interval(scored[TEST].squares)) is None:
        return parts
    test = parts.test.model_copy(update={"low": ends[0], "high": ends[1]})
    return parts.model_copy(update={"test": test})


def _gain(scored: Mapping[Name, Scored], reference: LeastSquares, *, is_log: bool) -> Gain:
    """Test whether the fit beats the mean: on the test rows, or without any on what is left of the training rows.

    The latter of what was fitted, be it the target or its logarithm.
    """
    if TEST in scored:
        p = chance_of_no_gain(scored[TEST].gains)
    elif reference.has_bias:
        train, weights = scored[TRAIN], len(reference.factor.kept)
        about_mean, left = train.mean.squares, train.neuron.squares
        if is_log:
            about_mean, left = reference.target_rms**2 * reference.factor.total, reference.residual_sum
        p = chance_of_no_fit(about_mean, left, weights, reference.degrees_of_freedom)
    else:
        p = None  # the mean is no special case of a model without bias
    return Gain(p=p, significant=p is not None and p < SIGNIFICANT)


def _patterns(fitted: TrainedModel, rows: Batch) -> list[ResidualPattern]:
    """Look for shapes in the residuals of some of the training rows."""
    predicted = rows.matrix @ fitted.weights + fitted.bias
    residuals = (rows.target - predicted) * (1.0 if rows.roots is None else rows.roots)
    found = residual_patterns(predicted, residuals)
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
    fitted: TrainedModel,
    scale: TargetScale,
    mean: float,
    parts: Artifact,
    root: Path,
    folder: Path,
    is_rounded: bool,
) -> dict[Name, Scored]:
    """Predict all rows, write the predictions, and return the sums of errors by part."""
    files = [(name, part) for name in (TRAIN, TEST) for part in read_parts(parts, root, name)]
    in_parts = len(files) > len({name for name, _ in files})
    places = scores.file_names(len(files), in_parts=in_parts)
    own: dict[str, list[FileRows]] = {place: [] for place in places}
    seen: Counter[Name] = Counter()
    for (name, part), place in zip(files, places, strict=True):
        own[place].append(FileRows(name, seen[name], part))
        seen[name] += 1
    score = partial(score_files, fitted, scale, mean, folder, is_rounded=is_rounded)
    scored: dict[Name, Scored] = {}
    for found in spread(score, own.items()):
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
