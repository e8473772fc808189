"""What of an error is chance: how far an RMSE is known, and whether a model beats the mean.

All of it takes the rows to be independent of each other. Where they come in groups, or one follows from the last, the
intervals are too narrow. SciPy is imported by the functions, as in `student_t`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tasks.neuron.moments import Array
from tasks.neuron.student_t import critical, two_sided

LEVEL = 0.95

# Of a one-sided test: the same as that the 95 % interval of the difference lies above zero.
SIGNIFICANT = (1 - LEVEL) / 2


@dataclass(frozen=True, slots=True)
class WeightSums:
    """Hold what the weights w of numbers x come to.

    Attributes:
        total: Σw.
        squares: Σw².
        centre: Σw²x / Σw², about which a weighted sample's scatter is.
    """

    total: float
    squares: float
    centre: float


@dataclass(frozen=True, slots=True)
class LossSample:
    """Hold what n independent numbers say of their mean; those of parts add up.

    Attributes:
        rows: Their number n.
        mean: Their mean.
        scatter: Σ(number − mean)²; infinite where that is too large for a float.
        weights: Of weighted numbers, whose scatter is Σw²(number − centre)²; None where all count as one.
    """

    rows: int
    mean: float
    scatter: float
    weights: WeightSums | None = None

    @property
    def standard_error(self) -> float:
        """Return that of the mean, √(scatter / (n·(n − 1))); NaN for a single number.

        Of a weighted mean it is √(Σw²(number − mean)² · n / (n − 1)) / Σw.
        """
        if self.rows < 2:
            return math.nan
        if self.weights is None:
            return math.sqrt(self.scatter / (self.rows * (self.rows - 1)))
        with np.errstate(over="ignore"):
            off = self.weights.squares * float(np.float64(self.mean - self.weights.centre) ** 2)
        return math.sqrt((self.scatter + off) * self.rows / (self.rows - 1)) / self.weights.total

    def __add__(self, other: LossSample) -> LossSample:
        """Join two: T. F. Chan, G. H. Golub and R. J. LeVeque, 1979."""
        if self.weights is not None and other.weights is not None:
            return _joined(self, other, self.weights, other.weights)
        rows, gap = self.rows + other.rows, other.mean - self.mean
        with np.errstate(over="ignore"):
            between = float(np.float64(gap) ** 2) * self.rows * other.rows / rows
        return LossSample(rows, self.mean + gap * other.rows / rows, self.scatter + other.scatter + between)


def _joined(a: LossSample, b: LossSample, v: WeightSums, w: WeightSums) -> LossSample:
    total, squares, gap = v.total + w.total, v.squares + w.squares, w.centre - v.centre
    with np.errstate(over="ignore"):
        between = float(np.float64(gap) ** 2) * v.squares * w.squares / squares
    return LossSample(
        a.rows + b.rows,
        a.mean + (b.mean - a.mean) * w.total / total,
        a.scatter + b.scatter + between,
        WeightSums(total, squares, v.centre + gap * w.squares / squares),
    )


def sample_of(numbers: Array, weights: Array | None = None) -> LossSample:
    """Take in (n,) numbers, at least one, and maybe their weights."""
    if weights is not None:
        return _weighted_sample(numbers, weights)
    mean = float(np.mean(numbers))
    with np.errstate(over="ignore", invalid="ignore"):
        scatter = float(np.sum((numbers - mean) ** 2))
    return LossSample(len(numbers), mean, scatter)


def _weighted_sample(numbers: Array, weights: Array) -> LossSample:
    squares = weights**2
    centre = float(np.average(numbers, weights=squares))
    with np.errstate(over="ignore", invalid="ignore"):
        scatter = float(squares @ (numbers - centre) ** 2)
    mean = float(np.average(numbers, weights=weights))
    return LossSample(
        len(numbers), mean, scatter, WeightSums(float(weights.sum()), float(squares.sum()), centre)
    )


def rms_interval(squares: LossSample) -> tuple[float, float] | None:
    """Return the 95 % interval of the root of a mean of squares; None where the squares do not say.

    The logarithm of the mean has the standard error SE / mean (the delta method), which needs no normal errors as the
    χ² interval does; of 100 rows it holds the true value in 95 % of samples, in 91 % if the tails are heavy. Its
    critical value is that of Student's t with n − 1 degrees of freedom.

    >>> low, high = rms_interval(sample_of(np.array([1.0, 4.0, 9.0, 4.0]))) or (0.0, 0.0)
    >>> round(low, 2), round(high, 2)
    (1.18, 3.81)
    """
    error = squares.standard_error
    if not (math.isfinite(error) and squares.mean > 0):
        return None
    reach = critical(1 - LEVEL, squares.rows - 1) * error / squares.mean / 2
    root = math.sqrt(squares.mean)
    # Beyond that the square root of the largest float is near: a few rows that say nothing.
    return (root * math.exp(-reach), root * math.exp(reach)) if reach < 300 else None


def chance_of_no_gain(differences: LossSample) -> float | None:
    """Return the one-sided p value that one predictor is no better than another; None for a single row.

    Args:
        differences: Over the rows of a test, squared error of the other predictor − squared error of the one.

    Student's t test of the mean difference in loss: F. X. Diebold and R. S. Mariano, "Comparing Predictive Accuracy",
    Journal of Business & Economic Statistics 13 (1995), 253-263, for errors without autocorrelation.
    """
    error = differences.standard_error
    if not math.isfinite(error):
        return None
    if error == 0:
        return 0.0 if differences.mean > 0 else 1.0
    t = differences.mean / error
    half = float(two_sided(t, differences.rows - 1)) / 2
    return half if t > 0 else 1 - half


def chance_of_no_fit(mean_squares: float, left: float, weights: int, degrees: int) -> float | None:
    """Return the p value of the F test that no weight of a least-squares fit with a bias differs from zero.

    F = ((a − b) / k) / (b / m), with a the sum of squares about the mean, b the one that is left, k weights and m
    degrees of freedom: G. A. F. Seber and A. J. Lee, "Linear Regression Analysis", 2003, section 4.3.

    Args:
        mean_squares: a, of the training rows.
        left: b, of the same rows.
        weights: k, those that are determined.
        degrees: m; without any there is no test, and None is returned.
    """
    from scipy.special import fdtrc

    if degrees < 1 or weights < 1:
        return None
    if left <= 0:
        return 0.0 if mean_squares > 0 else 1.0
    return float(fdtrc(weights, degrees, max(mean_squares - left, 0.0) / weights / (left / degrees)))
