"""Where a training stands: what one block hands to the next, and what one process can hand to another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.neuron.moments import Array


class State(NamedTuple):
    """Hold what one block hands to the next: weights (k,), bias, and the number of steps made."""

    weights: Array
    bias: float
    step: int


class End(NamedTuple):
    """Hold where a stream ends in a round: its state, its rows and the sum of their squared errors."""

    state: State
    rows: int
    squares: float


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """Hold the end of an epoch: all that the rest of a training depends on, besides its data and its settings.

    Attributes:
        state: In the units of the training.
        loss: (epochs so far,) as in `Fit`.
        shuffles: State of the generator that draws the order of the rows, as NumPy gives it; of streams empty.
        ends: Of the streams of the next round that are through already, the first ones of them.
    """

    state: State
    loss: Array
    shuffles: Mapping[str, Any]
    ends: Sequence[End] = ()

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the same as named arrays, to the last bit."""
        return {
            "weights": self.state.weights,
            "bias": np.array(self.state.bias),
            "step": np.array(self.state.step),
            "loss": self.loss,
            "shuffles": np.array(json.dumps(self.shuffles)),
            "ends": np.array([_flat(end) for end in self.ends]).reshape(-1, len(self.state.weights) + 4),
        }


def restored(arrays: Mapping[str, NDArray[Any]]) -> Checkpoint:
    """Return the checkpoint that `Checkpoint.arrays` made these of."""
    state = State(arrays["weights"], float(arrays["bias"]), int(arrays["step"]))
    ends = [_end(numbers) for numbers in arrays["ends"]]
    return Checkpoint(state, arrays["loss"], json.loads(str(arrays["shuffles"])), ends)


def _flat(end: End) -> Array:
    """Return an end as numbers (k + 4,); floats hold whole numbers up to 2⁵³."""
    return np.array([*end.state.weights, end.state.bias, end.state.step, end.rows, end.squares])


def _end(numbers: Array) -> End:
    *weights, bias, step, rows, squares = numbers.tolist()
    return End(State(np.array(weights), bias, int(step)), int(rows), squares)
