"""Fit a linear neuron by mini-batch SGD, following a recipe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tasks.neuron.batching import Calls, compiled, is_small, train_table
from tasks.neuron.closing import full_batch_step
from tasks.neuron.factor import factorised
from tasks.neuron.least_squares import checked, checked_weights
from tasks.neuron.metrics import INDISTINGUISHABLE, distance
from tasks.neuron.moments import Array, Moments
from tasks.neuron.monitor import TrainingMonitor
from tasks.neuron.options import Options
from tasks.neuron.parts import Batch, MemoryPart, Part, all_moments
from tasks.neuron.scaling import Coordinates, raw, standardised, whitened
from tasks.neuron.setup import Ranges, TrainingSetup, leverage_of, rule_of
from tasks.neuron.sgd import Blocks
from tasks.neuron.stability import SAMPLE
from tasks.neuron.state import Checkpoint, State
from tasks.neuron.streams import StreamPlan, averaging, stream_count, streams_of, train_streams
from tasks.neuron.whitening import whitening
from tasks.neuron.workers import Runner, spread

# Called with the epochs done so far, a fraction within one, and the loss of the present or just finished epoch.
OnProgress: TypeAlias = Callable[[float, float], None]

# Called wherever the training can be continued from: where an epoch ends, and in one where a stream ends.
OnCheckpoint: TypeAlias = Callable[[Checkpoint], None]

CONVERSION = 2**14  # rows that are converted at a time, in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Hold a trained neuron.

    Attributes:
        weights: (d,) float64, in raw units.
        bias: In target units; 0 without bias.
        loss: (epochs,) running mean squared error of each epoch, in squared target units, as Keras shows it.
        learning_rate: The rate used, the first one where it decays.
        stable_limit: Where the stable range of constant rates ends for the raw inputs, whatever was trained on.
        notes: What a reader should know, such as a rate above the stable range that happened to end well.
        before_closing: D where the mini-batches ended, if a closing full-batch epoch was needed, see `closing`.
    """

    weights: Array
    bias: float
    loss: Array
    learning_rate: float
    stable_limit: float
    notes: tuple[str, ...]
    before_closing: float | None = None


def fit(features: ArrayLike, targets: ArrayLike, *, weights: ArrayLike | None = None, **more: Any) -> Fit:
    """Train one linear neuron on rows in memory.

    Args:
        features: (n, d) finite numbers.
        targets: (n,) finite numbers.
        weights: (n,) positive numbers by which rows count; all count as one by default.
        more: As in `fit_held`.

    Raises:
        Diverged: As in `fit_held`.
        ValueError: If an argument cannot be used.
    """
    x, y = checked(features, targets)
    own = None if weights is None else checked_weights(weights, len(y))
    part = MemoryPart(Batch([*x.T], y, own))
    return fit_held(lambda: part, **more)


def fit_held(
    read: Callable[[], MemoryPart],
    *,
    moments: Moments | None = None,
    start: Checkpoint | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    **options: Any,
) -> Fit:
    """Train one linear neuron on rows in memory, which are shuffled in every epoch, see `train_table`.

    The same arguments give the same bits in any process on the same machine, whether the training was continued from
    a checkpoint or not.

    Args:
        read: Returns all rows, finite numbers; where the moments are known, while the program is compiled.
        moments: Of the features and the target, where they are known.
        start: Of a training with the same rows and options, to continue it.
        on_progress: Called after every call of the program.
        on_checkpoint: Called with where the training stands, now and then.
        options: As in `Options`.

    Raises:
        Diverged: If the loss or the weights leave all bounds, or the loss ends no lower than it began.
        ValueError: If an argument cannot be used.
    """
    settings = Options(**options)
    moments = moments or all_moments([read()])
    rows, factor = moments.rows, factorised(moments, bias=settings.bias)
    units = raw(len(factor.centre))
    if settings.recipe == "calibrated":
        units = whitened(whitening(moments, bias=settings.bias, factor=factor))
    units = _counting(units, moments)
    rank, weighted = units.entry.shape[1], moments.weight is not None
    small = is_small(rows, units.height, min(settings.batch_size, rows))
    first = rule_of(settings, rows, rank, _none, weighted=weighted)
    with nullcontext() if small else compiled(units.height, first, metrical=False):
        part = read()
        order = None if small else _order(rows, shuffler(settings.seed).spawn(1)[0])
        columns, reached = _converted(units, part, order)

    rule = rule_of(settings, rows, rank, lambda _: reached, weighted=weighted)
    setup = TrainingSetup(settings, moments, factor, units, rule, [part], part.whole)
    monitor = TrainingMonitor(setup, start)
    calls = train_table(monitor.state, columns, setup.rule, _generator(settings, start), monitor.to_come)
    return _trained(monitor, calls, on_progress, on_checkpoint)


