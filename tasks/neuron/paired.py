"""Two models on the same rows: by how much the errors differ, and whether that is chance.

Rows are drawn in units that are independent of each other: a row each, or the rows of a group or a day together. The
difference of the mean squared errors is a ratio of sums over units, D = Σ S / Σ n, with S the sum of the differences in
a unit and n its rows. Its variance is that of the residuals S − n·D: W. G. Cochran, Sampling Techniques (1977), 6.13.

Where rows count by weights, S sums weight times difference, and n is the sum of the weights; so the same holds. A few
heavy units then carry the mean, and the normal distribution is too narrow: Student's t takes its place, as if there
were (Σ n)² / Σ n² units (L. Kish, Survey Sampling (1965), 11.7).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.moments import Array

# How an interval was found.
IntervalMethod: TypeAlias = Literal["normal", "bootstrap", "none"]

# Units below which the normal distribution is not trusted, and the units are drawn again instead.
FEW = 100

# Draws of the bootstrap: its 99 % interval rests on the 50 most extreme ones on either side.
DRAWS = 9_999


@dataclass(frozen=True, slots=True, eq=False)
class PairedErrors:
    """Sums over m rows in u units that two models have predicted; those of parts merge where no unit is in two parts.

    Attributes:
        rows: m, of those with a finite error of both models.
        unknown: Rows in which a model has no finite error.
        first: Σ of the first model's squared errors.
        second: Σ of the second model's.
        units: u.
        total: Σ n over the units: m, or the sum of the weights.
        is_weighted: Whether rows count by weights.
        moments: (3,) Σ S², Σ S·n and Σ n² over the units, with S the sum of first − second in a unit of n rows,
            each times its weight where rows have weights, and n then the sum of these.
        few: (u, 2) S and n of each unit, as long as there are few.
    """

    rows: int = 0
    unknown: int = 0
    first: float = 0.0
    second: float = 0.0
    units: int = 0
    total: float = 0.0
    is_weighted: bool = False
    moments: Array = field(default_factory=lambda: np.zeros(3))
    few: Array = field(default_factory=lambda: np.zeros((0, 2)))

    def __add__(self, other: PairedErrors) -> PairedErrors:
        """Merge with the sums over other units."""
        return PairedErrors(
            self.rows + other.rows,
            self.unknown + other.unknown,
            self.first + other.first,
            self.second + other.second,
            self.units + other.units,
            self.total + other.total,
            self.is_weighted or other.is_weighted,
            self.moments + other.moments,
            np.concatenate([self.few, other.few])[:FEW],
        )


@dataclass(frozen=True, slots=True)
class ErrorGain:
    """How much smaller the second model's RMSE is than the first one's, in units of the target.

    Attributes:
        first: RMSE of the first model.
        second: RMSE of the second model.
        low: Lower end of the interval of first − second; −∞ where nothing is known.
        high: Upper end.
        method: How the interval was found.
    """

    first: float
    second: float
    low: float
    high: float
    method: IntervalMethod

    @property
    def gain(self) -> float:
        """Return first − second."""
        return self.first - self.second


def paired_rows(
    target: ArrayLike, first: ArrayLike, second: ArrayLike, weights: ArrayLike | None = None
) -> PairedErrors:
    """Sum up rows that are units of their own.

    Args:
        target: (m,) true values.
        first: (m,) predictions of the first model.
        second: (m,) predictions of the second model.
        weights: (m,) by which rows count, > 0; all count as one by default.
    """
    errors = squared_errors(target, first), squared_errors(target, second)
    known = np.isfinite(errors[0]) & np.isfinite(errors[1])
    own = None if weights is None else np.asarray(weights, np.float64)[known]
    one, other = (each[known] if own is None else each[known] * own for each in errors)
    return paired_units(
        one - other,
        np.ones_like(one) if own is None else own,
        float(one.sum()),
        float(other.sum()),
        int(len(known) - len(one)),
        None if own is None else len(own),
    )


def paired_units(
    sums: ArrayLike, counts: ArrayLike, first: float, second: float, unknown: int, rows: int | None = None
) -> PairedErrors:
    """Take sums over units; with weights, of everything times the rows' weights.

    Args:
        sums: (u,) Σ of the first model's squared errors less the second one's, by unit.
        counts: (u,) rows by unit, or their weights.
        first: Σ of the first model's squared errors over all.
        second: Σ of the second model's.
        unknown: Rows in which a model has no finite error; they are in no unit.
        rows: where they count by weights, how many rows there are in all units.
    """
    s, n = np.asarray(sums, np.float64), np.asarray(counts, np.float64)
    return PairedErrors(
        rows=int(n.sum()) if rows is None else rows,
        unknown=unknown,
        first=first,
        second=second,
        units=len(s),
        total=float(n.sum()),
        is_weighted=rows is not None,
        moments=np.array([s @ s, s @ n, n @ n]),
        few=np.column_stack([s, n])[:FEW],
    )


def squared_errors(target: ArrayLike, predicted: ArrayLike) -> Array:
    """Return the squared errors (m,) of predictions; infinite where they leave float64's range."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.square(np.asarray(target, np.float64) - np.asarray(predicted, np.float64))


