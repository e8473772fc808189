"""Our own training, as the benchmarks call it."""

from collections.abc import Callable

import numpy as np

from tasks.neuron.batching import train_parts
from tasks.neuron.fit import fit_parts
from tasks.neuron.parts import all_moments, leverage
from tasks.neuron.recipe import schedule, starting_rate, steps_per_epoch
from tasks.neuron.scaling import standardised
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.state import State
from tasks.neuron.whitening import whitening
from tests.benchmarks.rows import Source


def one_pass(source: Source, rows: int, batch_size: int) -> Callable[[int], int]:
    """Return the training pass of an epoch alone; moments and leverage are found beforehand, from all `rows`."""
    parts = source.parts(rows)
    moments = all_moments(parts)
    width = len(moments.mean)
    units = standardised(whitening(moments), [True] * width)
    first = starting_rate(moments.rows, width - 1, batch_size, leverage(parts, units))

    def go(count: int) -> int:
        chosen = source.parts(count)
        done = sum(part.rows for part in chosen)
        fall = schedule(first, steps_per_epoch(done, batch_size), 1)
        rule = UpdateRule(
            batch_size, first, fall.decay, equal_rows=True, bias=True, slope=fall.slope, hold=fall.hold
        )
        state = State(np.zeros(width - 1), 0.0, 0)
        for _ in train_parts(state, chosen, units, rule, np.random.default_rng(0), range(1)):
            pass
        return done

    return go


def whole_fit(source: Source, batch_size: int) -> Callable[[int], int]:
    """Return a whole fit of one epoch: the pass for the moments, that for the leverage, and the training."""

    def go(count: int) -> int:
        chosen = source.parts(count)
        fit_parts(chosen, epochs=1, batch_size=batch_size)
        return sum(part.rows for part in chosen)

    return go
