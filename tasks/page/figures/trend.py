"""The error over the last runs, as SVG.

It is new in every run, so it is drawn when the pages are written and not by the cached stage `report`; and by a
template instead of Matplotlib, whose import would cost a cached run a second.
"""

from collections.abc import Sequence

from tasks.outputs.result import Figure, Result
from tasks.page.comparison import scored_rows, started
from tasks.page.figures.colours import BLUE, GREY, VERMILION
from tasks.page.templating import rendered
from tasks.page.text import counted, number

# No wider: on a phone the picture shrinks to the screen's width, and its letters with it.
WIDTH, HEIGHT = 400, 170
LEFT, RIGHT, TOP, BOTTOM = 68, WIDTH - 16, 16, HEIGHT - 34


def draw_trend(runs: Sequence[Result]) -> tuple[bytes, Figure]:
    """Draw the RMSE of at least two runs, the oldest on the left; return the picture with its record."""
    now, values = runs[-1], [run.rmse for run in runs]
    figure = Figure(
        file="trend.svg",
        section="trend",
        worth=90,
        caption=f"RMSE of the {scored_rows(now)} over the last {counted(len(runs), 'run')}.",
        alt=(
            f"Line of the RMSE over {len(runs)} runs since {started(runs[0])}: {number(values[0], 4)} at first, "
            f"between {number(min(values), 4)} and {number(max(values), 4)} in all, {number(values[-1], 4)} now."
        ),
    )
    return trend_line(values, started(runs[0])), figure


def trend_line(values: Sequence[float], since: str) -> bytes:
    """Draw at least two values as a line, on opaque white; `since` stands under the first."""
    low, high = _range(values)
    step = (RIGHT - LEFT) / (len(values) - 1)

    def down(value: float) -> float:
        return round(TOP + (BOTTOM - TOP) * (high - value) / (high - low), 1)

    return rendered(
        "trend.svg.j2",
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        rules=[(down(value), number(value, 4)) for value in (high, (low + high) / 2, low)],
        points=[(round(LEFT + step * index, 1), down(value)) for index, value in enumerate(values)],
        since=since,
        blue=BLUE,
        grey=GREY,
        vermilion=VERMILION,
    ).encode()


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.08 * (high - low)
    if margin <= 1e-6 * high:
        margin = 0.05 * high or 1.0
    return max(low - margin, 0.0), high + margin
