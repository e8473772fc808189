"""The error over the last runs, as SVG.

It is new in every run, so it is drawn when the pages are written and not by the cached stage `report`; and by a
template instead of Matplotlib, whose import would cost a cached run a second.
"""

from collections.abc import Sequence

from tasks.outputs.result import Figure, Result
from tasks.page.comparison import scored_rows, started, when
from tasks.page.figures.colours import BLUE, GREY, VERMILION
from tasks.page.templating import rendered
from tasks.page.text import counted, number

# No wider: on a phone the picture shrinks to the screen's width, and its letters with it.
WIDTH, HEIGHT = 400, 170
LEFT, RIGHT, TOP, BOTTOM = 68, WIDTH - 16, 16, HEIGHT - 34


def draw_trend(runs: Sequence[Result], failed: Sequence[str] = ()) -> tuple[bytes, Figure]:
    """Draw the RMSE of several runs, the oldest on the left; return the picture with its record.

    Args:
        runs: The runs, this one last.
        failed: The names of runs that failed before it, which have no RMSE: a cross each. Together with `runs` at least
            two.
    """
    # A run is named by the time when it was due. Those that finished stay in the order in which they did.
    later = sorted(failed, reverse=True)
    points: list[tuple[str, float | None]] = []
    for run in runs:
        while later and later[-1] < run.run:
            points.append((later.pop(), None))
        points.append((run.run, run.rmse))

    now, values = runs[-1], [run.rmse for run in runs]
    figure = Figure(
        file="trend.svg",
        section="trend",
        worth=90,
        caption=f"RMSE of the {scored_rows(now)} over the last {counted(len(runs), 'run')}.{_crosses(len(failed))}",
        alt=(
            f"Line of the RMSE over {counted(len(runs), 'run')} since {started(runs[0])}: "
            f"{number(values[0], 4)} at first, between {number(min(values), 4)} and {number(max(values), 4)} in all, "
            f"{number(values[-1], 4)} now.{_told(failed)}"
        ),
    )
    return trend_line([value for _, value in points], when(points[0][0])), figure


def trend_line(values: Sequence[float | None], since: str) -> bytes:
    """Draw at least two values as a line, on opaque white; `since` stands under the first.

    Args:
        values: None where there is none: a cross at the bottom, which the line passes over. The last is a number.
        since: When the first was.
    """
    low, high = _range([value for value in values if value is not None])
    step = (RIGHT - LEFT) / (len(values) - 1)

    def down(value: float) -> float:
        return round(TOP + (BOTTOM - TOP) * (high - value) / (high - low), 1)

    places = [(round(LEFT + step * index, 1), value) for index, value in enumerate(values)]
    return rendered(
        "trend.svg.j2",
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        rules=[(down(value), number(value, 4)) for value in (high, (low + high) / 2, low)],
        points=[(x, down(value)) for x, value in places if value is not None],
        crosses=[x for x, value in places if value is None],
        bottom=BOTTOM,
        since=since,
        blue=BLUE,
        grey=GREY,
        vermilion=VERMILION,
    ).encode()


def _crosses(failed: int) -> str:
    words = {0: "", 1: " The cross is a failed run."}
    return words.get(failed, f" The {failed} crosses are failed runs.")


def _told(failed: Sequence[str]) -> str:
    if not failed:
        return ""
    return f" {counted(len(failed), 'run')} failed: {', '.join(when(name) for name in sorted(failed))}."


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.08 * (high - low)
    if margin <= 1e-6 * high:
        margin = 0.05 * high or 1.0
    return max(low - margin, 0.0), high + margin
