"""The rows that a fit misses by most: found some rows at a time, and known by their place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from tasks.neuron.moments import Array

MOST = 10
GROUP = 256  # rows


@dataclass(frozen=True, slots=True)
class Miss:
    """Hold a row whose error is large.

    Attributes:
        file: Number of its file, from 0.
        row: Its place there, from 0.
        actual: In units of the target.
        predicted: The same.
    """

    file: int
    row: int
    actual: float
    predicted: float

    @property
    def error(self) -> float:
        """Return |actual − predicted|."""
        return abs(self.actual - self.predicted)

    def moved(self, file: int, rows: int) -> Miss:
        """Return the same row where so many rows of this file come before those that it was found in."""
        return replace(self, file=file, row=self.row + rows)


def misses(actual: Array, predicted: Array) -> tuple[Miss, ...]:
    """Return the largest errors of rows, both (n,), the largest first."""
    errors = np.abs(actual - predicted)
    least = _least(errors) if len(errors) > MOST else 0.0
    over, ties = np.flatnonzero(errors > least), np.flatnonzero(errors == least)
    places = np.concatenate([over, ties[:MOST]])
    return largest(Miss(0, int(place), float(actual[place]), float(predicted[place])) for place in places)


def _least(errors: Array) -> float:
    """Return the smallest of the largest errors.

    It is no less than the smallest of the largest of groups' own largest errors, which few of all errors reach.
    """
    groups = errors[: len(errors) // GROUP * GROUP].reshape(-1, GROUP).max(axis=1)
    if len(groups) >= MOST:
        errors = errors[errors >= np.partition(groups, -MOST)[-MOST]]
    return float(np.partition(errors, -MOST)[-MOST])


def largest(found: Iterable[Miss]) -> tuple[Miss, ...]:
    """Return the largest errors among those found in several places; of equal ones the first."""
    return tuple(sorted(found, key=lambda each: (-each.error, each.file, each.row))[:MOST])
