"""What theory predicts of trainings that differ by their seed is what many of them show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tasks.neuron.fit import fit
from tasks.neuron.least_squares import solve
from tasks.neuron.metrics import verdict
from tasks.neuron.seed_variance import calibrated_risk, tutorial_covariance
from tests.neuron.examples import example_problem, random_problem


@pytest.mark.parametrize(
    ("rows", "batch_size", "rate", "bias"),
    [
        pytest.param(1000, 32, 0.02, True, id="the tutorial: a short batch of 8 ends an epoch"),
        pytest.param(640, 64, 0.01, True, id="no short batch"),
        pytest.param(500, 32, 0.006, True, id="a low rate, whose noise cancels over an epoch"),
        pytest.param(300, 32, 0.01, False, id="no bias"),
    ],
)
def test_the_tutorials_wobble(rows: int, batch_size: int, rate: float, bias: bool) -> None:
    """Root mean squares of 200 trainings lie within 20 % (their own sampling error: 5 %)."""
    x, y = example_problem(0, rows=rows)
    reference = solve(x, y, bias=bias)
    design = np.column_stack([x, np.full(rows, float(bias))])
    solution = np.append(reference.weights, reference.bias)
    settings: dict[str, Any] = {
        "recipe": "tutorial",
        "learning_rate": rate,
        "batch_size": batch_size,
        "epochs": 60,
        "bias": bias,
    }
    fitted = np.array([[*(f := fit(x, y, seed=seed, **settings)).weights, f.bias] for seed in range(200)])
    found = np.sqrt(np.mean((fitted - solution) ** 2, axis=0))
    covariance = tutorial_covariance(
        design, y - design @ solution, rate=rate, rows=rows, batch_size=batch_size, epochs=60
    )
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), found, rtol=0.2)


@pytest.mark.parametrize("epochs", [5, 10, 20, 30, 100])
def test_the_calibrated_recipes_remaining_risk(epochs: int) -> None:
    """The mean D of 60 trainings, with either schedule and with four features, is the predicted one within a third."""
    x, y = random_problem(3, 700, 4)
    reference = solve(x, y)
    fits = [fit(x, y, seed=seed, epochs=epochs, closing=False) for seed in range(60)]
    risks = [verdict(f.weights, f.bias, reference).D for f in fits]
    assert np.mean(risks) == pytest.approx(calibrated_risk(fits[0].learning_rate, 700, 32, epochs), rel=0.34)


def test_one_batch_has_no_noise() -> None:
    assert calibrated_risk(0.5, 30, 32, 10) == 0


def test_without_noise_on_the_target_nothing_wobbles() -> None:
    """Residuals of zero leave every training at least squares."""
    x, _ = example_problem(0, rows=100)
    design = np.column_stack([x, np.ones(100)])
    nothing = tutorial_covariance(design, np.zeros(100), rate=0.01, rows=100, batch_size=32, epochs=5)
    np.testing.assert_array_equal(nothing, np.zeros((3, 3)))
