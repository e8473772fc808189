"""Scores files of rows: writes their predictions, and sums up their errors; it knows nothing of Prefect."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tasks.neuron import metrics
from tasks.neuron.chance import LossSample, sample_of
from tasks.neuron.metrics import Errors
from tasks.neuron.misses import Miss, largest, misses
from tasks.neuron.moments import Array
from tasks.neuron.parts import EMPTY, Batch
from tasks.neuron.smearing import TargetScale
from tasks.neuron.workers import spread
from tasks.outputs.model import TrainedModel
from tasks.outputs.parts import Name, RowsPart
from tasks.outputs.scores import prediction_writer


@dataclass(frozen=True, slots=True)
class Scored:
    """The sums of errors of one part of the rows.

    Attributes:
        neuron: The neuron's.
        mean: The training mean's.
        rounding: Of the targets rounded to one decimal, where that is asked for.
        squares: The neuron's squared errors.
        gains: By how much the mean's squared errors are larger.
        worst: The rows with the neuron's largest errors, the largest first.
    """

    neuron: Errors
    mean: Errors
    rounding: Errors | None
    squares: LossSample
    gains: LossSample
    worst: tuple[Miss, ...]

    def __add__(self, other: "Scored") -> "Scored":
        """Join the sums of two parts."""
        return Scored(
            metrics.merged(self.neuron, other.neuron),
            metrics.merged(self.mean, other.mean),
            metrics.merged(self.rounding, other.rounding) if self.rounding and other.rounding else None,
            self.squares + other.squares,
            self.gains + other.gains,
            largest([*self.worst, *other.worst]),
        )

    def of_file(self, number: int) -> "Scored":
        """Say in which file of its part the rows are."""
        return replace(self, worst=tuple(each.moved(number, 0) for each in self.worst))

    def behind(self, rows: int) -> "Scored":
        """Say how many rows of the same file come before these."""
        return replace(self, worst=tuple(each.moved(each.file, rows) for each in self.worst))


class FileRows(NamedTuple):
    """A file of rows: which part of the rows it belongs to, and its number there, from 0."""

    name: Name
    number: int
    rows: RowsPart


def score_files(
    fitted: TrainedModel,
    scale: TargetScale,
    mean: float,
    folder: Path,
    files: tuple[str, Sequence[FileRows]],
    *,
    is_rounded: bool = False,
) -> list[tuple[Name, Scored]]:
    """Predict the rows of some files, write the predictions into one, and return the sums of errors of each.

    Errors of rounded targets are among them if `is_rounded`.
    """
    place, those = files
    with prediction_writer(folder, place) as writer:
        return [
            (
                each.name,
                _scored(
                    each.rows, fitted, scale, mean, is_rounded, partial(writer.append, each.name)
                ).of_file(each.number),
            )
            for each in those
        ]


def _scored(
    part: RowsPart,
    fitted: TrainedModel,
    scale: TargetScale,
    mean: float,
    is_rounded: bool,
    write: Callable[[Array, Array], None],
) -> Scored:
    """Predict the rows of one file, write the predictions, and return the sums of errors."""

    def predict(batch: Batch) -> tuple[Scored, Array, Array]:
        actual, own = scale.values(batch.target), batch.weights
        predicted = scale.predictions(batch.matrix @ fitted.weights + fitted.bias)
        if scale.smearing is not None and not np.isfinite(predicted).all():
            raise OverflowError(
                f"`log_target`: exp of a prediction in {part.file.path.name} is too large for a float; exclude the "
                "rows far out, or leave `log_target` out"
            )
        squares = (actual - predicted) ** 2
        scored = Scored(
            metrics.errors(actual, predicted, own),
            metrics.errors(actual, np.full_like(actual, mean), own),
            metrics.rounding_errors(actual) if is_rounded else None,
            sample_of(squares, own),
            sample_of((actual - mean) ** 2 - squares, own),
            misses(actual, predicted),
        )
        return scored, actual, predicted

    total: Scored | None = None
    start = 0
    for found, actual, predicted in spread(predict, part.batches()):
        write(actual, predicted)
        total = total + found.behind(start) if total else found
        start += len(actual)
    if total is None:
        raise ValueError(EMPTY)
    return total
