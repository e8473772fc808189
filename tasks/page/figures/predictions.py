"""Predictions against actual values.

Up to 20,000 points are dots, train and test in a colour and a shape each. More are a density per part: dots would
hide each other.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from tasks.page.figures.canvas import drawable, drawing, label, legend, png
from tasks.page.figures.colours import BLUE, VERMILION
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.figures.points import Points, Range, finite, limits
from tasks.page.text import counted, named, number

# Points of all parts together.
DENSITY_ABOVE = 20_000

_DOTS = ((BLUE, "o", 0.55), (VERMILION, "^", 0.85))
_FEW_TO_MANY = ["#D3E5F2", "#56A5D6", "#00568A"]


def draw(data: PlotData) -> Drawing:
    """Draw the figure and describe the points that are in it."""
    target = named(data.evaluation.target)
    clouds = ". ".join(_described(part, *points) for part, points in finite(data.predictions).items())
    return Drawing(
        image=predicted_against_actual(data.evaluation.target, data.predictions),
        caption=f"Predicted against actual {target}. The closer to the line, the better.",
        alt=f"Predicted against actual {target}, with the line where the two are equal. {clouds}.",
    )


PLOT = Plot("predicted_against_actual.png", section="fit", worth=70, draw=draw)


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


def _described(part: str, actual: NDArray[np.float64], predicted: NDArray[np.float64]) -> str:
    error = np.abs(actual - predicted)
    return (
        f"{part}: {counted(actual.size, 'row')}, actual values from {number(actual.min(), 4)} to "
        f"{number(actual.max(), 4)}, median absolute error {number(np.median(error), 3)}, "
        f"largest {number(error.max(), 3)}"
    )


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
