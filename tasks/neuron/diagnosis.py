"""What speaks against a linear fit: the figures of its assumptions, from some of the rows, without another pass.

Large tables make every test significant and small ones make every figure large by chance. A check is therefore wrong
only where its figure is both large enough to matter and beyond chance; the thresholds stand beside the figures.
SciPy is imported by the functions, as in `student_t`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tasks.neuron.influence import influence
from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.sandwich import robust_errors
from tasks.neuron.segments import Segment

FailureName: TypeAlias = Literal[
    "inflation", "spread", "order", "normality", "curvature", "influence", "standard errors", "segment"
]

CHANCE = 0.01  # p value below which a test is beyond chance
INFLATED = 10.0  # variance inflation: the standard error is more than three times what it would be alone
EXPLAINED = 0.02  # share of the variance that a pattern must have to matter
ORDERED = 0.5  # distance of the Durbin–Watson statistic from 2: a correlation of a quarter between neighbours
STRAIGHT = 0.97  # correlation of the Q–Q plot; uniform errors have 0.977, and do no harm
FAR = 1.0  # Cook's distance, as R draws it
DIFFERENT = 1.5  # ratio of HC3's to the classic standard error, either way
WORSE = 1.5  # ratio of a segment's root mean squared error to that of all rows
QQ_ROWS = range(5, 5001)  # for which the approximation of the p value holds


@dataclass(frozen=True, slots=True)
class Check:
    """Hold what a check came to.

    Attributes:
        name: Of the check.
        figure: Its statistic, see `diagnose`.
        p: Of its test; None where it has none.
        wrong: Whether the figure matters and is beyond chance.
        subject: The column, or the segment, that it is about; empty where it is about the fit.
    """

    name: FailureName
    figure: float
    p: float | None
    wrong: bool
    subject: str = ""


def diagnose(names: Sequence[str], reference: LeastSquares, rows: Batch) -> list[Check]:
    """Check the assumptions of a least-squares fit.

    Args:
        names: (d,) of the features.
        reference: Least squares on all training rows; not an exact fit.
        rows: Some of them, in their order; all of them for Durbin–Watson. What is checked of weighted rows are the
            residuals times √weight, which are to be of equal size.
    """
    freedom = rows.rows - reference.parameters
    if freedom < 3 or not reference.degrees_of_freedom or not reference.rank:
        return []
    matrix, target = rows.matrix, np.asarray(rows.target, np.float64)
    roots = np.ones(rows.rows) if rows.roots is None else rows.roots
    residuals = (target - matrix @ reference.weights - reference.bias) * roots
    design = np.column_stack(
        [np.ones(rows.rows), (matrix - reference.factor.centre) @ reference.factor.inverse]
    )
    found = [
        inflation(names, reference),
        breusch_pagan(design, residuals),
        reset(design if reference.has_bias else design[:, 1:], target, roots, has_bias=reference.has_bias),
        normality(residuals),
        *([durbin_watson(residuals)] if rows.rows == reference.rows else []),
        cook(reference, rows),
        robustness(names, reference, rows),
    ]
    return [check for check in found if check is not None]


def inflation(names: Sequence[str], reference: LeastSquares) -> Check:
    """Return the largest variance inflation, 1 / (1 − R²ⱼ) of a feature regressed on the others."""
    factor = reference.factor
    worst = int(np.argmax(factor.inflation))
    figure = float(factor.inflation[worst])
    return Check("inflation", figure, None, figure > INFLATED, names[factor.kept[worst]])


def breusch_pagan(design: Array, residuals: Array) -> Check:
    """Return R² of the squared residuals on the features, and its test: n·R² against χ² (R. Koenker, 1981).

    Args:
        design: (n, k) features, the first column 1.
        residuals: (n,).
    """
    from scipy.special import chdtrc

    squares = residuals**2 / np.mean(residuals**2) - 1
    left = squares - design @ np.linalg.lstsq(design, squares, rcond=None)[0]
    total = float(np.sum((squares - squares.mean()) ** 2))
    explained = 1 - float(left @ left) / total if total else 0.0
    p = float(chdtrc(design.shape[1] - 1, len(residuals) * max(explained, 0.0)))
    return Check("spread", explained, p, p < CHANCE and explained > EXPLAINED)


def reset(design: Array, target: Array, roots: Array, *, has_bias: bool) -> Check | None:
    """Return the share of the residual variance that powers of the prediction explain: J. B. Ramsey's RESET, 1969.

    The F test of the square and the cube of the prediction beside the features, refitted to these rows.

    Args:
        design: (n, k).
        target: (n,).
        roots: (n,) √weight of the rows.
        has_bias: Whether the design has a constant; without, the powers are not centred, which would add one.
    """
    from scipy.special import fdtrc

    weighed, goal = design * roots[:, None], target * roots
    fitted = design @ np.linalg.lstsq(weighed, goal, rcond=None)[0]
    freedom = len(target) - design.shape[1] - 2
    if freedom < 1 or not np.ptp(fitted):
        return None
    line = (fitted - (fitted.mean() if has_bias else 0.0)) / fitted.std()
    powers = np.column_stack([line**2, line**3]) * roots[:, None]
    powers -= weighed @ np.linalg.lstsq(weighed, powers, rcond=None)[0]
    left = goal - fitted * roots
    before = float(left @ left)
    left = left - powers @ np.linalg.lstsq(powers, left, rcond=None)[0]
    explained = 1 - float(left @ left) / before
    p = float(fdtrc(2, freedom, explained / max(1 - explained, 1e-300) * freedom / 2))
    return Check("curvature", explained, p, p < CHANCE and explained > EXPLAINED)


def durbin_watson(residuals: Array) -> Check:
    """Return Σ(eₜ − eₜ₋₁)² / Σe², about 2 − 2·r with r between neighbours; tested by r·√n against the normal."""
    from scipy.special import erfc

    figure = float(np.sum(np.diff(residuals) ** 2) / np.sum(residuals**2))
    p = float(erfc(abs(figure - 2) / 2 * np.sqrt(len(residuals) / 2)))
    return Check("order", figure, p, p < CHANCE and abs(figure - 2) > ORDERED)


def normality(residuals: Array) -> Check | None:
    """Return the correlation of the Q–Q plot, and its test: S. Shapiro and R. Francia, 1972; p by P. Royston, 1993."""
    from scipy.special import erfc, ndtri

    n = len(residuals)
    if n not in QQ_ROWS or not np.ptp(residuals):
        return None
    scores = ndtri((np.arange(1, n + 1) - 0.375) / (n + 0.25))
    figure = float(np.corrcoef(np.sort(residuals), scores)[0, 1])
    u = np.log(n)
    v = np.log(u)
    z = (np.log(1 - figure**2) + 1.2725 - 1.0521 * (v - u)) / (1.0308 - 0.26758 * (v + 2 / u))
    p = float(erfc(z / np.sqrt(2)) / 2)
    return Check("normality", figure, p, p < CHANCE and figure < STRAIGHT)


def cook(reference: LeastSquares, rows: Batch) -> Check | None:
    """Return the largest Cook's distance, and which row has it, counted from 1, if these are all training rows."""
    deviation = reference.residual_deviation
    found = influence(reference, rows, reference.weights, reference.bias, deviation).cook
    if np.isnan(found).all():
        return None
    worst = int(np.nanargmax(found))
    place = f"{worst + 1:,}" if rows.rows == reference.rows else ""
    return Check("influence", float(found[worst]), None, float(found[worst]) > FAR, place)


def robustness(names: Sequence[str], reference: LeastSquares, rows: Batch) -> Check | None:
    """Return the ratio of HC3's standard error to the classic one that is farthest from 1, and its weight's name."""
    found = robust_errors([MemoryPart(rows)], reference, "HC3").weights
    ratios = (found / reference.standard_errors)[reference.factor.kept]
    if not (np.isfinite(ratios) & (ratios > 0)).all():
        return None
    worst = int(np.argmax(np.abs(np.log(ratios))))
    figure = float(ratios[worst])
    wrong = max(figure, 1 / figure) > DIFFERENT
    return Check("standard errors", figure, None, wrong, names[reference.factor.kept[worst]])


def worst_segment(found: Sequence[Segment], rmse: float) -> Check | None:
    """Return the largest ratio of a segment's root mean squared error to that of all rows.

    Args:
        found: The segments, see `segments`.
        rmse: Of all rows.
    """
    if not found or not rmse:
        return None
    worst = max(found, key=lambda each: each.rmse)
    figure = worst.rmse / rmse
    return Check("segment", figure, None, figure > WORSE, f"{worst.column} = {worst.label}")
