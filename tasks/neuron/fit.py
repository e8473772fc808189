"""Fit a linear neuron by mini-batch SGD, following a recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.neuron.coordinates import Coordinates, raw, standardised, whitened
from tasks.neuron.feeding import Epochs, train_parts, train_table
from tasks.neuron.least_squares import checked
from tasks.neuron.options import Initializer, Options
from tasks.neuron.parts import Columns, Memory, Part, all_moments, leverage
from tasks.neuron.recipe import (
    TUTORIAL_RATE,
    Diverged,
    schedule,
    starting_rate,
    steps_per_epoch,
)
from tasks.neuron.sgd import Rule, State, Table
from tasks.neuron.stability import SAMPLE, stable_limit
from tasks.neuron.statistics import Array, Moments
from tasks.neuron.whitening import whitening

OnEpoch: TypeAlias = Callable[[int, float], None]

RUNAWAY = 1e6  # a running loss this many times the initial model's will not come back
CONVERSION = 2**16  # rows that are converted at a time


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Hold a trained neuron.

    Attributes:
        weights: (d,) float64, in raw units.
        bias: In target units; 0 without bias.
        loss: (epochs,) running mean squared error of each epoch, in squared target units, as Keras shows it.
        learning_rate: The rate used, the first one where it decays.
        stable_limit: Where the stable range of constant rates ends for the raw inputs, whatever was trained on.
    """

    weights: Array
    bias: float
    loss: Array
    learning_rate: float
    stable_limit: float


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """What a training of either kind starts from; `sample` (d + 1, m) are some rows, the features and the target."""

    settings: Options
    moments: Moments
    units: Coordinates
    rule: Rule
    sample: Columns

    @property
    def start(self) -> State:
        """Return the first weights, which are drawn in whitened units, in those of the training."""
        settings, entry = self.settings, self.units.entry
        state = first_state(entry.shape[1], settings.initializer, settings.seed, bias=settings.bias)
        return state._replace(weights=entry @ state.weights)

    @property
    def first_loss(self) -> float:
        """Return the mean squared error at the start, from the moments, in the units of the training."""
        weights, bias = self.units.fold_back(self.start.weights, self.start.bias)
        error = np.append(weights, -1.0)
        mean = float(error @ self.moments.mean) + bias
        return (float(error @ self.moments.covariance @ error) + mean**2) / self.units.target_scale**2

    @property
    def raw_limit(self) -> float:
        """Return where the stable range of constant rates ends for the raw inputs."""
        return self._limit(np.column_stack(self.sample[:-1]))

    @property
    def trained_limit(self) -> float:
        """Return where it ends for the inputs as they are trained on: a metric counts as whitening."""
        converted = np.empty((self.units.basis.shape[1] + 1, len(self.sample[0])), np.float32)
        self.units.write(self.sample, converted)
        return self._limit(converted[:-1].T @ self.units.entry)

    def _limit(self, features: Array) -> float:
        return stable_limit(features, self.rule.batch_size, rows=self.moments.rows, bias=self.settings.bias)


def fit(features: ArrayLike, targets: ArrayLike, *, on_epoch: OnEpoch | None = None, **options: Any) -> Fit:
    """Train one linear neuron on rows in memory, in an exact new shuffle in every epoch.

    The same arguments give the same bits in any process on the same machine.

    Args:
        features: (n, d) finite numbers.
        targets: (n,) finite numbers.
        on_epoch: Called with (epoch from 1, loss) for every epoch, possibly several epochs at a time.
        options: As in `Options`.

    Raises:
        Diverged: If the loss or the weights leave all bounds.
        ValueError: If an argument cannot be used.
    """
    settings = Options(**options)
    x, y = checked(features, targets)
    part = Memory([*x.T, y])
    moments = all_moments([part])
    white = whitening(moments, bias=settings.bias)
    units = whitened(white) if settings.recipe == "calibrated" else raw(x.shape[1])
    plan = _Plan(settings, moments, units, _rule(settings, len(x), units, [part]), part.columns)
    shuffles = orders(len(x), settings.seed)
    return _trained(
        plan, train_table(plan.start, _table(units, part), plan.rule, shuffles, settings.epochs), on_epoch
    )


def fit_parts(parts: Sequence[Part], *, on_epoch: OnEpoch | None = None, **options: Any) -> Fit:
    """Train one linear neuron on parts that together need not fit into memory.

    The parts must hold the rows in random order. They are read once for the moments, by the calibrated recipe once
    more for the largest leverage, and then in every epoch.

    Args:
        parts: Of finite numbers, the target in the last column.
        on_epoch: Called with (epoch from 1, loss).
        options: As in `Options`.

    Raises:
        Diverged: If the loss or the weights leave all bounds.
        ValueError: If an argument cannot be used, or a value is not finite.
    """
    settings = Options(**options)
    moments = all_moments(parts)
    white = whitening(moments, bias=settings.bias)
    sample = _sample(parts[0])
    single = [column.dtype == np.float32 for column in sample]
    units = standardised(white, single) if settings.recipe == "calibrated" else raw(len(sample) - 1)
    plan = _Plan(settings, moments, units, _rule(settings, moments.rows, units, parts), sample)
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed, spawn_key=(1,)))
    return _trained(plan, train_parts(plan.start, parts, units, plan.rule, rng, settings.epochs), on_epoch)


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


def _rule(settings: Options, rows: int, units: Coordinates, parts: Sequence[Part]) -> Rule:
    """Return the recipe's steps."""
    batch = min(settings.batch_size, rows)
    given = settings.learning_rate
    if settings.recipe == "tutorial":
        return Rule(batch, given or TUTORIAL_RATE, 1.0, equal_rows=False, bias=settings.bias)
    first = given or starting_rate(
        rows, units.entry.shape[1], batch, leverage(parts, units), bias=settings.bias
    )
    fall = schedule(first, steps_per_epoch(rows, batch), settings.epochs)
    return Rule(
        batch, first, fall.decay, equal_rows=True, bias=settings.bias, slope=fall.slope, hold=fall.hold
    )


def _trained(plan: _Plan, epochs: Epochs, on_epoch: OnEpoch | None) -> Fit:
    """Run the training to its end, watching over it, and return to raw units."""
    bound = RUNAWAY * max(plan.first_loss, float(np.finfo(np.float32).tiny))
    losses: list[float] = []
    state = plan.start
    with closing(epochs):
        for reached, chunk in epochs:
            state = reached
            for loss in chunk:
                if not loss <= bound:  # NaN too
                    raise Diverged(len(losses) + 1, plan.rule.rate, plan.trained_limit)
                losses.append(float(loss) * plan.units.target_scale**2)
                if on_epoch is not None:
                    on_epoch(len(losses), losses[-1])
            if not np.isfinite([*state.weights, state.bias]).all():
                raise Diverged(len(losses), plan.rule.rate, plan.trained_limit)
    weights, offset = plan.units.fold_back(state.weights, state.bias)
    return Fit(weights, offset, np.array(losses), plan.rule.rate, plan.raw_limit)


def _sample(part: Part) -> list[NDArray[Any]]:
    """Return the first rows of a part: as the rows are in random order, a random sample."""
    return [column[:SAMPLE].copy() for column in next(iter(part.batches()))]


def _table(units: Coordinates, part: Memory) -> Table:
    """Return the converted rows (n, k + 1), the target last."""
    table = np.empty((part.rows, units.basis.shape[1] + 1), np.float32)
    for start in range(0, part.rows, CONVERSION):
        rows = slice(start, start + CONVERSION)
        units.write([column[rows] for column in part.columns], table[rows].T)
    return table
