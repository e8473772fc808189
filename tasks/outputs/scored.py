"""Scores files of rows: writes their predictions, and sums up their errors; it knows nothing of Prefect."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tasks.neuron import metrics
from tasks.neuron.chance import LossSample, sample_of
from tasks.neuron.metrics import Errors
from tasks.neuron.moments import Array
from tasks.neuron.parts import EMPTY, Batch
from tasks.neuron.workers import spread
from tasks.outputs.model import TrainedModel
from tasks.outputs.parts import Name, RowsPart
from tasks.outputs.scores import PredictionWriter, prediction_writer


@dataclass(frozen=True, slots=True)
class Scored:
    """The sums of errors of one part of the rows.

    Attributes:
        neuron: The neuron's.
        mean: The training mean's.
        rounding: Of the targets rounded to one decimal.
        squares: The neuron's squared errors.
        gains: By how much the mean's squared errors are larger.
    """

    neuron: Errors
    mean: Errors
    rounding: Errors
    squares: LossSample
    gains: LossSample

    def __add__(self, other: "Scored") -> "Scored":
        """Join the sums of two parts."""
        return Scored(
            metrics.merged(self.neuron, other.neuron),
            metrics.merged(self.mean, other.mean),
            metrics.merged(self.rounding, other.rounding),
            self.squares + other.squares,
            self.gains + other.gains,
        )


def score_files(
    fitted: TrainedModel, mean: float, folder: Path, files: tuple[str, Sequence[tuple[Name, RowsPart]]]
) -> list[tuple[Name, Scored]]:
    """Predict the rows of some files, write the predictions into one, and return the sums of errors of each."""
    place, rows = files
    with prediction_writer(folder, place) as writer:
        return [(name, _scored(name, part, fitted, mean, writer)) for name, part in rows]


def _scored(
    name: Name, part: RowsPart, fitted: TrainedModel, mean: float, writer: PredictionWriter
) -> Scored:
    """Predict the rows of one file, write the predictions, and return the sums of errors."""

    def predict(batch: Batch) -> tuple[Scored, Array, Array]:
        actual = np.asarray(batch.target, np.float64)
        predicted = batch.matrix @ fitted.weights + fitted.bias
        squares = (actual - predicted) ** 2
        scored = Scored(
            metrics.errors(actual, predicted),
            metrics.errors(actual, np.full_like(actual, mean)),
            metrics.rounding_errors(actual),
            sample_of(squares),
            sample_of((actual - mean) ** 2 - squares),
        )
        return scored, actual, predicted

    total: Scored | None = None
    for found, actual, predicted in spread(predict, part.batches()):
        writer.append(name, actual, predicted)
        total = total + found if total else found
    if total is None:
        raise ValueError(EMPTY)
    return total
