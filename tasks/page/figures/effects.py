"""The weights in standard deviations with their 95 % intervals, the largest |t| first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.outputs.result import ColumnProfile
from tasks.page.coefficients import Coefficient, coefficients
from tasks.page.figures.canvas import LONGEST_LABEL, drawable, drawing, label, legend, png
from tasks.page.figures.colours import BLUE, GREY, VERMILION
from tasks.page.figures.plot import Drawing, Plot, PlotData
from tasks.page.text import counted, labels, named, number

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


def coefficient_plot(shown: Sequence[Effect]) -> bytes:
    """Draw estimates as dots, least squares' intervals as bars, the truth, where it is known, as crosses."""
    drawn = list(reversed(shown[:MOST_DRAWN]))  # the axis counts from below
    places = range(len(drawn))
    with drawing(5.6, 1.5 + 0.32 * max(len(drawn), 2)) as figure:
        axes = figure.add_subplot()
        axes.axvline(0, color=GREY, linewidth=1)

        middle = [(effect.low + effect.high) / 2 for effect in drawn]
        half = [(effect.high - effect.low) / 2 for effect in drawn]
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

        axes.plot([e.estimate for e in drawn], places, "o", color=VERMILION, markersize=5.5, label="estimate")
        known = [(effect.true, place) for place, effect in enumerate(drawn) if effect.true is not None]
        if known:
            axes.plot(*zip(*known, strict=True), "x", color="black", markersize=8, label="true")

        names = labels([effect.name for effect in drawn], LONGEST_LABEL)
        axes.set_yticks(list(places), [drawable(names[effect.name]) for effect in drawn], parse_math=False)
        axes.set_ylim(-0.6, len(drawn) - 0.4)
        label(axes, "effect of one standard deviation,\nin standard deviations of the target", "")
        legend(axes, columns=3)
        return png(figure)


def _caption(shown: Sequence[Effect]) -> str:
    return (
        f"Estimates with the 95 % intervals of least squares: {_which(shown)}, each as the effect of one standard "
        "deviation of the feature, in standard deviations of the target."
    )


def _alt(shown: Sequence[Effect]) -> str:
    drawn = shown[:MOST_DRAWN]
    described = "; ".join(
        f"{named(effect.name)} {number(effect.estimate, 3)} "
        f"(interval {number(effect.low, 3)} to {number(effect.high, 3)})"
        for effect in drawn[:MOST_DESCRIBED]
    )
    rest = len(drawn) - MOST_DESCRIBED
    more = f"; and {rest} more, as in the table" if rest > 0 else ""
    return f"Dot plot of {_which(shown)}, in standard deviations: {described}{more}."


def _which(shown: Sequence[Effect]) -> str:
    if len(shown) <= MOST_DRAWN:
        return counted(len(shown), "weight")
    return f"the {MOST_DRAWN} of {counted(len(shown), 'weight')} with the largest |t|"
