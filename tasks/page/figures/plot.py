"""What a plot says of itself, and what it may draw from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.profile import TableProfile
from tasks.outputs.result import ActualPredicted, ColumnProfile, Evaluation, ReportSection


@dataclass(frozen=True, slots=True, eq=False)
class PlotData:
    """What a run leaves to draw.

    Attributes:
        evaluation: Coefficients, errors and least squares.
        predictions: By part of the rows, `train` and maybe `test`: actual and predicted values (n,), or a sample.
        loss: (epochs,) mean squared error of the training rows.
        rows: Moments, range and a sample of the training rows.
        columns: The same as a record per column.
        bias: Whether a bias was fitted.
    """

    evaluation: Evaluation
    predictions: Mapping[str, ActualPredicted]
    loss: NDArray[np.float64]
    rows: TableProfile
    columns: Sequence[ColumnProfile]
    bias: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture and its words.

    Attributes:
        image: PNG.
        caption: How to read it.
        alt: What it shows, in words and numbers, for readers who cannot see it.
    """

    image: bytes
    caption: str
    alt: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A figure of the report.

    Attributes:
        file: Name of its file.
        section: Section of the report that shows it.
        worth: From 0 to 100. Where the report is too large for Prefect's UI, the figures worth least are left out.
        draw: Draws it; None where these data leave nothing to draw.
    """

    file: str
    section: ReportSection
    worth: int
    draw: Callable[[PlotData], Drawing | None]
