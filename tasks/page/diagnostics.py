"""The four diagnostic plots that R's `plot.lm` made standard, in one picture.

Residuals against fitted values, normal Q-Q, scale-location, residuals against leverage with contours of Cook's
distance; a smoothed line (local linear, as in R's lowess but not robust) where a trend would show.
"""

from statistics import NormalDist

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from tasks.neuron.influence import Influence
from tasks.outputs.result import Figure
from tasks.page.canvas import drawable, drawing, label, png
from tasks.page.colours import BLUE, GREY, VERMILION
from tasks.page.points import limits
from tasks.page.text import number

Array = NDArray[np.float64]

FILE = "diagnostics.png"
CONTOURS = (0.5, 1.0)
SPAN = 2 / 3
"""Share of the points that a place of the smoothed line looks at."""
PLACES = 40


def drawable_rows(found: Influence) -> NDArray[np.bool_]:
    """Say which rows can be drawn: those that the fit could have missed."""
    return np.isfinite(found.standardised)


def diagnostic_plots(target: str, found: Influence, parameters: int) -> bytes:
    """Draw the four plots of some training rows; `drawable_rows` must hold at least one."""
    rows = drawable_rows(found)
    fitted, residuals = found.fitted[rows], found.residuals[rows]
    standardised, leverage = found.standardised[rows], found.leverage[rows]
    with drawing(9.0, 7.8) as figure:
        (first, second), (third, fourth) = figure.subplots(2, 2)
        _cloud(first, fitted, residuals, smooth=True)
        first.axhline(0, color="black", linewidth=0.8)
        _named(first, "residuals against fitted", f"fitted {drawable(target)}", "residual")
        expected = normal_quantiles(standardised.size)
        _cloud(second, expected, np.sort(standardised), smooth=False)
        second.axline((0, 0), slope=1, color="black", linewidth=0.8)
        _named(second, "normal Q–Q", "normal quantile", "standardised residual")
        _cloud(third, fitted, np.sqrt(np.abs(standardised)), smooth=True)
        third.set_ylim(bottom=0)
        _named(third, "scale–location", f"fitted {drawable(target)}", "√|standardised residual|")
        _cloud(fourth, leverage, standardised, smooth=True)
        fourth.axhline(0, color="black", linewidth=0.8)
        _contours(fourth, leverage, standardised, parameters)
        _named(fourth, "residuals against leverage", "leverage", "standardised residual")
        return png(figure)


def diagnostic_figure(found: Influence, rows: int) -> Figure:
    """Say what the four plots show, and of how many of all training rows."""
    drawn = drawable_rows(found)
    fitted, residuals, standardised = found.fitted[drawn], found.residuals[drawn], found.standardised[drawn]
    which = (
        f"{drawn.sum():,} of {rows:,} training rows" if drawn.sum() < rows else f"all {rows:,} training rows"
    )
    across, line = smoothed(fitted, residuals)
    _, scale = smoothed(fitted, np.sqrt(np.abs(standardised)))
    normal = float(normal_quantiles(standardised.size)[-1])
    trend = f"the smoothed line stays between {number(line.min(), 3)} and {number(line.max(), 3)}"
    return Figure(
        file=FILE,
        caption=(
            f"Residuals of {which}. Sound: an even band around zero on the left, dots along the line in the Q–Q plot "
            "if the noise is normal, and nothing beyond the contours of Cook's distance."
        ),
        alt=(
            f"Four plots of {which}. Residuals against fitted values: from {number(residuals.min(), 3)} to "
            f"{number(residuals.max(), 3)}; {trend if across.size else 'no line'}. Normal Q–Q: standardised residuals "
            f"reach from {number(standardised.min(), 3)} to {number(standardised.max(), 3)}, where normal ones would "
            f"reach ±{number(normal, 3)}. Scale–location: the smoothed line runs between {number(scale.min(), 3)} and "
            f"{number(scale.max(), 3)}. Residuals against leverage: largest leverage "
            f"{number(found.leverage[drawn].max(), 3)}, largest Cook's distance {number(found.cook[drawn].max(), 3)}."
        ),
    )


def normal_quantiles(count: int) -> Array:
    """Return where `count` sorted draws from a normal distribution are to be expected, as R's `ppoints` has it."""
    offset = 3 / 8 if count <= 10 else 1 / 2
    chances = (np.arange(1, count + 1) - offset) / (count + 1 - 2 * offset)
    return np.array([NormalDist().inv_cdf(chance) for chance in chances])


def smoothed(x: Array, y: Array) -> tuple[Array, Array]:
    """Fit a local line with tricube weights at up to 40 places of x; return the places and the line's heights."""
    places = np.unique(np.quantile(x, np.linspace(0, 1, PLACES)))
    near = max(2, int(SPAN * x.size))
    return places, np.array([_local(place, x, y, near) for place in places])


def _local(place: float, x: Array, y: Array, near: int) -> float:
    distance = np.abs(x - place)
    reach = np.partition(distance, min(near, x.size) - 1)[min(near, x.size) - 1]
    if not reach:
        return float(y[distance == 0].mean())
    weight = np.clip(1 - (distance / (1.0001 * reach)) ** 3, 0, 1) ** 3
    centre, level = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.average((x - centre) ** 2, weights=weight)
    slope = np.average((x - centre) * (y - level), weights=weight) / spread if spread else 0.0
    return float(level + slope * (place - centre))


def _cloud(axes: Axes, x: Array, y: Array, smooth: bool) -> None:
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
    edge = np.sqrt(CONTOURS[0] * max(parameters, 1) * (1 - right) / right)
    if edge < max(map(abs, axes.get_ylim())):
        axes.legend(loc="lower left", fontsize=9)


def _named(axes: Axes, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=12, loc="left")
    label(axes, x, y)
