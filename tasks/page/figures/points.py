"""The points of a figure: pairs of finite numbers, and their range."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = tuple[NDArray[np.float64], NDArray[np.float64]]
Range = tuple[float, float]


def finite(parts: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> dict[str, Points]:
    """Keep the pairs of finite numbers, as float64, and the parts that have any."""
    points = {}
    for part, pair in parts.items():
        actual, predicted = (np.asarray(values, dtype=np.float64) for values in pair)
        if actual.ndim != 1 or actual.shape != predicted.shape:
            raise ValueError(
                f"`{part}` must be two arrays of shape (n,); got {actual.shape} and {predicted.shape}"
            )
        both = np.isfinite(actual) & np.isfinite(predicted)
        if both.any():
            points[part] = (actual[both], predicted[both])
    return points


def limits(arrays: Iterable[NDArray[np.float64]]) -> Range:
    """Return the range of all values, with a margin that is never empty."""
    ends = [end for array in arrays for end in (float(array.min()), float(array.max()))] or [0.0]
    low, high = min(ends), max(ends)
    margin = 0.04 * (high - low) or 0.04 * abs(low) or 1.0
    return low - margin, high + margin
