"""The weights as a picture: each in standard deviations, with its 95 % interval, the most certain ones first."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.outputs.result import ColumnProfile, Figure
from tasks.page.canvas import LONGEST_LABEL, drawable, drawing, label, legend, png
from tasks.page.coefficients import Coefficient
from tasks.page.colours import BLUE, GREY, VERMILION
from tasks.page.text import counted, named, number, visible

MOST = 20
"""Weights that are drawn: those with the largest |t|."""

SPOKEN = 8
"""Weights that are told to those who do not see the picture."""

FILE = "coefficients.png"


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
    shown = list(reversed(found[:MOST]))
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


def coefficient_figure(found: Sequence[Effect]) -> Figure:
    """Say what the picture shows."""
    shown = found[:MOST]
    which = (
        f"the {len(shown)} of {counted(len(found), 'weight')} with the largest |t|"
        if len(found) > MOST
        else counted(len(shown), "weight")
    )
    told = "; ".join(
        f"{named(effect.name)} {number(effect.estimate, 3)} "
        f"(interval {number(effect.low, 3)} to {number(effect.high, 3)})"
        for effect in shown[:SPOKEN]
    )
    rest = f"; and {len(shown) - SPOKEN} more, as in the table" if len(shown) > SPOKEN else ""
    return Figure(
        file=FILE,
        caption=(
            f"Estimates with the 95 % intervals of least squares: {which}, each as the effect of one standard "
            "deviation of the feature, in standard deviations of the target."
        ),
        alt=f"Dot plot of {which}, in standard deviations: {told}{rest}.",
    )
