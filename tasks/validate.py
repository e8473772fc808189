"""Stage `validate`: score trainings with several settings on the folds that they have not seen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.neuron.chance import LossSample, rms_interval, sample_of
from tasks.neuron.moments import Array
from tasks.outputs import validation
from tasks.outputs.model import read as read_model
from tasks.outputs.parts import TEST, read_parts
from tasks.outputs.validation import ValidationError
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish


@stage
def validate(models: list[Artifact], folds: list[Artifact], root: Path) -> Artifact:
    """Leave `validation.json`: the error of each candidate over all rows, each predicted by the fit without its fold.

    Args:
        models: Candidate by candidate, one for each fold.
        folds: In the same order.
        root: The store's folder.

    Runs again when a model, a fold or this code changes.
    """
    fitted = [read_model(model, root) for model in models]
    parameters = np.array([[*each.weights.tolist(), each.bias] for each in fitted])
    by_fold = [_squares(fold, root, parameters[number :: len(folds)]) for number, fold in enumerate(folds)]
    with draft(root) as folder:
        validation.write(folder, [_error(found) for found in zip(*by_fold, strict=True)])
        return publish(folder, root, "validate")


def _squares(fold: Artifact, root: Path, parameters: Array) -> list[LossSample]:
    """Return the squared errors of c candidates (c, d + 1), the bias last, over the rows that a fold holds out."""
    found: list[LossSample | None] = [None] * len(parameters)
    for part in read_parts(fold, root, TEST):
        for batch in part.batches():
            matrix = batch.matrix
            # One candidate at a time, so that its bits do not depend on what else is tried.
            for at, (*weights, bias) in enumerate(parameters):
                added = sample_of((matrix @ np.array(weights) + bias - batch.target) ** 2)
                known = found[at]
                found[at] = known + added if known else added
    return [each for each in found if each is not None]


def _error(by_fold: Sequence[LossSample]) -> ValidationError:
    first, *others = by_fold
    pooled = sum(others, start=first)
    low, high = rms_interval(pooled) or (None, None)
    roots = np.sqrt([each.mean for each in by_fold])
    return ValidationError(rmse=float(np.sqrt(pooled.mean)), low=low, high=high, folds=roots.tolist())
