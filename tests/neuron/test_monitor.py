"""A training is followed call by call: its loss, its epochs, and when it is given up."""

import numpy as np
import pytest

from tasks.neuron.batching import Call
from tasks.neuron.factor import factorised
from tasks.neuron.moments import moments
from tasks.neuron.monitor import RUNAWAY, TrainingMonitor
from tasks.neuron.options import Options
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.recipe import Diverged
from tasks.neuron.scaling import raw
from tasks.neuron.setup import TrainingSetup
from tasks.neuron.sgd import UpdateRule
from tasks.neuron.state import Checkpoint, State
from tests.neuron.examples import example_problem

ROWS, EPOCHS = 100, 3


def monitor(start: Checkpoint | None = None) -> TrainingMonitor:
    """Follow a training of three epochs on a hundred rows."""
    x, y = example_problem(1, rows=ROWS)
    rule = UpdateRule(32, 0.01, 1.0, equal_rows=True, bias=True)
    found, rows = moments(np.column_stack([x, y])), MemoryPart(Batch([*x.T], y))
    return TrainingMonitor(
        TrainingSetup(Options(epochs=EPOCHS), found, factorised(found), raw(2), rule, [rows], rows.whole),
        start,
    )


def call(rows: list[int], squares: list[float], weights: tuple[float, float] = (2.0, -3.0)) -> Call:
    return Call(State(np.array(weights), 5.0, 1), np.array(rows), np.array(squares), None)


def test_calls_add_up_to_epochs_wherever_they_end() -> None:
    """Half an epoch, the rest of it and a whole one in one call, then the last one in two."""
    follows = monitor()
    follows.take_in(call([50], [200.0]))
    assert (follows.epochs, follows.done, follows.running) == (0.5, 0, 4.0)
    follows.take_in(call([50, 100], [100.0, 50.0]))
    assert (follows.epochs, follows.done) == (2, 2)
    assert list(follows.to_come) == [2]
    follows.take_in(call([30], [3.0]))
    follows.take_in(call([70], [7.0]))
    assert follows.loss.tolist() == [3.0, 0.5, 0.1]
    assert list(follows.to_come) == []
    follows.check_the_end()


@pytest.mark.parametrize("squares", [np.nan, np.inf, 1.01])
def test_an_epoch_out_of_all_bounds_ends_the_training(squares: float) -> None:
    """At a million times the untrained neuron's error, or at no number; just below the bound it goes on."""
    follows = monitor()
    bound = RUNAWAY * follows.first * ROWS
    follows.take_in(call([ROWS], [0.99 * bound]))
    with pytest.raises(Diverged, match="diverged at epoch 2"):
        follows.take_in(call([ROWS], [squares * bound]))


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_weights_that_are_no_numbers_end_the_training_within_an_epoch(bad: float) -> None:
    with pytest.raises(Diverged, match="diverged at epoch 1"):
        monitor().take_in(call([10], [1.0], (bad, 1.0)))


def test_an_end_above_the_beginning_is_refused() -> None:
    """By the last epoch's loss, or by the last weights over all rows."""
    follows = monitor()
    lost = follows.first * 1.5 * ROWS
    for squares in (1.0, 1.0, lost):
        follows.take_in(call([ROWS], [squares]))
    with pytest.raises(Diverged, match=r"1\.5 times the untrained neuron's"):
        follows.check_the_end()

    follows = monitor()
    for _ in range(EPOCHS):
        follows.take_in(call([ROWS], [1.0], (200.0, 300.0)))
    with pytest.raises(Diverged, match="times the untrained neuron's"):
        follows.check_the_end()


def test_a_checkpoint_of_another_training_is_refused() -> None:
    state, shuffles = State(np.ones(2), 0.0, 9), {"state": 1}
    assert monitor(Checkpoint(state, np.ones(2), shuffles)).done == 2
    for weights, epochs in ((3, 2), (2, 4)):
        other = Checkpoint(State(np.ones(weights), 0.0, 9), np.ones(epochs), shuffles)
        with pytest.raises(
            ValueError, match=f"`start` has {epochs} epochs of {weights} inputs, the training 3 of 2"
        ):
            monitor(other)
