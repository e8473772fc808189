"""The training loss by epoch, beside the loss of predicting the training mean."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from tasks.page.figures.canvas import drawing, label, legend, png
from tasks.page.figures.colours import BLUE, GREY
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.text import counted, number


def draw(data: PlotData) -> Drawing:
    """Draw the loss curve and describe it."""
    loss, baseline = data.loss, data.evaluation.baseline.train.rmse**2
    return Drawing(
        image=loss_curve(loss, baseline),
        caption="Training loss by epoch. The dashed line is the loss of predicting the training mean.",
        alt=(
            f"Mean squared error of the training rows over {counted(loss.size, 'epoch')}: "
            f"{number(loss[0], 4)} in the first, {number(loss.min(), 4)} at the lowest, {number(loss[-1], 4)} "
            f"in the last. Predicting the training mean gives {number(baseline, 4)}."
        ),
    )


PLOT = Plot("loss_curve.png", section="training", worth=50, draw=draw)


def loss_curve(loss: ArrayLike, baseline: float | None = None) -> bytes:
    """Draw the training loss, a mean squared error, epoch by epoch on a logarithmic scale.

    Args:
        loss: (epochs,) mean squared error of each epoch.
        baseline: Mean squared error of predicting the training mean; a dashed line.
    """
    errors = np.asarray(loss, dtype=np.float64)
    with drawing(5.6, 3.9) as figure:
        axes = figure.add_subplot()
        marker = "o" if errors.size <= 20 else None
        epochs = np.arange(1, errors.size + 1)
        axes.plot(epochs, errors, color=BLUE, linewidth=1.8, marker=marker, label="neuron")

        if baseline is not None:
            axes.axhline(
                baseline, color=GREY, linestyle="--", linewidth=1.3, label="mean of the training targets"
            )
            legend(axes)

        _scale(axes, np.append(errors, baseline if baseline is not None else np.nan))
        axes.set_xlim(0.6, errors.size + 0.4)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
        label(axes, "epoch", "mean squared error, training rows")
        return png(figure)


def _scale(axes: Axes, values: NDArray[np.float64]) -> None:
    """Set a logarithmic scale with plain numbers on it, unless no value has a logarithm (a perfect fit)."""
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size:
        steps = (1, 2, 5) if positive.max() / positive.min() < 1e3 else (1,)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=steps))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 4)))
