"""Nights without a store: a least-squares fit each to new rows, and the gate between it and the champion."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.config import Gate
from tasks.neuron.paired import error_gain, paired_rows
from tasks.outputs.gate import Rival, comparison_of, decide
from tasks.outputs.registry import ModelVersion
from tests.page.examples import result_of

VERSION = ModelVersion(number=3, run="20261122T000000-0123abcd")
GATE = Gate(promote_if="better")

# Draws the errors (n,) of some rows.
Noise = Callable[[np.random.Generator, int], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Night:
    """What came of a night: whether the new model was promoted, and the slope of the model in use from then on."""

    promoted: bool
    slope: float


def normal(rng: np.random.Generator, rows: int) -> NDArray[np.float64]:
    """Draw errors of standard deviation 1."""
    return rng.normal(size=rows)


def nights(
    slopes: Sequence[float], train: int, test: int, seed: int, noise: Noise = normal
) -> Iterator[Night]:
    """Fit every night anew, y = slope·x − b + c/2 + 2 + noise, and let the gate decide."""
    rng, run = np.random.default_rng(seed), result_of()
    champion: NDArray[np.float64] | None = None
    for slope in slopes:
        x = np.column_stack([rng.normal(size=(train + test, 3)), np.ones(train + test)])
        y = x @ np.array([slope, -1.0, 0.5, 2.0]) + noise(rng, train + test)
        new = np.linalg.lstsq(x[:train], y[:train])[0]
        held, target = x[train:], y[train:]
        found = None
        if champion is not None:
            gain = error_gain(paired_rows(target, held @ champion, held @ new), GATE.confidence)
            found = Rival(VERSION, comparison=comparison_of(gain, GATE.confidence, test, test, "row"))
        promoted = decide(GATE, run, found).outcome == "promoted"
        champion = new if promoted or champion is None else champion
        yield Night(promoted, float(champion[0]))
