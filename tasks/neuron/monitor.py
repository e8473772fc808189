"""Training state and divergence checks."""

from __future__ import annotations

import math

import numpy as np

from tasks.neuron.batching import Call
from tasks.neuron.recipe import Diverged
from tasks.neuron.setup import TrainingSetup
from tasks.neuron.state import Checkpoint

RUNAWAY = 1e6  # a running loss this many times the untrained neuron's will not come back
USELESS = 4.0  # times the mean square error of least squares, above which a fit must at least be better than untrained
TINY = float(np.finfo(np.float32).tiny)


class TrainingMonitor:
    """Follow a training from one call of the program to the next.

    Attributes:
        setup: Of the training.
        state: Where it stands.
        loss: (epochs,) mean squared error of each epoch in squared target units; of the first `done` ones so far.
        done: Epochs that are whole.
        running: Mean squared error so far in the present epoch, or in the last one if that is whole.
    """

    def __init__(self, setup: TrainingSetup, start: Checkpoint | None) -> None:
        """Begin, or go on from a checkpoint of the same training.

        Raises:
            ValueError: If the checkpoint cannot be of this training.
        """
        self.setup = setup
        self.state = setup.start
        self.loss = np.empty(setup.settings.epochs)
        self.done = 0
        self.running = self.first = setup.error(self.state)
        self._rows, self._squares = 0, 0.0  # of the present epoch
        if start is not None:
            self._go_on_from(start)

    @property
    def to_come(self) -> range:
        """Return the epochs that are still to be trained, counted from 0."""
        return range(self.done, len(self.loss))

    @property
    def epochs(self) -> float:
        """Return the epochs so far, a fraction within one."""
        return self.done + self._rows / self.setup.moments.rows

    def take_in(self, call: Call) -> None:
        """Add what a call of the program did.

        Raises:
            Diverged: If the loss or the weights have left all bounds.
        """
        self.state = call.state
        for rows, squares in zip(call.rows.tolist(), call.squares.tolist(), strict=True):
            self._rows, self._squares = self._rows + rows, self._squares + squares
            self.running = self._squares / self._rows * self.setup.units.target_scale**2
            if self._rows == self.setup.moments.rows:
                self._finish_epoch()
        if not np.isfinite([*self.state.weights, self.state.bias]).all():
            raise Diverged(self.done + (self._rows > 0), self.setup.rule.rate, self.setup.trained_limit)

    def check_the_end(self) -> None:
        """Refuse a training that has come to nothing.

        Just above the stable range the weights need not leave all bounds: they are thrown about. So the mean squared
        error of the last weights over all rows, and that of the last epoch unless it is the first one too, must not
        be above the untrained neuron's. Where that one happens to be near least squares there is nothing to lower:
        up to four times the least error is let pass, and the verdict says how far off it is.

        Raises:
            Diverged: If they are not.
        """
        last = self.setup.error(self.state)
        if self.done > 1:
            last = max(last, float(self.loss[-1]))
        if last > self.first and last > USELESS * self.setup.least_error:
            growth = last / self.first if self.first else math.inf
            raise Diverged(self.done, self.setup.rule.rate, self.setup.trained_limit, growth)

    def _finish_epoch(self) -> None:
        bound = RUNAWAY * max(self.first, TINY * self.setup.units.target_scale**2)
        if not self.running <= bound:  # NaN too
            raise Diverged(self.done + 1, self.setup.rule.rate, self.setup.trained_limit)
        self.loss[self.done] = self.running
        self.done, self._rows, self._squares = self.done + 1, 0, 0.0

    def _go_on_from(self, start: Checkpoint) -> None:
        inputs, known = len(self.state.weights), len(start.state.weights)
        if len(start.loss) > len(self.loss) or known != inputs:
            raise ValueError(
                f"`start` has {len(start.loss)} epochs of {known} inputs, the training {len(self.loss)} of {inputs}; "
                "a checkpoint continues the training that it is from"
            )
        self.state, self.done = start.state, len(start.loss)
        self.loss[: self.done] = start.loss
