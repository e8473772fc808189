"""A logarithm turned back: unbiased whatever the errors' distribution, with weights as repeated rows."""

import numpy as np
import pytest

from tasks.neuron.least_squares import solve
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.smearing import TargetScale, smeared


@pytest.mark.parametrize("errors", ["normal", "uniform", "exponential"])
def test_the_mean_prediction_is_the_mean(errors: str) -> None:
    """Over 200,000 rows to half a percent; exp of the fit alone is a tenth too low."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200_000)
    noise = {
        "normal": rng.normal(0, 0.5, len(x)),
        "uniform": rng.uniform(-0.9, 0.9, len(x)),
        "exponential": rng.exponential(0.4, len(x)),
    }[errors]
    y = 1 + 0.5 * x + noise
    fit = solve(x[:, None], y)
    found = smeared([MemoryPart(Batch([x], y))], fit.weights, fit.bias)
    fitted = x * fit.weights[0] + fit.bias
    assert found.mean == pytest.approx(np.exp(y).mean(), rel=1e-12)
    predictions = TargetScale(found.factor).predictions(fitted)
    assert predictions.mean() == pytest.approx(np.exp(y).mean(), rel=0.005)
    assert np.exp(fitted).mean() < 0.95 * np.exp(y).mean()


def test_weights_count_as_repeated_rows_and_parts_add_up() -> None:
    rng = np.random.default_rng(0)
    x, y, times = rng.normal(size=50), rng.normal(size=50), rng.integers(1, 4, 50)
    whole = Batch([x], y, times.astype(float))
    repeated = smeared([MemoryPart(Batch([np.repeat(x, times)], np.repeat(y, times)))], np.array([0.3]), 0.1)
    found = smeared([MemoryPart(whole.cut(0, 20)), MemoryPart(whole.cut(20, 50))], np.array([0.3]), 0.1)
    assert found.factor == pytest.approx(repeated.factor, rel=1e-13)
    assert found.mean == pytest.approx(repeated.mean, rel=1e-13)


def test_what_leaves_a_floats_range_is_refused() -> None:
    with pytest.raises(ValueError, match="`log_target`: exp of a residual"):
        smeared([MemoryPart(Batch([np.ones(2)], np.array([1.0, 800.0])))], np.zeros(1), 0.0)


def test_without_a_logarithm_nothing_changes() -> None:
    numbers = np.array([1.0, -2.0])
    assert TargetScale().values(numbers) is numbers
    assert TargetScale().predictions(numbers) is numbers
    assert TargetScale(2.0).values(np.array([0, 1])).tolist() == [1.0, np.e]
