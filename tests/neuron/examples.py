"""Data to fit in the tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Problem = tuple[Array, Array]  # features (n, d) and targets (n,)


def example_problem(seed: int, *, rows: int = 800, noise: float = 1.0) -> tuple[Array, Array]:
    """Return y = 2·x − 3·z + 5 + noise with everything uniform, features (n, 2) and targets (n,)."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-10, 10, (rows, 2))
    return x, x @ [2.0, -3.0] + 5 + rng.uniform(-noise, noise, rows)


def random_problem(seed: int, rows: int, features: int) -> tuple[Array, Array]:
    """Return Gaussian features of mixed scale and offset, with Gaussian noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, features)) * np.logspace(-2, 3, features) + np.linspace(-50, 50, features)
    weights = rng.normal(size=features) / np.logspace(-2, 3, features)
    return x, x @ weights + 7 + rng.normal(size=rows)


def shifted(x: Array, y: Array) -> Problem:
    """Return features far from zero."""
    return x + 1e7, y


def with_a_constant(x: Array, y: Array) -> Problem:
    """Return one feature more, the same in all rows."""
    return np.insert(x, 1, 0.1, axis=1), y


def doubled(x: Array, y: Array) -> Problem:
    """Return every feature twice."""
    return np.repeat(x, 2, axis=1), y
