"""Two figures as PNG bytes: predictions against actual values, and the loss curve.

Up to 20,000 points are dots, train and test in a colour and a shape each; more are a density per part.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import ArrayLike, NDArray

from tasks.page.canvas import drawable, drawing, label, legend, png
from tasks.page.colours import BLUE, GREY, VERMILION
from tasks.page.points import Points, Range, finite, limits
from tasks.page.text import number

DENSITY_ABOVE = 20_000
"""Points, of all parts together, above which a density is drawn: dots would hide each other."""

_DOTS = ((BLUE, "o", 0.55), (VERMILION, "^", 0.85))
_FEW_TO_MANY = ["#D3E5F2", "#56A5D6", "#00568A"]


def predicted_against_actual(target: str, parts: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> bytes:
    """Draw predictions (y) against actual values (x), with the line where the two are equal.

    Args:
        target: The target's name.
        parts: By part (`train`, then `test`): actual (n,) and predicted (n,). Only finite pairs are drawn.
    """
    points = finite(parts)
    ends = limits(array for pair in points.values() for array in pair)
    with drawing(*_size(points)) as figure:
        for axes in _panels(figure, points, ends, ends):
            axes.plot(ends, ends, color="black", linewidth=0.8, zorder=3, label="predicted = actual")
            axes.set_aspect("equal")
            label(axes, f"actual {drawable(target)}", f"predicted {drawable(target)}")
            legend(axes, columns=1 if _dense(points) else 2)
        return png(figure)


def loss_curve(loss: ArrayLike, baseline: float | None = None) -> bytes:
    """Draw the training loss, a mean squared error, epoch by epoch on a logarithmic scale.

    Args:
        loss: Mean squared error of each epoch, (epochs,).
        baseline: Mean squared error of predicting the training mean; a dashed line.
    """
    errors = np.asarray(loss, dtype=np.float64)
    with drawing(5.6, 3.9) as figure:
        axes = figure.add_subplot()
        marker = "o" if errors.size <= 20 else None
        axes.plot(
            np.arange(1, errors.size + 1), errors, color=BLUE, linewidth=1.8, marker=marker, label="neuron"
        )
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


def _panels(figure: Figure, points: Mapping[str, Points], x: Range, y: Range) -> list[Axes]:
    """Draw all parts as dots in one panel, or each as a density in its own; return the panels."""
    panels = _densities(figure, points, (*x, *y)) if _dense(points) else [_dots(figure, points)]
    for axes in panels:
        axes.set(xlim=x, ylim=y)
    return panels


def _size(points: Mapping[str, Points]) -> Range:
    """Choose width and height in inches for the panels to come."""
    if _dense(points):
        return (9.0, 4.5) if len(points) > 1 else (6.6, 5.4)
    return 5.6, 5.8


def _dense(points: Mapping[str, Points]) -> bool:
    return _rows(points) > DENSITY_ABOVE


def _rows(points: Mapping[str, Points]) -> int:
    return sum(across.size for across, _ in points.values())


def _dots(figure: Figure, points: Mapping[str, Points]) -> Axes:
    axes = figure.add_subplot()
    size, fade = (18, 1.0) if _rows(points) <= 2000 else (6, 0.5)
    for (part, (x, y)), (colour, marker, alpha) in zip(points.items(), _DOTS, strict=False):
        name = f"{part} ({x.size:,} rows)"
        axes.scatter(x, y, s=size, c=colour, marker=marker, alpha=fade * alpha, linewidths=0, label=name)
    return axes


def _densities(
    figure: Figure, points: Mapping[str, Points], extent: tuple[float, float, float, float]
) -> list[Axes]:
    """Count points in hexagons, on one scale of colour for all panels."""
    panels = list(figure.subplots(1, len(points), squeeze=False, sharey=True)[0])
    colours, norm = LinearSegmentedColormap.from_list("few_to_many", _FEW_TO_MANY), LogNorm(vmin=1)
    counts = []
    for axes, (part, (x, y)) in zip(panels, points.items(), strict=True):
        counts.append(
            axes.hexbin(x, y, gridsize=36, mincnt=1, extent=extent, cmap=colours, norm=norm, linewidths=0.2)
        )
        axes.plot([], [], "h", color=_FEW_TO_MANY[1], label=f"{part} ({x.size:,} rows)")
    norm.vmax = max(max(cells.get_array(), default=1) for cells in counts)
    figure.colorbar(
        counts[0], ax=panels, label="rows in a cell", format=FuncFormatter(lambda rows, _: f"{rows:,.0f}")
    )
    return panels
