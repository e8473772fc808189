"""Training in logical streams: the parts of a table side by side, with the same bits however many workers there are.

How many streams there are depends on the table alone. In each round, which is an epoch, every stream starts from the
same weights and passes over its own parts; their ends are averaged. The rate falls as η/(1 + 2ηt), at which a stream
ends at the plain average over what each of its batches alone would have led to. The rows' noise then adds up to zero
over the streams, as it does over the batches of one; a term of second order is left, which `stream_count` bounds.

Two things make that hold for few rows a stream. A few batches at the first rate, before the first round, forget the
untrained weights. And the share of the common start that is left after the first round is taken out again.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from tasks.neuron.batching import Call, Calls, train_parts
from tasks.neuron.parts import Batch, Part
from tasks.neuron.recipe import SETTLING, steps_per_epoch
from tasks.neuron.scaling import Coordinates
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.state import End, State
from tasks.neuron.workers import Runner

ROWS_PER_PARAMETER = 8192  # of a stream at least: D is then about 0.001, see `stream_count`
BATCHES = 64  # of a stream at least, so that a short last one does not count
SETTLED = 4  # times the batches in which a stream forgets its start, of a stream at least


@dataclass(frozen=True, slots=True)
class Stream:
    """Hold the parts that one stream passes over, and its number among the streams."""

    number: int
    parts: Sequence[Part]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True, eq=False)
class StreamPlan:
    """Hold what a training in streams is made of.

    Attributes:
        streams: All rows.
        units: That are trained in.
        rule: How a step is made; of several streams, an averaging one.
        seed: Of the orders of the rows.
    """

    streams: Sequence[Stream]
    units: Coordinates
    rule: UpdateRule
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """Hold what all streams have in common in a round.

    Attributes:
        start: The weights and the bias that they start from.
        units: That are trained in.
        rule: How a step is made.
        seed: Of the orders of the rows.
        epoch: Number of the round, from 0.
    """

    start: State
    units: Coordinates
    rule: UpdateRule
    seed: int
    epoch: int


def stream_count(rows: int, parameters: int, parts: int, rule: UpdateRule) -> int:
    """Return the number of streams S: from the table and the batch, never from the workers.

    After one round D is about 8 to 10 for each k·S/n. With 8192·k rows a stream it stays below 0.01 for misspecified
    rows too, for whatever seed. Where rows far out hold the rate down, a stream also needs the batches in which it
    forgets its start, several times over: without, Student's t with three degrees of freedom ended at D = 0.004 to 7.

    Args:
        rows: Number of rows n.
        parameters: Of the model, k.
        parts: Of the table.
        rule: How a step is made.
    """
    batches = max(BATCHES, SETTLED * settling(rule))
    return max(1, min(parts, rows // max(ROWS_PER_PARAMETER * parameters, batches * rule.batch_size)))


def settling(rule: UpdateRule) -> int:
    """Return the number of batches at the first rate in which the first weights are forgotten."""
    return math.ceil(SETTLING / rule.rate)


def averaging(rule: UpdateRule) -> UpdateRule:
    """Return a calibrated rule with the rate η/(1 + 2ηt), at which a stream ends at an average, see `schedule`."""
    return rule._replace(decay=1.0, slope=2 * rule.rate, hold=0)


def train_streams(
    start: State, plan: StreamPlan, epochs: range, across: Runner, known: Sequence[End] = ()
) -> Calls:
    """Train in rounds, each of which ends with a call without rows that holds the averaged weights.

    Args:
        start: Where the first round begins: the untrained neuron, or what a checkpoint holds.
        plan: What to train on, and how.
        epochs: Those to come.
        across: Runs the streams, wherever.
        known: Ends of the first streams of the first round, from a checkpoint.
    """
    state = start
    if plan.rule.slope and not epochs.start and not known:
        state = settled(state, plan)

    for epoch in epochs:
        shared = Round(state, plan.units, plan.rule, plan.seed, epoch)
        if len(plan.streams) == 1:
            ends = yield from _only_end(shared, plan.streams[0])
        else:
            ends = yield from _ends(shared, plan.streams, across, known)
        state, known = average(ends), ()
        yield Call(state, np.empty(0, np.int64), np.empty(0), {})


def _ends(
    shared: Round, streams: Sequence[Stream], across: Runner, known: Sequence[End]
) -> Generator[Call, None, list[End]]:
    """Yield a call for each stream of a round, and return where they end."""
    ends: list[End] = []
    found = chain(known, across(partial(trained, shared), streams[len(known) :]))
    for number, end in enumerate(found, start=1):
        ends.append(end)
        is_news = len(known) < number < len(streams)
        begun = (shared.start, tuple(ends)) if is_news else None
        yield Call(end.state, np.array([end.rows]), np.array([end.squares]), {} if begun else None, begun)
    return ends


def _only_end(shared: Round, stream: Stream) -> Generator[Call, None, list[End]]:
    """Yield the calls of a round's only stream, so that one sees how far it is, and return where it ends."""
    state, squares = shared.start, 0.0
    for call in _passed(shared, stream):
        state, squares = call.state, squares + float(call.squares.sum())
        yield call._replace(shuffles=None)
    return [End(_without_start(state, shared, stream), stream.rows, squares)]


