"""Fit a linear neuron by mini-batch SGD, following a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.neuron.least_squares import checked
from tasks.neuron.recipe import (
    TUTORIAL_RATE,
    Diverged,
    Recipe,
    Whitening,
    final_rate,
    stable_limit,
    starting_rate,
    steps_per_epoch,
    whitening,
)
from tasks.neuron.sgd import Rule, State, Table, train_epochs
from tasks.neuron.statistics import Array, moments

Initializer: TypeAlias = Literal["glorot_uniform", "uniform"]

RUNAWAY = 1e6  # a running loss this many times the initial model's will not come back


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Hold a trained neuron.

    Attributes:
        weights: (d,) float64, in raw units.
        bias: In target units; 0 without bias.
        loss: (epochs,) running mean squared error of each epoch, in squared target units, as Keras shows it.
        learning_rate: The rate used, the first one where it decays.
        stable_limit: Where the stable range of constant rates ends on the raw inputs.
    """

    weights: Array
    bias: float
    loss: Array
    learning_rate: float
    stable_limit: float


def fit(
    features: ArrayLike,
    targets: ArrayLike,
    *,
    recipe: Recipe = "calibrated",
    epochs: int = 100,
    batch_size: int = 32,
    learning_rate: float | None = None,
    bias: bool = True,
    initializer: Initializer = "glorot_uniform",
    seed: int = 0,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Fit:
    """Train one linear neuron.

    The same arguments give the same bits in any process on the same machine.

    Args:
        features: (n, d) finite numbers.
        targets: (n,) finite numbers.
        recipe: `calibrated` or `tutorial`, see `tasks.neuron.recipe`.
        epochs: Passes over the rows.
        batch_size: Rows a step; at most n are used.
        learning_rate: Replaces the recipe's own (first) rate; None keeps it.
        bias: Whether to train a bias; without, it is exactly 0.
        initializer: `glorot_uniform`, Keras's default (bias 0), or `uniform` (−0.1 to 0.1, bias too).
        seed: Of the first weights and of the shuffling.
        on_epoch: Called with (epoch from 1, loss) for every epoch, possibly several epochs at a time.

    Raises:
        Diverged: If the loss or the weights leave all bounds.
        ValueError: If an argument cannot be used.
    """
    x, y = checked(features, targets)
    _check_settings(recipe, epochs, batch_size, learning_rate, initializer)
    batch = min(batch_size, len(x))
    scale = (
        whitening(moments(np.column_stack([x, y])), bias=bias)
        if recipe == "calibrated"
        else _unscaled(x.shape[1])
    )
    table = _table(scale, x, y) if recipe == "calibrated" else np.column_stack([x, y]).astype(np.float32)
    rule = _rule(recipe, table, batch, epochs, learning_rate, bias=bias)
    limit = stable_limit(table[:, :-1], batch, bias=bias)
    state = first_state(table.shape[1] - 1, initializer, seed, bias=bias)
    bound = RUNAWAY * max(_loss(table, state), float(np.finfo(np.float32).tiny))
    losses: list[float] = []
    for reached, chunk in train_epochs(state, table, rule, orders(len(table), seed), epochs):
        state = reached
        for loss in chunk:
            if not loss <= bound:  # NaN too
                raise Diverged(len(losses) + 1, rule.rate, limit)
            losses.append(float(loss) * scale.target_scale**2)
            if on_epoch is not None:
                on_epoch(len(losses), losses[-1])
        if not np.isfinite([*state.weights, state.bias]).all():
            raise Diverged(len(losses), rule.rate, limit)
    weights, offset = scale.fold_back(state.weights, state.bias)
    raw = limit if recipe == "tutorial" else stable_limit(x, batch, bias=bias)
    return Fit(weights, offset, np.array(losses), rule.rate, raw)


def first_state(features: int, initializer: Initializer, seed: int, *, bias: bool = True) -> State:
    """Return the untrained neuron.

    `glorot_uniform`: weights (d,) uniform within ±√(6/(d + 1)), bias 0 (Glorot and Bengio, 2010).
    `uniform`: all of them within ±0.1.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    width = 0.1 if initializer == "uniform" else np.sqrt(6 / (features + 1))
    weights = rng.uniform(-width, width, features)
    return State(weights, float(rng.uniform(-width, width)) if bias and initializer == "uniform" else 0.0, 0)


def orders(rows: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yield the order (n,) of the rows in each epoch, without end."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    while True:
        yield rng.permutation(rows)


def _check_settings(
    recipe: str, epochs: int, batch_size: int, learning_rate: float | None, initializer: str
) -> None:
    """Refuse settings that cannot be used."""
    for name, value, known in (
        ("recipe", recipe, ("calibrated", "tutorial")),
        ("initializer", initializer, ("glorot_uniform", "uniform")),
    ):
        if value not in known:
            message = f"`{name}` must be one of {', '.join(known)}, got {value!r}"
            raise ValueError(message)
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if count < 1:
            message = f"`{name}` must be at least 1, got {count}"
            raise ValueError(message)
    if learning_rate is not None and not 0 < learning_rate < np.inf:
        message = f"`learning_rate` must be a positive number, got {learning_rate}; leave it to the recipe"
        raise ValueError(message)


def _unscaled(features: int) -> Whitening:
    return Whitening(np.zeros(features), np.eye(features), 0.0, 1.0)


def _table(scale: Whitening, x: Array, y: Array, block: int = 2**16) -> Table:
    """Return the whitened rows, the standardised target last (n, r + 1): float64 arithmetic, then rounded."""
    table = np.empty((len(x), scale.matrix.shape[1] + 1), np.float32)
    for start in range(0, len(x), block):
        rows = slice(start, start + block)
        table[rows, :-1] = scale.apply(x[rows])
        table[rows, -1] = scale.apply_target(y[rows])
    return table


def _rule(
    recipe: Recipe, table: Table, batch: int, epochs: int, learning_rate: float | None, *, bias: bool
) -> Rule:
    """Return the recipe's steps: constant, or decaying exponentially to its final rate over all epochs."""
    if recipe == "tutorial":
        return Rule(
            batch, TUTORIAL_RATE if learning_rate is None else learning_rate, 1.0, equal_rows=False, bias=bias
        )
    rows, rank = len(table), table.shape[1] - 1
    leverage = float(np.einsum("ij,ij->i", table[:, :-1], table[:, :-1]).max())
    first = starting_rate(rows, rank, batch, leverage, bias=bias) if learning_rate is None else learning_rate
    steps = steps_per_epoch(rows, batch)
    decay = (final_rate(first, steps) / first) ** (1 / (steps * epochs))
    return Rule(batch, first, decay, equal_rows=True, bias=bias)


def _loss(table: Table, state: State) -> float:
    """Return the mean squared error of a state over the table."""
    residuals = table[:, :-1] @ state.weights + state.bias - table[:, -1]
    return float(np.mean(residuals**2))
