"""What a training is going to do: its units, its steps, its first weights, and what is known about it beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tasks.neuron.factor import Factor
from tasks.neuron.least_squares import LeastSquares, solve_moments
from tasks.neuron.metrics import SINGLE
from tasks.neuron.moments import Array, Moments
from tasks.neuron.options import Initializer, Options
from tasks.neuron.parts import Batch, Part, leverage
from tasks.neuron.recipe import TUTORIAL_RATE, harmless_leverage, schedule, starting_rate, steps_per_epoch
from tasks.neuron.scaling import Coordinates
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.stability import SAMPLE, stable_limit
from tasks.neuron.state import State
from tasks.neuron.workers import Runner

Ranges: TypeAlias = tuple[Array, Array]


@dataclass(frozen=True, slots=True, eq=False)
class TrainingSetup:
    """Hold what a training of either kind starts from.

    Attributes:
        settings: Of the training.
        moments: Of the rows.
        factor: Of their features.
        units: That are trained in.
        rule: How a step is made.
        parts: All rows.
        sample: Some of them.
    """

    settings: Options
    moments: Moments
    factor: Factor
    units: Coordinates
    rule: UpdateRule
    parts: Sequence[Part]
    sample: Batch

    @property
    def reference(self) -> LeastSquares:
        """Return least squares on the same rows."""
        return solve_moments(self.moments, bias=self.settings.bias, factor=self.factor)

    @property
    def start(self) -> State:
        """Return the first weights, which are drawn in whitened units, in those of the training."""
        settings, entry = self.settings, self.units.entry
        state = first_state(entry.shape[1], settings.initializer, settings.seed, bias=settings.bias)
        return state._replace(weights=entry @ state.weights)

    def error(self, state: State) -> float:
        """Return the mean squared error over all rows, from the moments, in squared target units."""
        weights, bias = self.units.inverse_transform(state.weights, state.bias)
        gap = np.append(weights, -1.0)
        mean = float(gap @ self.moments.mean) + bias
        return max(float(gap @ self.moments.covariance @ gap), 0.0) + mean**2

    @property
    def least_error(self) -> float:
        """Return that of least squares, or the rounding of float32 where this is larger: no training goes below."""
        return (
            max(self.reference.residual_sum, SINGLE**2 * float(self.moments.gram[-1, -1])) / self.moments.rows
        )

    @property
    def raw_limit(self) -> float:
        """Return where the stable range of constant rates ends for the raw inputs."""
        return self._limit(self.sample.thinned(SAMPLE).matrix)

    @property
    def trained_limit(self) -> float:
        """Return where it ends for the inputs as they are trained on: a metric counts as whitening."""
        sample = self.sample.thinned(SAMPLE)
        converted = np.empty((self.units.basis.shape[1] + 1, sample.rows), np.float32)
        self.units.write(sample.columns, converted)
        return self._limit(converted[:-1].T @ self.units.entry)

    def notes(self, raw_limit: float) -> Iterator[str]:
        """Say that a rate of the user's or the tutorial's choice is above the stable range, if it is.

        The calibrated recipe's own is not: it is half the limit of Gaussian rows, less for heavier tails.
        """
        if self.settings.recipe == "tutorial":
            limit = raw_limit
        else:
            limit = math.inf if self.settings.learning_rate is None else self.trained_limit
        if self.rule.rate > limit:
            yield (
                f"the learning rate of {self.rule.rate:.3g} is above the stable range for this data, which ends at "
                f"{limit:.3g}: that the training ended below its first loss is chance; lower `learning_rate`"
            )

    def _limit(self, features: Array) -> float:
        return stable_limit(features, self.rule.batch_size, rows=self.moments.rows, bias=self.settings.bias)


def rule_of(settings: Options, rows: int, rank: int, leverage: Callable[[int], float]) -> UpdateRule:
    """Return the recipe's steps.

    Args:
        settings: Of the training.
        rows: Number of rows n.
        rank: Number of whitened inputs.
        leverage: Returns max ‖z‖² for a batch size; called where the first rate depends on it.
    """
    batch = min(settings.batch_size, rows)
    given = settings.learning_rate
    if settings.recipe == "tutorial":
        return UpdateRule(batch, given or TUTORIAL_RATE, 1.0, equal_rows=False, bias=settings.bias)
    first = given or starting_rate(rows, rank, batch, leverage(batch), bias=settings.bias)
    fall = schedule(first, steps_per_epoch(rows, batch), settings.epochs)
    return UpdateRule(
        batch, first, fall.decay, equal_rows=True, bias=settings.bias, slope=fall.slope, hold=fall.hold
    )


def leverage_of(
    parts: Sequence[Part], units: Coordinates, ranges: Ranges | None, across: Runner, batch: int
) -> float:
    """Return max ‖z‖² over the whitened rows, or a bound of it that leaves the same starting rate.

    Args:
        parts: All rows, which are read where no bound is low enough.
        units: That are trained in.
        ranges: (d + 1,) lowest and highest values of the columns, where they are known.
        across: Runs a function over parts.
        batch: Batch size B.
    """
    if ranges is not None:
        bound = units.reach_within(ranges[0][:-1], ranges[1][:-1])
        if bound <= harmless_leverage(units.entry.shape[1], batch):
            return bound
    return leverage(parts, units, across)


def first_state(features: int, initializer: Initializer, seed: int, *, bias: bool = True) -> State:
    """Return the untrained neuron.

    `glorot_uniform`: weights (d,) uniform within ±√(6/(d + 1)), bias 0 (Glorot and Bengio, 2010).
    `uniform`: all of them within ±0.1.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0,)))
    width = 0.1 if initializer == "uniform" else np.sqrt(6 / (features + 1))
    weights = rng.uniform(-width, width, features)
    return State(weights, float(rng.uniform(-width, width)) if bias and initializer == "uniform" else 0.0, 0)
