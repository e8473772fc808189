"""The four diagnostic plots that R's `plot.lm` made standard, in one picture.

Residuals against fitted values, normal Q–Q, scale–location, and residuals against leverage with contours of Cook's
distance. A smoothed line shows a trend where there should be none.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tasks.neuron.influence import Influence, influence, residual_deviation
from tasks.neuron.least_squares import solve_moments
from tasks.neuron.moments import Array
from tasks.page.figures.canvas import drawable, drawing, label, png
from tasks.page.figures.colours import BLUE, GREY, VERMILION
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.figures.points import limits
from tasks.page.figures.smoothing import normal_quantiles, smoothed
from tasks.page.text import number

CONTOURS = (0.5, 1.0)  # of Cook's distance: the two that R draws


def draw(data: PlotData) -> Drawing | None:
    """Draw the plots, unless there is no degree of freedom or the fit misses no row."""
    evaluation, sample = data.evaluation, data.rows.sample
    train = evaluation.metrics.train
    reference = solve_moments(data.rows.moments, bias=data.bias)
    rows = influence(
        reference,
        rows=sample,
        weights=np.array(list(evaluation.model.weights.values())),
        bias=evaluation.model.bias,
        deviation=residual_deviation(train.rmse, train.rows, reference.parameters, data.rows.moments.total),
    )
    if not drawable_rows(rows).any():
        return None

    return Drawing(
        image=diagnostic_plots(evaluation.fitted, rows, reference.parameters),
        caption=caption(rows, train.rows),
        alt=alt(rows, train.rows),
    )


PLOT = Plot("diagnostics.png", section="fit", worth=60, draw=draw)


def drawable_rows(rows: Influence) -> NDArray[np.bool_]:
    """Return which rows can be drawn: those that the fit can miss, which so have a standardised residual."""
    return np.isfinite(rows.standardised)


def diagnostic_plots(target: str, rows: Influence, parameters: int) -> bytes:
    """Draw the four plots; at least one row must be drawable.

    Args:
        target: Its name, for the axes.
        rows: Some of the training rows.
        parameters: Number of fitted parameters.
    """
    drawn = drawable_rows(rows)
    fitted, residuals = rows.fitted[drawn], rows.residuals[drawn]
    standardised, leverage = rows.standardised[drawn], rows.leverage[drawn]
    with drawing(9.0, 7.8) as figure:
        (first, second), (third, fourth) = figure.subplots(2, 2)

        _scatter(first, fitted, residuals, smooth=True)
        first.axhline(0, color="black", linewidth=0.8)
        _titled(first, "residuals against fitted", f"fitted {drawable(target)}", "residual")

        _scatter(second, normal_quantiles(standardised.size), np.sort(standardised), smooth=False)
        second.axline((0, 0), slope=1, color="black", linewidth=0.8)
        _titled(second, "normal Q–Q", "normal quantile", "standardised residual")

        _scatter(third, fitted, np.sqrt(np.abs(standardised)), smooth=True)
        third.set_ylim(bottom=0)
        _titled(third, "scale–location", f"fitted {drawable(target)}", "√|standardised residual|")

        _scatter(fourth, leverage, standardised, smooth=True)
        fourth.axhline(0, color="black", linewidth=0.8)
        _contours(fourth, leverage, standardised, parameters)
        _titled(fourth, "residuals against leverage", "leverage", "standardised residual")
        return png(figure)


def caption(rows: Influence, total: int) -> str:
    """Say how to read the plots; `total` is the number of all training rows."""
    return (
        f"Residuals of {_which(rows, total)}. A sound fit has an even band around zero on the left, dots along the "
        "line in the Q–Q plot if the noise is normal, and nothing beyond the contours of Cook's distance."
    )


def alt(rows: Influence, total: int) -> str:
    """Describe the plots in numbers."""
    drawn = drawable_rows(rows)
    fitted, residuals, standardised = rows.fitted[drawn], rows.residuals[drawn], rows.standardised[drawn]
    _, trend = smoothed(fitted, residuals)
    _, scale = smoothed(fitted, np.sqrt(np.abs(standardised)))
    normal = float(normal_quantiles(standardised.size)[-1])
    return (
        f"Four plots of {_which(rows, total)}. Residuals against fitted values: {_range(residuals)}; the smoothed "
        f"line: {_range(trend)}. Normal Q–Q: standardised residuals {_range(standardised)}; a normal sample would "
        f"reach ±{number(normal, 3)}. Scale–location: the smoothed line: {_range(scale)}. Residuals against "
        f"leverage: largest leverage {number(rows.leverage[drawn].max(), 3)}, largest Cook's distance "
        f"{number(rows.cook[drawn].max(), 3)}."
    )


def _which(rows: Influence, total: int) -> str:
    drawn = int(drawable_rows(rows).sum())
    return f"{drawn:,} of {total:,} training rows" if drawn < total else f"all {total:,} training rows"


def _range(values: Array) -> str:
    return f"from {number(values.min(), 3)} to {number(values.max(), 3)}"


def _scatter(axes: Axes, x: Array, y: Array, *, smooth: bool) -> None:
    size, alpha = (13, 0.5) if x.size <= 2000 else (5, 0.3)
    axes.scatter(x, y, s=size, c=BLUE, alpha=alpha, linewidths=0)
    if smooth:
        axes.plot(*smoothed(x, y), color=VERMILION, linewidth=1.6)
    axes.set(xlim=limits([x]), ylim=limits([y]))


def _contours(axes: Axes, leverage: Array, standardised: Array, parameters: int) -> None:
    """Draw where Cook's distance is 0.5 and 1: r² = D·k·(1 − h)/h."""
    right = min(1.08 * float(leverage.max()), 0.999)
    h = np.linspace(right / 500, right, 500)
    for distance, style in zip(CONTOURS, ("--", ":"), strict=True):
        edge = np.sqrt(distance * max(parameters, 1) * (1 - h) / h)
        axes.plot(h, edge, style, color=GREY, linewidth=1.2, label=f"Cook's distance {distance:g}")
        axes.plot(h, -edge, style, color=GREY, linewidth=1.2)
    axes.set(xlim=(0, right), ylim=limits([standardised]))
    axes.xaxis.set_major_locator(MaxNLocator(5))

    # A legend only where a contour is in sight.
    nearest = np.sqrt(CONTOURS[0] * max(parameters, 1) * (1 - right) / right)
    if nearest < max(map(abs, axes.get_ylim())):
        axes.legend(loc="lower left", fontsize=9)


def _titled(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=12, loc="left")
    label(axes, x, y)
