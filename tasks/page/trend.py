"""How the error went over the last runs: a table of the newest, and a line that is drawn without Matplotlib.

Matplotlib takes a second to import, which a run whose stages are all cached should not pay: this picture is new in
every run, and simple enough to be written as SVG by hand.
"""

from collections.abc import Iterator, Sequence

from tasks.config import values
from tasks.outputs.result import Result
from tasks.page.blocks import Block, Heading, Paragraph, Picture, Strong, TableBlock, Text
from tasks.page.colours import BLUE, GREY, VERMILION
from tasks.page.text import counted, number

FILE = "trend.svg"
NEWEST = 5
"""Runs in the table, this one included."""

_WIDTH, _HEIGHT = 400, 170  # no wider: a phone shrinks it to fit, and what is written in it
_LEFT, _RIGHT, _TOP, _BOTTOM = 68, 16, 16, 34


def trend(past: Sequence[Result], now: Result) -> Iterator[Block]:
    """Write the section: the picture from the second run on, the table, what was set otherwise the last time."""
    yield Heading(2, "Trend")
    if not past:
        yield Paragraph(
            "The first run in this folder with this target and these features: nothing to compare with."
        )
        return
    runs = [*past, now]
    yield Picture(FILE, f"RMSE of the {_part(now)} over the last {counted(len(runs), 'run')}.", _spoken(runs))
    yield _table(runs)
    yield Paragraph(_settings(past[-1], now))


def trend_picture(runs: Sequence[Result]) -> bytes:
    """Draw the RMSE of at least two runs, the oldest on the left, as SVG on opaque white."""
    values = [run.rmse for run in runs]
    low, high = _range(values)
    wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    across = [_LEFT + wide * index / (len(values) - 1) for index in range(len(values))]
    down = [_TOP + tall * (high - value) / (high - low) for value in values]
    points = list(zip(across, down, strict=True))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{BLUE}"/>' for x, y in points[:-1])
    x, y = points[-1]
    rules = "".join(
        f'<path d="M{_LEFT} {height:.1f}H{_WIDTH - _RIGHT}" stroke="#E4E4E4"/>'
        f'<text x="{_LEFT - 8}" y="{height + 4:.1f}" text-anchor="end">{number(value, 4)}</text>'
        for value, height in ((high, _TOP), ((low + high) / 2, _TOP + tall / 2), (low, _TOP + tall))
    )
    ends = (
        f'<text x="{_LEFT}" y="{_HEIGHT - 10}">{moment(runs[0])}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 10}" text-anchor="end">this run</text>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="14" fill="{GREY}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>{rules}{ends}'
        f'<polyline points="{line}" fill="none" stroke="{BLUE}" stroke-width="2"/>{dots}'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{VERMILION}"/></svg>'
    ).encode()


def compared(past: Result, now: Result) -> str:
    """Say how far the RMSE is from the run before: the difference, and its share.

    Differences below the sixth digit are none: that is where another processor's rounding begins.
    """
    difference = now.rmse - past.rmse
    if abs(difference) <= 1e-6 * max(past.rmse, now.rmse):
        return "the same"
    share = f" ({100 * difference / past.rmse:+.2g} %)" if past.rmse else ""
    return f"{'+' if difference > 0 else '-'}{number(abs(difference), 3)}{share}"


def moment(run: Result) -> str:
    """Write when a run started, in UTC: its name begins with it."""
    name = run.run
    return f"{name[:4]}-{name[4:6]}-{name[6:8]} {name[9:11]}:{name[11:13]}"


def _table(runs: Sequence[Result]) -> TableBlock:
    newest = list(reversed(runs))[:NEWEST]
    before = [*list(reversed(runs))[1 : NEWEST + 1], None]
    return TableBlock(
        caption=f"The newest of them, with the RMSE of the {_part(runs[-1])}.",
        header=["run", "rows", "RMSE", "against the run before", "like least squares"],
        rows=[
            [*_named(run, run is runs[-1]), compared(older, run) if older else "–", _yes(run)]
            for run, older in zip(newest, before, strict=False)
        ],
        align="lrrrl",
    )


def _named(run: Result, is_this: bool) -> list[Text]:
    rows = run.metrics.train.rows + (run.metrics.test.rows if run.metrics.test else 0)
    name: Text = [run.run, " ", Strong("(this one)")] if is_this else run.run
    return [name, f"{rows:,}", number(run.rmse, 4)]


def _yes(run: Result) -> str:
    return "yes" if run.verdict.converged else "no"


def _settings(before: Result, now: Result) -> str:
    old, new = ({str(each): value for each, value in values(run.settings)} for run in (before, now))
    changed = [
        f"{name} {_value(old.get(name))} → {_value(new.get(name))}"
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    ]
    return f"Set otherwise than in the run before: {'; '.join(changed) or 'nothing'}."


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value)) or "–"
    return "–" if value is None else str(value)


def _spoken(runs: Sequence[Result]) -> str:
    values = [run.rmse for run in runs]
    return (
        f"Line of the RMSE over {len(runs)} runs since {moment(runs[0])}: {number(values[0], 4)} at first, between "
        f"{number(min(values), 4)} and {number(max(values), 4)} in all, {number(values[-1], 4)} in this run."
    )


def _part(run: Result) -> str:
    return "test rows" if run.metrics.test else "training rows"


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    margin = 0.08 * (high - low)
    if margin <= 1e-6 * high:
        margin = 0.05 * high or 1.0
    return max(low - margin, 0.0), high + margin
