"""Least squares in exact rational arithmetic: the oracle for digits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from tasks.neuron.moments import Array


@dataclass(frozen=True, slots=True)
class Exact:
    """Hold the solution of the stored numbers; the bias is the last one where there is one."""

    estimates: tuple[Fraction, ...]
    standard_errors: tuple[float, ...]
    residual_sum: Fraction


def exact_fit(features: Array, targets: Array, *, bias: bool = True) -> Exact:
    """Solve the normal equations of float64 numbers without rounding, by Gauss and Jordan."""
    ones = [Fraction(1)] if bias else []
    rows = [[*map(Fraction, row), *ones] for row in features.tolist()]
    y = [Fraction(value) for value in targets.tolist()]
    size = len(rows[0])
    columns = list(zip(*rows, strict=True))
    system = [
        [*(_dot(a, b) for b in columns), _dot(a, y), *(Fraction(i == j) for j in range(size))]
        for i, a in enumerate(columns)
    ]
    for i in range(size):
        system[i] = [value / system[i][i] for value in system[i]]
        for j in range(size):
            if i != j and (factor := system[j][i]):
                system[j] = [a - factor * b for a, b in zip(system[j], system[i], strict=True)]
    estimates = tuple(row[size] for row in system)
    residual_sum = sum(((t - _dot(estimates, row)) ** 2 for row, t in zip(rows, y, strict=True)), Fraction(0))
    variance = residual_sum / max(len(rows) - size, 1)
    errors = tuple(math.sqrt(variance * system[i][size + 1 + i]) for i in range(size))
    return Exact(estimates, errors, residual_sum)


def digits(values: Array, exact: tuple[Fraction, ...] | tuple[float, ...]) -> float:
    """Return the least number of right digits, at most 16: −log₁₀ of the relative error, taken exactly."""
    right = 16.0
    for value, expected in zip(values.tolist(), map(Fraction, exact), strict=True):
        gap = abs(Fraction(value) - expected)
        if gap:
            right = min(right, -math.log10(float(gap / abs(expected)) if expected else float(gap)))
    return right


def _dot(a: tuple[Fraction, ...] | list[Fraction], b: tuple[Fraction, ...] | list[Fraction]) -> Fraction:
    return sum((p * q for p, q in zip(a, b, strict=True)), Fraction(0))


def table(name: str, target: str) -> tuple[Array, Array, list[str]]:
    """Return features, target and the features' names of a table in tests/data/numbers."""
    from tests.paths import ROOT

    read = np.genfromtxt(ROOT / "tests" / "data" / "numbers" / f"{name}.csv", delimiter=",", names=True)
    assert read.dtype.names is not None
    names = [each for each in read.dtype.names if each != target]
    return np.column_stack([read[each] for each in names]), read[target], names
