"""Student's t distribution: how likely a t as large as this one is by chance, and how wide an interval must be.

From the regularised incomplete beta function I, by its continued fraction: W. H. Press et al., "Numerical
Recipes", 3rd edition, section 6.4; evaluated by Lentz's method in I. J. Thompson and A. R. Barnett's form.
"""

import math

NORMAL_ABOVE = 1e6  # degrees of freedom
TINY = 1e-300
ROUNDS = 10_000  # the fraction needs some √(degrees of freedom) of them
EPSILON = 1e-16


def two_sided(t: float, degrees: float) -> float:
    """Return the chance that |T| ≥ |t| for `degrees` > 0 degrees of freedom: I(ν/(ν + t²); ν/2, 1/2).

    >>> round(two_sided(2.228139, 10), 6)
    0.05
    """
    if not degrees > 0:
        raise ValueError(f"`degrees` must be above 0, got {degrees}; without any there is no t")
    if math.isinf(t):
        return 0.0
    if degrees > NORMAL_ABOVE:
        # Abramowitz and Stegun, 26.7.8: z = t·(1 − 1/(4ν))/√(1 + t²/(2ν)) is normal up to terms of 1/ν².
        z = t * (1 - 1 / (4 * degrees)) / math.sqrt(1 + t * t / (2 * degrees))
        return math.erfc(abs(z) / math.sqrt(2))
    # 1 − x is passed on as well: next to 1, x alone has lost the digits that a small t leaves.
    square = t * t
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + square), square / (degrees + square))


def critical(chance: float, degrees: float) -> float:
    """Return the t > 0 that |T| exceeds with this chance, 0 < chance < 1: for a 95 % interval, 0.05.

    >>> round(critical(0.05, 10), 6)
    2.228139
    """
    if not 0 < chance < 1:
        raise ValueError(f"`chance` must lie between 0 and 1, got {chance}")
    low, high = 0.0, 1.0
    while two_sided(high, degrees) > chance:
        low, high = high, 2 * high
    while high - low > 4e-16 * high:
        middle = (low + high) / 2
        if middle in {low, high}:
            break
        if two_sided(middle, degrees) > chance:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def incomplete_beta(a: float, b: float, x: float, rest: float | None = None) -> float:
    """Return I(x; a, b), the regularised incomplete beta function, for a, b > 0 and 0 ≤ x ≤ 1.

    Args:
        a: First shape.
        b: Second shape.
        x: Upper end of the integral.
        rest: 1 − x, where it is known better than by subtracting.
    """
    rest = 1 - x if rest is None else rest
    if x <= 0 or rest <= 0:
        return float(x > 0)
    if x > (a + 1) / (a + b + 2):  # the fraction converges fast on the other side
        return 1 - incomplete_beta(b, a, rest, x)
    front = math.exp(_log_front(a, b) + a * _log(x, rest) + b * _log(rest, x))
    return front * _fraction(a, b, x) / a


def _log(x: float, rest: float) -> float:
    """Return ln x, from 1 − x where x is so near to 1 that this holds more of its digits."""
    return math.log(x) if x < 0.5 else math.log1p(-rest)


def _log_front(a: float, b: float) -> float:
    """Return ln 1/B(a, b); for large a the two large logarithms are subtracted by Stirling's series instead."""
    if a < 1000:
        return math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    # ln Γ(a + b) − ln Γ(a), with s(z) = 1/(12 z) − 1/(360 z³) the series' first terms
    ratio = (a + b - 0.5) * math.log1p(b / a) + b * math.log(a) - b + _stirling(a + b) - _stirling(a)
    return ratio - math.lgamma(b)


def _stirling(z: float) -> float:
    return 1 / (12 * z) - 1 / (360 * z**3)


def _fraction(a: float, b: float, x: float) -> float:
    """Evaluate the continued fraction 1/(1 + d₁/(1 + d₂/(1 + …))) of the incomplete beta function."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, ROUNDS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1 / _away(1 + even * d), _away(1 + even / c)
        value *= d * c
        d, c = 1 / _away(1 + odd * d), _away(1 + odd / c)
        step = d * c
        value *= step
        if abs(step - 1) <= EPSILON:
            break
    return value


def _away(value: float) -> float:
    """Keep a denominator away from zero."""
    return value if abs(value) > TINY else TINY
