"""The recipes' learning rates, and what a training that diverged says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from tasks.neuron.recipe import Diverged, final_rate, schedule, starting_rate, steps_per_epoch
from tests.processes import imported


def test_rates_follow_their_formulas() -> None:
    """The first rate, its leverage guard, the single batch, and the last rate."""
    assert starting_rate(800, 2, 32, 6.0) == pytest.approx(0.5 / (1 + 4 / 32))
    assert starting_rate(800, 2, 32, 999.0) == pytest.approx(32 / 1000)
    assert starting_rate(32, 2, 32, 999.0) == 0.5
    assert steps_per_epoch(1000, 32) == 32
    assert final_rate(0.44, 25) == pytest.approx(0.003 / 25)
    assert final_rate(1e-6, 25) == 1e-6


def test_time_enough_decays_exponentially_to_the_final_rate() -> None:
    """The example problem's hundred epochs: from lr0 to 0.003 / steps per epoch."""
    fall = schedule(0.44, 25, 100)
    assert (fall.slope, fall.hold) == (0, 0)
    assert 0.44 * fall.decay**2500 == pytest.approx(0.003 / 25)


@pytest.mark.parametrize(("steps", "epochs"), [(25, 3), (312_500, 1), (31_250, 10), (3907, 3)])
def test_short_trainings_average(steps: int, epochs: int) -> None:
    """Every batch after the first few has the same weight in the result: ηₜ·Π(1 − 2ηₛ) over the later steps s."""
    fall = schedule(0.44, steps, epochs)
    assert fall.decay == 1
    assert fall.hold <= 23
    t = np.arange(fall.hold, min(steps * epochs, 5000))
    rate = 0.44 / (1 + fall.slope * (t - fall.hold))
    later = np.append(np.cumprod((1 - 2 * rate)[::-1])[::-1][1:], 1.0)
    np.testing.assert_allclose(rate * later, rate[-1], rtol=1e-9)


def test_diverged_says_what_to_do_and_survives_pickling() -> None:
    """The message has the epoch, the limit and the remedy on one line."""
    error = pickle.loads(pickle.dumps(Diverged(3, 1.0, 0.02841)))  # noqa: S301
    assert str(error) == (
        "diverged at epoch 3; the stable range for this data ends at 0.0284; "
        "lower `learning_rate` (now 1.0) or use the default preset"
    )
    assert (error.epoch, error.learning_rate, error.stable_limit) == (3, 1.0, 0.02841)
    assert isinstance(error, ArithmeticError)
    assert str(pickle.loads(pickle.dumps(Diverged(100, 0.0298, 0.02841, 1.7)))) == (  # noqa: S301
        "diverged: the loss ends at 1.7 times the untrained neuron's, at epoch 100; "
        "the stable range for this data ends at 0.0284; lower `learning_rate` (now 0.0298) or use the default preset"
    )


def test_the_pure_modules_do_not_import_tensorflow() -> None:
    """Statistics, least squares, recipe and metrics need NumPy alone."""
    modules = imported("import tasks.neuron.recipe, tasks.neuron.metrics, tasks.neuron.least_squares")
    assert not {"tensorflow", "keras", "scipy", "pandas", "prefect"} & modules
