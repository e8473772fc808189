"""Two shapes that the residuals of a sound linear fit do not have: a fan and a curve.

Each is a correlation r over the rows, and is named where r is both large enough to see in a plot and, at n rows, beyond
chance by n·r² against χ² with one degree of freedom. With many rows the first limit decides, with few the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from tasks.neuron.moments import Array

PatternName = Literal["fan", "curve"]

# |r| below which nobody would see the shape in a plot: 4 % of the variance.
VISIBLE = 0.2

# n·r² that chance exceeds once in a hundred sound fits: the 99 % point of χ² with one degree of freedom.
BEYOND_CHANCE = 6.635

FEWEST = 8  # rows from which a shape is looked for


@dataclass(frozen=True, slots=True)
class Pattern:
    """A shape in the residuals, and the correlation by which it was found."""

    name: PatternName
    correlation: float


def residual_patterns(fitted: Array, residuals: Array) -> list[Pattern]:
    """Name the shapes in residuals (n,) over fitted values (n,).

    A fan: |residual| grows or falls with the fitted value (H. Glejser, JASA 64 (1969), 316-323). A curve: the residual
    goes with the square of the fitted value, less what is linear in it (J. W. Tukey, Biometrics 5 (1949), 232-242).
    """
    if fitted.size < FEWEST or not np.ptp(fitted):
        return []
    centred = fitted - fitted.mean()
    line = centred / np.abs(centred).max()  # first, so that no square leaves a float's range
    line /= line.std()
    bow = line**2 - np.polyval(np.polyfit(line, line**2, 1), line)
    found = {"fan": _correlation(line, np.abs(residuals)), "curve": _correlation(bow, residuals)}
    names: tuple[PatternName, ...] = ("fan", "curve")
    return [
        Pattern(name, found[name])
        for name in names
        if abs(found[name]) >= VISIBLE and fitted.size * found[name] ** 2 >= BEYOND_CHANCE
    ]


def _correlation(a: Array, b: Array) -> float:
    """Return Pearson's r of two (n,); 0 where one of them is constant."""
    a, b = a - a.mean(), b - b.mean()
    largest_a, largest_b = np.abs(a).max(), np.abs(b).max()
    if not (largest_a and largest_b):
        return 0.0
    a, b = a / largest_a, b / largest_b  # so that no square leaves a float's range
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))