def fit_parts(
    parts: Sequence[Part],
    *,
    moments: Moments | None = None,
    ranges: Ranges | None = None,
    start: Checkpoint | None = None,
    on_progress: OnProgress | None = None,
    on_checkpoint: OnCheckpoint | None = None,
    across: Runner = spread,
    **options: Any,
) -> Fit:
    """Train one linear neuron on parts that together need not fit into memory, in streams, see `tasks.neuron.streams`.

    The parts must hold the rows in random order. They are read once for the moments, unless these are known; by the
    calibrated recipe once more for the largest leverage, unless the ranges show that it cannot matter; and then in
    every epoch. The tutorial's recipe, which never settles, trains in a single stream.

    Args:
        parts: Of finite numbers.
        moments: As in `fit_held`.
        ranges: (d + 1,) lowest and highest values of the columns, where they are known.
        start: As in `fit_held`.
        on_progress: As in `fit_held`.
        on_checkpoint: As in `fit_held`.
        across: Runs what is done part by part; by default in threads. The bits do not depend on it.
        options: As in `Options`.

    Raises:
        Diverged: As in `fit_held`.
        ValueError: If an argument cannot be used, or a value is not finite.
    """
    settings = Options(**options)
    moments = moments or all_moments(parts)
    factor = factorised(moments, bias=settings.bias)
    sample = _sample(parts[0])
    units = raw(len(sample.features))
    if settings.recipe == "calibrated":
        single = [column.dtype == np.float32 for column in sample.columns]
        units = standardised(whitening(moments, bias=settings.bias, factor=factor), single)
    units = _counting(units, moments)
    leverage = partial(leverage_of, parts, units, ranges, across)
    rank, weighted = units.entry.shape[1], moments.weight is not None
    rule, count = rule_of(settings, moments.rows, rank, leverage, weighted=weighted), 1
    if settings.recipe == "calibrated":
        rule = averaging(rule)
        count = stream_count(moments.rows, rank + settings.bias, len(parts), rule)
    setup = TrainingSetup(settings, moments, factor, units, rule, parts, sample)
    monitor = TrainingMonitor(setup, start)
    plan = StreamPlan(streams_of(parts, count), units, rule, settings.seed)
    calls = train_streams(monitor.state, plan, monitor.to_come, across, start.ends if start else ())
    return _trained(monitor, calls, on_progress, on_checkpoint, across)


def shuffler(seed: int) -> np.random.Generator:
    """Return the generator that draws the order of the rows; in memory by one permutation (n,) an epoch."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))


def _generator(settings: Options, start: Checkpoint | None) -> np.random.Generator:
    """Return the generator of the shuffles as it was at the start."""
    rng = shuffler(settings.seed)
    if start is not None:
        rng.bit_generator.state = start.shuffles
    return rng


def _trained(
    monitor: TrainingMonitor,
    calls: Calls,
    on_progress: OnProgress | None,
    on_checkpoint: OnCheckpoint | None,
    across: Runner = spread,
) -> Fit:
    """Run the training to its end, watching over it, and return to raw units."""
    with closing(calls):
        for call in calls:
            monitor.take_in(call)
            if on_progress is not None and len(call.rows):
                on_progress(monitor.epochs, monitor.running)
            if on_checkpoint is not None and call.shuffles is not None:
                state, ends = call.begun or (call.state, ())
                on_checkpoint(Checkpoint(state, monitor.loss[: monitor.done], call.shuffles, ends))
    monitor.check_the_end()
    setup = monitor.setup
    limit = setup.raw_limit
    weights, bias, before = _closed(setup, monitor.state, across)
    return Fit(weights, bias, monitor.loss, setup.rule.rate, limit, tuple(setup.notes(limit)), before)


def _closed(setup: TrainingSetup, state: State, across: Runner) -> tuple[Array, float, float | None]:
    """Return raw weights (d,) and bias, and D before a closing full-batch epoch if the recipe alone misses 0.01.

    Weights of dependent columns become those of the reference's solution.
    """
    weights, bias = setup.factor.moved(*setup.units.inverse_transform(state.weights, state.bias))
    if setup.settings.recipe == "tutorial" or not setup.settings.closing:
        return weights, bias, None
    before = distance(weights, bias, setup.reference)
    if before <= INDISTINGUISHABLE:
        return weights, bias, None
    return *full_batch_step(setup.parts, setup.factor, weights, bias, across), before


def _sample(part: Part) -> Batch:
    """Return a copy of the first rows of a part: as the rows are in random order, a random sample."""
    first = next(iter(part.batches())).cut(0, SAMPLE)
    weights = None if first.weights is None else first.weights.copy()
    return Batch([column.copy() for column in first.features], first.target.copy(), weights)


def _order(rows: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Return what `permutation` does, (n,), in half the memory."""
    order = np.arange(rows, dtype=np.int32)
    rng.shuffle(order)
    return order


def _converted(units: Coordinates, part: MemoryPart, order: NDArray[np.int32] | None) -> tuple[Blocks, float]:
    """Return the converted columns (height, n) in an order of the rows, and the largest leverage max ‖z‖²."""
    columns = np.empty((units.height, part.rows), np.float32)

    def convert(start: int) -> float:
        stop = start + CONVERSION
        some = part.whole.cut(start, stop).stored if order is None else part.picked(order[start:stop])
        out = columns[:, start:stop]
        units.write(some, out)
        return units.reach(out)

    return columns, max(spread(convert, range(0, part.rows, CONVERSION)))


def _counting(units: Coordinates, moments: Moments) -> Coordinates:
    """Add that rows count by their weights, made 1 on average; without weights nothing changes."""
    if moments.weight is None:
        return units
    return replace(units, weight_scale=moments.rows / moments.weight)


def _none(_batch: int) -> float:
    """Return a leverage for a rule when only its kind of step matters."""
    return 0.0
