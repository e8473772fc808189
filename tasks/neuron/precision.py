"""How precise moments must be for least squares from them."""

from __future__ import annotations

import numpy as np

from tasks.neuron.moments import MOST_SLICES, SLICE, Moments

DIGITS = 46  # bits that the weights are to have, about 13.8 digits
FLOAT = 53  # bits of a product in plain float64


def slices_needed(m: Moments) -> int:
    """Return into how many slices rows must be cut, judged by moments in plain float64.

    Weights lose bits by the square of the condition number κ: 2 log₂ κ + 46 ≤ 53 + 20·(slices − 1), so that plain
    products do up to κ = 11, two slices up to 10⁴. κ is that of the centred, scaled features; where rounding hides it,
    the most slices are needed. About zero, without a bias, the same holds: the products are made about the mean, and
    moved from there without loss.

    Args:
        m: Moments of (features…, target).
    """
    second = m.scatter[:-1, :-1]
    size = np.sqrt(np.maximum(np.diag(second), 0.0))
    live = size > 0
    if not live.any():
        return 1
    values = np.linalg.eigvalsh(second[np.ix_(live, live)] / np.outer(size[live], size[live]))
    if not values[0] > 0:
        return MOST_SLICES
    lost = float(np.log2(values[-1] / values[0])) + DIGITS - FLOAT
    return min(1 + max(0, int(np.ceil(lost / SLICE))), MOST_SLICES)
