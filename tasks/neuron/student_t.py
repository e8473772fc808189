"""Student's t distribution: p values and critical values, by SciPy.

SciPy is imported by the functions, not by the module: only the cached stage `evaluate` calls them, and a run that
takes everything from the cache should not pay for the import.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.moments import Array


@dataclass(frozen=True, slots=True, eq=False)
class TTests:
    """Hold the t tests of k estimates against zero; NaN where an estimate has no positive standard error.

    Attributes:
        t: (k,) estimate / standard error.
        p: (k,) two-sided p values.
        low: (k,) lower ends of the confidence intervals, in the estimates' units.
        high: (k,) upper ends.
    """

    t: Array
    p: Array
    low: Array
    high: Array


def t_tests(estimates: ArrayLike, standard_errors: ArrayLike, degrees: int, level: float = 0.95) -> TTests:
    """Test each estimate against zero and return its confidence interval: estimate ± critical value · error.

    Args:
        estimates: (k,).
        standard_errors: (k,) in the same units; NaN where unknown.
        degrees: Degrees of freedom of the residual variance; with none, every result is NaN.
        level: Confidence level of the intervals, between 0 and 1.
    """
    estimate, error = np.asarray(estimates, np.float64), np.asarray(standard_errors, np.float64)
    error = np.where((error > 0) & (degrees > 0), error, np.nan)
    if np.isnan(error).all():
        return TTests(error, error, error, error)
    t = estimate / error
    span = critical(1 - level, degrees) * error
    return TTests(t, two_sided(t, degrees), estimate - span, estimate + span)


def two_sided(t: ArrayLike, degrees: int) -> Array:
    """Return the two-sided p value P(|T| ≥ |t|) of each t, with full relative precision in the far tails.

    Args:
        t: (k,) or a scalar; NaN stays NaN.
        degrees: Degrees of freedom.

    Returns:
        As many p values.

    Raises:
        ValueError: If `degrees` is not positive.

    >>> two_sided([0.0, 2.228139, -2.228139], 10).round(6)
    array([1.  , 0.05, 0.05])
    """
    from scipy.special import stdtr

    _check(degrees)
    # The lower tail, since 1 − P would round anything below 1e-16 to zero.
    return np.asarray(2 * stdtr(degrees, -np.abs(t)))


def critical(chance: float, degrees: int) -> float:
    """Return the t > 0 that |T| exceeds with this probability, 0 < chance < 1; 0.05 for a 95 % interval.

    Raises:
        ValueError: If `chance` does not lie between 0 and 1, or `degrees` is not positive.

    >>> round(critical(0.05, 10), 6)
    2.228139
    """
    from scipy.special import stdtrit

    _check(degrees)
    if not 0 < chance < 1:
        raise ValueError(f"`chance` must lie between 0 and 1, got {chance}")
    return -float(stdtrit(degrees, chance / 2))


def _check(degrees: int) -> None:
    if degrees < 1:
        raise ValueError(f"`degrees` must be at least 1, got {degrees}; t needs a degree of freedom")
