"""The settings of a training, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from tasks.neuron.recipe import Recipe

Initializer: TypeAlias = Literal["glorot_uniform", "uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Say how to train.

    Attributes:
        recipe: `calibrated` or `tutorial`, see `tasks.neuron.recipe`.
        epochs: Passes over the rows.
        batch_size: Rows a step; at most n are used.
        learning_rate: Replaces the recipe's own (first) rate; None keeps it.
        bias: Whether to train a bias; without, it is exactly 0.
        initializer: `glorot_uniform`, Keras's default (bias 0), or `uniform` (−0.1 to 0.1, bias too).
        seed: Of the first weights and of the shuffling.
        closing: Whether a full-batch epoch closes a training by the calibrated recipe that misses D ≤ 0.01.
    """

    recipe: Recipe = "calibrated"
    epochs: int = 100
    batch_size: int = 32
    learning_rate: float | None = None
    bias: bool = True
    initializer: Initializer = "glorot_uniform"
    seed: int = 0
    closing: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that cannot be used."""
        for name, value, known in (
            ("recipe", self.recipe, ("calibrated", "tutorial")),
            ("initializer", self.initializer, ("glorot_uniform", "uniform")),
        ):
            if value not in known:
                raise ValueError(f"`{name}` must be one of {', '.join(known)}, got {value!r}")
        for name, count in (("epochs", self.epochs), ("batch_size", self.batch_size)):
            if count < 1:
                raise ValueError(f"`{name}` must be at least 1, got {count}")
        if self.learning_rate is not None and not 0 < self.learning_rate < np.inf:
            raise ValueError(
                f"`learning_rate` must be a positive number, got {self.learning_rate}; leave it to the recipe"
            )
