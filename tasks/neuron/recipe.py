"""The two recipes for training: the tutorial's, on raw inputs, and the calibrated one.

`tutorial`: raw inputs, a constant learning rate of 0.02, each batch's mean gradient.

`calibrated`: centre and whiten the inputs, standardise the target, and decay the learning rate; every row
weighs the same. Whitening is already the linear algebra of least squares; what is left to SGD is to find the
whitened weights, which it does to a hundredth of a standard error.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, TypeAlias

Recipe: TypeAlias = Literal["calibrated", "tutorial"]

TUTORIAL_RATE = 0.02
FINAL_RATE = 0.003  # of the schedule, times steps per epoch: the last epoch averages over the whole table
UNHURRIED = 2.5  # epochs that an exponential schedule needs at least to fall by a factor of e, see `schedule`
SETTLING = 8.0  # rates' worth of steps at the first rate, after which the first weights are forgotten


class Diverged(ArithmeticError):
    """Say that training left the stable range.

    Attributes:
        epoch: 1-based epoch at which the loss or the weights left all bounds, or the last one.
        learning_rate: The (first) learning rate.
        stable_limit: Where the stable range of constant rates ends for these data.
        growth: Loss at the end in units of the untrained neuron's, at least 1; infinite beyond all bounds.
    """

    def __init__(
        self, epoch: int, learning_rate: float, stable_limit: float, growth: float = math.inf
    ) -> None:
        """Keep the figures, also as `args`, so that the exception survives pickling."""
        super().__init__(epoch, learning_rate, stable_limit, growth)
        self.epoch = epoch
        self.learning_rate = learning_rate
        self.stable_limit = stable_limit
        self.growth = growth

    def __str__(self) -> str:
        """Return what happened, the limit and the remedy, on one line."""
        what = f"diverged at epoch {self.epoch}"
        if math.isfinite(self.growth):
            what = f"diverged: the loss ends at {self.growth:.3g} times the untrained neuron's, at epoch {self.epoch}"
        return (
            f"{what}; "
            f"the stable range for this data ends at {self.stable_limit:.3g}; "
            f"lower `learning_rate` (now {float(f'{self.learning_rate:.3g}')}) or use the default preset"
        )


def starting_rate(rows: int, rank: int, batch_size: int, leverage: float, *, bias: bool = True) -> float:
    """Return the calibrated recipe's first learning rate.

    0.5 for a single batch, where the whitened Hessian is 2·I and one step is Newton's. For mini-batches the
    smaller of 0.5/(1 + (rank + 2)/B), half the mean-square stable limit of Gaussian rows, and B/(1 +
    leverage), which keeps one row far out from overshooting in its batch: heavy-tailed inputs blow up without
    it.

    Args:
        rows: Number of rows n.
        rank: Number of whitened inputs.
        batch_size: B.
        leverage: max ‖z‖² over the whitened rows.
        bias: Whether the model has a bias, which adds 1 to a row's leverage.
    """
    if rows <= batch_size:
        return 0.5
    return min(0.5 / (1 + (rank + 2) / batch_size), batch_size / max(bias + leverage, 1.0))


def harmless_leverage(rank: int, batch_size: int) -> float:
    """Return the largest leverage max ‖z‖² that leaves `starting_rate` as it would be without leverage."""
    return 2 * (batch_size + rank + 2) - 1


def final_rate(first: float, steps_per_epoch: int) -> float:
    """Return the rate at which an exponential schedule ends: 0.003 / steps per epoch, never above the first."""
    return min(first, FINAL_RATE / steps_per_epoch)


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Return the batches of an epoch, the short last one included."""
    return math.ceil(rows / batch_size)


class Schedule(NamedTuple):
    """Say how the learning rate falls: rate · decayᵗ / (1 + slope · max(t − hold, 0)) at step t."""

    decay: float
    slope: float
    hold: int


def schedule(first: float, steps_per_epoch: int, epochs: int) -> Schedule:
    """Return the calibrated recipe's schedule.

    With time enough the rate falls exponentially to `final_rate`. The shorter the training, the more the batches
    near the moment at which such a schedule freezes outweigh the others: with L = ln(first / final) it ends at about
    D = L³/(89·epochs³), as the noise of the batches, which adds up to zero over an epoch, is weighed unevenly in it.

    A short training therefore keeps the first rate η for a few steps and then lets it fall as η/(1 + 2ηt). As the
    whitened Hessian is 2·I, the weights are then the plain average over what each batch alone would have led to
    (Polyak's and Ruppert's averaging without a second set of weights), every row counts the same, and the noise of
    all epochs, or of the only one, cancels.
    """
    final = final_rate(first, steps_per_epoch)
    steps = steps_per_epoch * epochs
    if epochs >= UNHURRIED * math.log(first / final):
        return Schedule((final / first) ** (1 / steps), 0.0, 0)
    return Schedule(1.0, 2 * first, min(math.ceil(SETTLING / first), steps // 2))
