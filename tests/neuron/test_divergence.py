"""A training above the stable range is refused, or ends well and says so; one below is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.neuron.fit import Fit, fit, fit_parts
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.recipe import Diverged
from tasks.neuron.setup import first_state
from tasks.neuron.stability import stable_limit
from tests.neuron.examples import example_problem


def error(x: np.ndarray, y: np.ndarray, weights: np.ndarray, bias: float) -> float:
    return float(np.mean((y - x @ weights - bias) ** 2))


def outcome(x: np.ndarray, y: np.ndarray, seed: int, **settings: Any) -> Fit | Diverged:
    try:
        return fit(x, y, recipe="tutorial", seed=seed, **settings)
    except Diverged as diverged:
        return diverged


@pytest.mark.parametrize("times", [0.9, 1.02, 1.05, 1.1, 1.3])
def test_near_the_limit_the_loss_falls_or_the_training_is_refused(times: float) -> None:
    """Above the limit none passes in silence; below none is refused or remarked on."""
    ended: list[bool] = []
    for seed in range(6):
        x, y = example_problem(seed, rows=1000)
        limit = stable_limit(x, 32)
        found = outcome(x, y, seed, learning_rate=times * limit)
        start = first_state(2, "glorot_uniform", seed)
        before = error(x, y, start.weights, start.bias)
        if isinstance(found, Diverged):
            assert found.stable_limit == pytest.approx(limit, rel=1e-5)
            assert found.growth > 1
        else:
            assert max(error(x, y, found.weights, found.bias), found.loss[-1]) < before
            assert len(found.notes) == (times > 1)
        ended.append(isinstance(found, Fit))
    if times < 1.03:
        assert all(ended)
    if times >= 1.1:
        assert not any(ended)


@pytest.mark.parametrize("seed", range(6))
def test_a_loss_that_ends_above_its_beginning_is_refused_with_the_figure(seed: int) -> None:
    """One epoch is too short to leave all bounds; in parts as in memory."""
    x, y = example_problem(seed, rows=1000)
    settings: dict[str, Any] = {"recipe": "tutorial", "seed": seed, "epochs": 1}
    settings["learning_rate"] = 1.2 * stable_limit(x, 32)
    message = (
        r"^diverged: the loss ends at [0-9.e+]+ times the untrained neuron's, at epoch 1; .* ends at 0\.02"
    )
    with pytest.raises(Diverged, match=message):
        fit(x, y, **settings)
    with pytest.raises(Diverged, match=message):
        fit_parts([MemoryPart(Batch([*x.T], y))], **settings)


@pytest.mark.parametrize("initializer", ["glorot_uniform", "uniform"])
def test_without_anything_to_learn_the_tutorials_recipe_still_passes(initializer: str) -> None:
    """The untrained neuron is about as good as any; wobbling around it is no divergence."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        x, y = rng.uniform(-10, 10, (1000, 2)), rng.uniform(-1, 1, 1000)
        assert outcome(x, y, seed, initializer=initializer).notes == ()  # type: ignore[union-attr]


@pytest.mark.parametrize("rows", [1, 2, 3, 20])
@pytest.mark.parametrize("epochs", [1, 2, 100])
def test_nor_does_the_calibrated_one_refuse_noise(rows: int, epochs: int) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        for features in (1, 2, 30):
            fit(rng.normal(size=(rows, features)), rng.normal(size=rows), epochs=epochs, seed=seed)


def test_nor_where_the_untrained_neuron_is_exact() -> None:
    """Constant features and targets leave nothing to lower, not even rounding."""
    for target in (0.0, 1e6):
        assert fit(np.zeros((50, 2)), np.full(50, target)).bias == pytest.approx(target)


def test_a_calibrated_training_says_that_a_given_rate_is_too_high() -> None:
    """It falls, so it ends well; the recipe's own rate is never remarked on."""
    x, y = example_problem(0)
    found = fit(x, y, learning_rate=1.0)
    (note,) = found.notes
    assert note.startswith(
        "the learning rate of 1 is above the stable range for this data, which ends at 0.9"
    )
    assert np.isfinite(found.loss).all()
    rng = np.random.default_rng(0)
    for tails in (1.5, 3.0, 30.0):
        wide = rng.standard_t(tails, (1000, 3))
        assert fit(wide, wide.sum(axis=1) + rng.normal(size=1000)).notes == ()