def settled(start: State, plan: StreamPlan) -> State:
    """Return the state after batches of the first stream at the constant rate η, which forget the first weights."""
    constant, state = plan.rule._replace(slope=0.0), start
    some = _heads(plan.streams[0].parts, settling(constant) * constant.batch_size)
    rng = np.random.default_rng(np.random.SeedSequence(plan.seed, spawn_key=(3,)))
    for call in train_parts(start, some, plan.units, constant, rng, range(1)):
        state = call.state
    return state


def _heads(parts: Sequence[Part], rows: int) -> list[Part]:
    """Return so many rows of the parts, or all: whole parts, and some of the last one."""
    heads: list[Part] = []
    for part in parts:
        heads.append(_Head(part, rows))
        rows -= part.rows
        if rows <= 0:
            break
    return heads


def trained(shared: Round, stream: Stream) -> End:
    """Return where a stream ends in a round."""
    state, squares = shared.start, 0.0
    for call in _passed(shared, stream):
        state, squares = call.state, squares + float(call.squares.sum())
    return End(_without_start(state, shared, stream), stream.rows, squares)


def _passed(shared: Round, stream: Stream) -> Calls:
    key = 1, stream.number, shared.epoch
    rng = np.random.default_rng(np.random.SeedSequence(shared.seed, spawn_key=key))
    start = shared.start._replace(step=shared.epoch * _steps(shared, stream))
    return train_parts(start, stream.parts, shared.units, shared.rule, rng, range(1))


def _without_start(state: State, shared: Round, stream: Stream) -> State:
    """Take out what is left of the first round's start, which belongs to no row.

    A batch moves the weights by the share c/(1 + ct) towards what it asks for, c = 2η: after T steps
    a = (1 − c)/(1 + c(T − 1)) of the start is left.
    """
    start, slope = shared.start, shared.rule.slope
    if not slope or shared.epoch:
        return state
    left = (1 - slope) / (1 + slope * (_steps(shared, stream) - 1))
    weights = (state.weights - left * start.weights) / (1 - left)
    return state._replace(weights=weights, bias=(state.bias - left * start.bias) / (1 - left))


def _steps(shared: Round, stream: Stream) -> int:
    return steps_per_epoch(stream.rows, shared.rule.batch_size)


def average(ends: Sequence[End]) -> State:
    """Return the mean of the ends, each weighed by its rows; the sums are exact, so in any order the same."""
    rows = sum(end.rows for end in ends)

    def mean(values: Sequence[float]) -> float:
        return math.fsum(end.rows / rows * value for end, value in zip(ends, values, strict=True))

    weights = [mean(values) for values in zip(*(end.state.weights.tolist() for end in ends), strict=True)]
    steps = sum(end.state.step for end in ends)
    return State(np.array(weights), mean([end.state.bias for end in ends]), steps)


def streams_of(parts: Sequence[Part], count: int) -> list[Stream]:
    """Deal the parts to so many streams: stream s gets parts s, s + S, and so on."""
    return [Stream(number, parts[number::count]) for number in range(count)]


@dataclass(frozen=True, slots=True)
class _Head:
    """Some rows of a part."""

    part: Part
    most: int

    @property
    def rows(self) -> int:
        return min(self.part.rows, self.most)

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        left = self.rows
        for batch in self.part.batches(rng):
            yield batch.cut(0, left)
            left -= batch.rows
            if left <= 0:
                return