def error_gain(paired: PairedErrors, confidence: float) -> ErrorGain:
    """Compare two models: the difference of their RMSE with its two-sided interval.

    The interval is that of the difference of the mean squared errors, divided by the sum of both RMSE, since
    a² − b² = (a − b)(a + b). From `FEW` units on it is normal. Fewer units are drawn again with a fixed seed, and the
    interval is that of the t statistic (B. Efron and R. Tibshirani, An Introduction to the Bootstrap (1993), 12.5),
    which also holds for the skewed differences of a few rows. One unit says nothing of chance.

    Args:
        paired: Sums over at least one row.
        confidence: Between 0 and 1.

    Raises:
        ValueError: there is no row.
    """
    if not paired.rows:
        raise ValueError("no row has a finite error of both models")
    first, second = math.sqrt(paired.first / paired.total), math.sqrt(paired.second / paired.total)
    mean, error = _mean_and_error(paired)
    if paired.units < 2:
        return ErrorGain(first, second, -math.inf, math.inf, "none")

    alpha = (1 - confidence) / 2
    if paired.units >= FEW:
        method: IntervalMethod = "normal"
        reach = _quantile(paired, alpha) * error
        low, high = mean - reach, mean + reach
    else:
        method = "bootstrap"
        low, high = _bootstrapped(paired.few, mean, error, alpha)

    scale = first + second or 1.0
    return ErrorGain(first, second, low / scale, high / scale, method)


def _mean_and_error(paired: PairedErrors) -> tuple[float, float]:
    """Return the difference of the mean squared errors with its standard error."""
    mean = (paired.first - paired.second) / paired.total
    if paired.units < 2:
        return mean, math.inf
    squares, cross, sizes = paired.moments
    scatter = max(squares - 2 * mean * cross + mean**2 * sizes, 0.0)
    return mean, math.sqrt(scatter * paired.units / (paired.units - 1)) / paired.total


def _quantile(paired: PairedErrors, alpha: float) -> float:
    """Return how many standard errors the interval of many units reaches; see the module about weights."""
    normal = NormalDist().inv_cdf(1 - alpha)
    if not paired.is_weighted:
        return normal
    alike = max(2, math.floor(paired.total**2 / float(paired.moments[2]) + 1e-9))
    return _students_quantile(1 - 2 * alpha, alike - 1) if alike < FEW else normal


def _students_quantile(inside: float, degrees: int) -> float:
    """Return the t within which ±t a share of Student's distribution lies, without SciPy, which is slow to load."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):  # of the angle, by halves
        middle = (low + high) / 2
        low, high = (middle, high) if _students_share(middle, degrees) < inside else (low, middle)
    return math.tan(low) * math.sqrt(degrees)


def _students_share(angle: float, degrees: int) -> float:
    """Return the share within ±t, where t is tan(angle)·√degrees.

    M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.3 and 26.7.4.
    """
    sine, cosine = math.sin(angle), math.cos(angle)
    is_odd = degrees % 2
    term, total = (cosine, 0.0) if is_odd else (1.0, 0.0)
    for power in range(is_odd, degrees - 1, 2):
        total += term
        term *= cosine**2 * (power + 1) / (power + 2)
    return (angle + sine * total) * 2 / math.pi if is_odd else sine * total


def _bootstrapped(units: Array, mean: float, error: float, alpha: float) -> tuple[float, float]:
    """Return the ends of the interval of the mean over units (u, 2), by the bootstrap of its t statistic."""
    if not error:
        return mean, mean
    rng = np.random.default_rng(0)
    drawn = units[rng.integers(len(units), size=(DRAWS, len(units)))]
    sums, rows = drawn[..., 0], drawn[..., 1]
    total = rows.sum(axis=1)
    means = sums.sum(axis=1) / total
    scatter = np.square(sums - rows * means[:, np.newaxis]).sum(axis=1)
    errors = np.sqrt(scatter * len(units) / (len(units) - 1)) / total

    # A draw of equal units has no error of its own: it counts as infinitely far out on its side.
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.sort(np.nan_to_num((means - mean) / errors, nan=0.0, posinf=np.inf, neginf=-np.inf))
    place = max(1, round(alpha * (DRAWS + 1)))  # beyond the draws, the outermost ones
    return mean - float(t[-place]) * error, mean - float(t[place - 1]) * error
