"""The curves of the diagnostic plots: normal quantiles, and a line through local fits."""

from statistics import NormalDist

import numpy as np

from tasks.neuron.moments import Array

SPAN = 2 / 3  # share of the points that each local line is fitted to, as in R's lowess
PLACES = 40  # at which local lines are fitted


def normal_quantiles(count: int) -> Array:
    """Return the (count,) expected order statistics of a standard normal sample, as R's `qnorm(ppoints(n))`."""
    offset = 3 / 8 if count <= 10 else 1 / 2
    chances = (np.arange(1, count + 1) - offset) / (count + 1 - 2 * offset)
    return np.array([NormalDist().inv_cdf(chance) for chance in chances])


def smoothed(x: Array, y: Array) -> tuple[Array, Array]:
    """Fit local lines with tricube weights; unlike lowess, without the robust iterations.

    Args:
        x: (n,).
        y: (n,).

    Returns:
        Up to 40 places along x, and the height of the line at each.
    """
    places = np.unique(np.quantile(x, np.linspace(0, 1, PLACES)))
    near = max(2, int(SPAN * x.size))
    return places, np.array([_local(place, x, y, near) for place in places])


def _local(place: float, x: Array, y: Array, near: int) -> float:
    """Return the height at `place` of the weighted line through the `near` nearest points."""
    distance = np.abs(x - place)
    nearest = min(near, x.size) - 1
    reach = np.partition(distance, nearest)[nearest]
    if not reach:  # so many ties that no line is determined
        return float(y[distance == 0].mean())

    # A little wider than the farthest point, which would otherwise get weight 0.
    weight = np.clip(1 - (distance / (1.0001 * reach)) ** 3, 0, 1) ** 3
    centre, level = np.average(x, weights=weight), np.average(y, weights=weight)
    spread = np.average((x - centre) ** 2, weights=weight)
    slope = np.average((x - centre) * (y - level), weights=weight) / spread if spread else 0.0
    return float(level + slope * (place - centre))
