"""The residuals of the test rows: over the predictions, and against those of the training rows.

Rows that the fit has seen flatter it. A trend or a fan on the left, or quantiles off the line on the right, say that
new rows are missed in a way that the training rows do not show.
"""

import numpy as np
from matplotlib.axes import Axes

from tasks.neuron.moments import Array
from tasks.page.figures.canvas import drawable, drawing, label, png
from tasks.page.figures.colours import VERMILION
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.figures.points import finite, limits
from tasks.page.figures.smoothing import smoothed
from tasks.page.text import number

FEWEST = 5  # test rows
MOST = 5000  # dots
QUANTILES = 200


def draw(data: PlotData) -> Drawing | None:
    """Draw the two plots, unless there are hardly any test rows or they are all met."""
    points = finite(data.predictions)
    if set(points) != {"train", "test"} or len(points["test"][0]) < FEWEST:
        return None
    actual, predicted = points["test"]
    test, train = actual - predicted, points["train"][0] - points["train"][1]
    if not np.any(test):
        return None
    step = -(-len(test) // MOST)
    shown = f"{len(test[::step]):,} test rows"
    return Drawing(
        image=residual_plots(data.evaluation.target, predicted[::step], test[::step], train),
        caption=(
            f"Residuals of {shown}. A sound fit has an even band around zero on the left, and on the right dots along "
            "the line: new rows are missed by as much as those that were learnt from."
        ),
        alt=_described(shown, predicted[::step], test[::step], train),
    )


PLOT = Plot("test_residuals.png", section="fit", worth=55, draw=draw)


def residual_plots(target: str, predicted: Array, test: Array, train: Array) -> bytes:
    """Draw the two plots.

    Args:
        target: Its name, for the axes.
        predicted: (m,) of test rows.
        test: (m,) their residuals.
        train: (n,) residuals of training rows.
    """
    with drawing(9.0, 4.2) as figure:
        left, right = figure.subplots(1, 2)
        _dots(left, predicted, test)
        left.plot(*smoothed(predicted, test), color="black", linewidth=1.6)
        left.axhline(0, color="black", linewidth=0.8)
        left.set_title("test residuals against predicted", fontsize=12, loc="left")
        label(left, f"predicted {drawable(target)}", "residual")

        _dots(right, *_quantiles(train, test))
        right.axline((0, 0), slope=1, color="black", linewidth=0.8)
        right.set_title("quantiles of residuals", fontsize=12, loc="left")
        label(right, "training rows", "test rows")
        return png(figure)


def _dots(axes: Axes, x: Array, y: Array) -> None:
    size, alpha = (18, 0.7) if x.size <= 2000 else (6, 0.4)
    axes.scatter(x, y, s=size, c=VERMILION, marker="^", alpha=alpha, linewidths=0)
    axes.set(xlim=limits([x]), ylim=limits([y]))


def _quantiles(train: Array, test: Array) -> tuple[Array, Array]:
    """Return the same quantiles of both, no more than there are test rows."""
    places = (np.arange(min(QUANTILES, len(test))) + 0.5) / min(QUANTILES, len(test))
    return np.quantile(train, places), np.quantile(test, places)


def _described(shown: str, predicted: Array, test: Array, train: Array) -> str:
    _, trend = smoothed(predicted, test)
    low, middle, high = np.quantile(test, [0.05, 0.5, 0.95])
    least, half, most = np.quantile(train, [0.05, 0.5, 0.95])
    return (
        f"Two plots of {shown}. Residuals against predicted values: from {number(test.min(), 3)} to "
        f"{number(test.max(), 3)}; the smoothed line: from {number(trend.min(), 3)} to {number(trend.max(), 3)}. "
        f"Quantiles at 5, 50 and 95 %: {number(low, 3)}, {number(middle, 3)} and {number(high, 3)}, of training rows "
        f"{number(least, 3)}, {number(half, 3)} and {number(most, 3)}."
    )
