"""What the other figures show, in words and numbers, for those who do not see them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.outputs.result import Evaluation, Figure
from tasks.page.points import finite
from tasks.page.text import counted, named, number

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def predictions_figure(findings: Evaluation, parts: Mapping[str, Pair]) -> Figure:
    """Describe predicted against actual; `parts` are the points that are drawn."""
    target = named(findings.target)
    clouds = ". ".join(_cloud(part, *points) for part, points in finite(parts).items())
    return Figure(
        file="predicted_against_actual.png",
        caption=f"Predicted against actual {target}: the nearer to the line, the better.",
        alt=f"Predicted against actual {target}, with the line where the two are equal. {clouds}.",
    )


def loss_figure(loss: ArrayLike, baseline: float) -> Figure:
    """Describe the loss curve; `baseline` is the mean squared error of predicting the training mean."""
    errors = np.asarray(loss, dtype=np.float64)
    return Figure(
        file="loss_curve.png",
        caption="The training loss by epoch, beside what predicting the training mean would leave (dashed).",
        alt=(
            f"Mean squared error of the training rows over {counted(errors.size, 'epoch')}: "
            f"{number(errors[0], 4)} in the first, {number(errors.min(), 4)} at the lowest, {number(errors[-1], 4)} "
            f"in the last; predicting the training mean leaves {number(baseline, 4)}."
        ),
    )


def _cloud(part: str, actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> str:
    away = np.abs(actual - predicted)
    return (
        f"{part}: {counted(actual.size, 'row')}, actual values from {number(actual.min(), 4)} to "
        f"{number(actual.max(), 4)}, half of the predictions within {number(np.median(away), 3)} of them, "
        f"the worst {number(away.max(), 3)} away"
    )
