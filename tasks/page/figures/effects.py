"""The weights as a picture: each in standard deviations, with its 95 % interval, the most certain ones first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.outputs.result import ColumnProfile
from tasks.page.coefficients import Coefficient, coefficients
from tasks.page.figures.canvas import LONGEST_LABEL, drawable, drawing, label, legend, png
from tasks.page.figures.colours import BLUE, GREY, VERMILION
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.text import counted, named, number, visible

MOST_DRAWN = 20  # weights in the picture: those with the largest |t|
MOST_DESCRIBED = 8  # weights in its alternative text


def draw(data: PlotData) -> Drawing | None:
    """Draw the weights that have an interval, if there are any."""
    shown = effects(coefficients(data.evaluation), data.columns)
    if not shown:
        return None
    return Drawing(coefficient_plot(shown), _caption(shown), _alt(shown))


PLOT = Plot("coefficients.png", section="weights", worth=80, draw=draw)


@dataclass(frozen=True, slots=True)
class Effect:
    """A weight times its feature's standard deviation over the target's: comparable, whatever the units."""

    name: str
    estimate: float
    low: float
    high: float
    true: float | None
    strength: float


def effects(listed: Sequence[Coefficient], profile: Sequence[ColumnProfile]) -> list[Effect]:
    """Scale the weights that have an interval; the largest |t| first."""
    spread = {column.name: column.sd for column in profile[:-1]}
    target = profile[-1].sd if profile else None
    scaled = [
        Effect(
            name=each.name,
            estimate=each.estimate * unit,
            low=each.low * unit,
            high=each.high * unit,
            true=None if each.true is None else each.true * unit,
            strength=abs(each.t),
        )
        for each in listed
        if not each.is_bias and each.t is not None and each.low is not None and each.high is not None
        if target and (sd := spread.get(each.name)) and (unit := sd / target)
    ]
    return sorted(scaled, key=lambda effect: -effect.strength)


def coefficient_plot(found: Sequence[Effect]) -> bytes:
    """Draw estimates as dots, least squares' intervals as bars, the truth, where it is known, as crosses."""
    shown = list(reversed(found[:MOST_DRAWN]))
    places = range(len(shown))
    with drawing(5.6, 1.5 + 0.32 * max(len(shown), 2)) as figure:
        axes = figure.add_subplot()
        axes.axvline(0, color=GREY, linewidth=1)
        middle = [(effect.low + effect.high) / 2 for effect in shown]
        half = [(effect.high - effect.low) / 2 for effect in shown]
        axes.errorbar(
            middle,
            places,
            xerr=half,
            fmt="none",
            ecolor=BLUE,
            elinewidth=2.2,
            capsize=6,
            capthick=2.2,
            label="95 % interval",
        )
        axes.plot([e.estimate for e in shown], places, "o", color=VERMILION, markersize=5.5, label="estimate")
        known = [(effect.true, place) for place, effect in enumerate(shown) if effect.true is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "x", color="black", markersize=8, label="true")
        axes.set_yticks(list(places), [_tick(effect.name) for effect in shown], parse_math=False)
        axes.set_ylim(-0.6, len(shown) - 0.4)
        label(axes, "effect of one standard deviation,\nin standard deviations of the target", "")
        legend(axes, columns=3)
        return png(figure)


def _tick(name: str) -> str:
    """Cut a long name in its middle: what tells columns apart is often at the end."""
    shown = visible(name)
    half = LONGEST_LABEL // 2
    return drawable(shown if len(shown) <= LONGEST_LABEL else f"{shown[: half - 1]}…{shown[-half:]}")


def _caption(found: Sequence[Effect]) -> str:
    return (
        f"Estimates with the 95 % intervals of least squares: {_which(found)}, each as the effect of one standard "
        "deviation of the feature, in standard deviations of the target."
    )


def _alt(found: Sequence[Effect]) -> str:
    shown = found[:MOST_DRAWN]
    described = "; ".join(
        f"{named(effect.name)} {number(effect.estimate, 3)} "
        f"(interval {number(effect.low, 3)} to {number(effect.high, 3)})"
        for effect in shown[:MOST_DESCRIBED]
    )
    rest = len(shown) - MOST_DESCRIBED
    more = f"; and {rest} more, as in the table" if rest > 0 else ""
    return f"Dot plot of {_which(found)}, in standard deviations: {described}{more}."


def _which(found: Sequence[Effect]) -> str:
    if len(found) <= MOST_DRAWN:
        return counted(len(found), "weight")
    return f"the {MOST_DRAWN} of {counted(len(found), 'weight')} with the largest |t|"
