"""Errors by segment: each level of a category, and each tenth of a number.

The segments of a column share out its rows, so that one with much larger errors than the others shows where a fit is
worst. A row whose level is not known belongs to none of the levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array

TENTHS = 10
FEWEST = 30  # rows of a segment; fewer say little of its error


@dataclass(frozen=True, slots=True)
class SegmentColumn:
    """Say how a column of the user's lies among the d features.

    Attributes:
        name: Of the column.
        first: Place of its first feature.
        levels: Of a category, the reference first, which has no feature; empty for a number, which is one feature.
    """

    name: str
    first: int
    levels: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Return how many features it has."""
        return len(self.levels) - 1 if self.levels else 1


@dataclass(frozen=True, slots=True)
class Segment:
    """Hold the errors of some rows, in units of the target.

    Attributes:
        column: By which they are chosen.
        label: The level, or the range.
        rows: How many they are.
        rmse: Their root mean squared error.
        mean: Of their residuals, target − prediction: what the fit misses there on average.
    """

    column: str
    label: str
    rows: int
    rmse: float
    mean: float


def segments(
    columns: Sequence[SegmentColumn], features: Array, residuals: Array, weights: Array | None = None
) -> list[Segment]:
    """Return all segments of at least `FEWEST` rows, the one with the largest error first.

    Args:
        columns: Of the user's table.
        features: (n, d).
        residuals: (n,) target − prediction.
        weights: (n,) by which the rows' errors count; all count as one by default.
    """
    counted = np.ones_like(residuals) if weights is None else weights
    found = [
        _segment(column.name, label, residuals[rows], counted[rows])
        for column in columns
        for label, rows in _shares(column, features)
        if rows.sum() >= FEWEST
    ]
    return sorted(found, key=lambda each: -each.rmse)


def _segment(column: str, label: str, residuals: Array, weights: Array) -> Segment:
    rmse, mean = root_mean_square(residuals, weights), float(np.average(residuals, weights=weights))
    return Segment(column, label, len(residuals), rmse, mean)


def root_mean_square(residuals: Array, weights: Array | None = None) -> float:
    """Return √(Σ w·residual² / Σ w) of (n,) residuals."""
    return float(np.sqrt(np.average(residuals**2, weights=weights)))


def _shares(column: SegmentColumn, features: Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the segments (n,) of a column's rows, each with what it is called; none of a column without two of them."""
    own = features[:, column.first : column.first + column.width]
    if len(column.levels) > 1:
        yield column.levels[0], np.asarray(~own.any(axis=1))
        yield from ((level, own[:, place] == 1) for place, level in enumerate(column.levels[1:]))
    elif not column.levels:
        yield from _ranges(own[:, 0])


def _ranges(values: Array) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield the values of a number with few of them, or its tenths."""
    different = np.unique(values)
    if 1 < len(different) <= TENTHS:
        yield from ((f"{value:.4g}", values == value) for value in different)
    elif len(different) > TENTHS:
        ends = np.unique(np.quantile(values, np.linspace(0, 1, TENTHS + 1)))
        places = np.clip(np.searchsorted(ends, values, side="right") - 1, 0, len(ends) - 2)
        for place in range(len(ends) - 1):
            yield f"{ends[place]:.4g} to {ends[place + 1]:.4g}", places == place
