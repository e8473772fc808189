"""Intervals cover as often as they say, and tests reject as rarely as they say."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from tasks.neuron.chance import (
    LossSample,
    chance_of_no_fit,
    chance_of_no_gain,
    rms_interval,
    sample_of,
)


def test_samples_of_parts_add_up() -> None:
    numbers = np.random.default_rng(0).exponential(size=101) * 1e3
    whole, joined = sample_of(numbers), sample_of(numbers[:7]) + sample_of(numbers[7:])
    assert joined.rows == whole.rows
    assert joined.mean == pytest.approx(whole.mean, rel=1e-13)
    assert joined.scatter == pytest.approx(whole.scatter, rel=1e-12)
    assert whole.standard_error == pytest.approx(numbers.std(ddof=1) / np.sqrt(101))


@pytest.mark.parametrize("draw", ["normal", "uniform", "laplace"])
def test_the_interval_of_an_rmse_covers_it(draw: str) -> None:
    """Of 1000 tests with 100 rows some 950 hold the true value; with errors of heavy tails 910."""
    rng = np.random.default_rng(1)
    errors = getattr(rng, draw)(*((-1, 1) if draw == "uniform" else (0, 1)), size=(1000, 100))
    true = {"normal": 1.0, "uniform": 1 / np.sqrt(3), "laplace": np.sqrt(2)}[draw]
    ends = [rms_interval(sample_of(row**2)) or (0.0, 0.0) for row in errors]
    assert 0.9 < np.mean([low <= true <= high for low, high in ends]) < 0.98


@pytest.mark.parametrize("squares", [[4.0], [0.0, 0.0], [1e-300, 1e300, 1e300]])
def test_no_interval_is_made_up(squares: list[float]) -> None:
    """From one row, from an exact fit, or where the scatter leaves float64's range."""
    assert rms_interval(sample_of(np.array(squares))) is None


def test_two_rows_say_little() -> None:
    low, high = rms_interval(sample_of(np.array([1.0, 2.0]))) or (1.0, 1.0)
    assert high / low > 50


def test_the_gain_is_a_t_test_of_the_losses() -> None:
    """As SciPy's one-sample t test, one-sided."""
    gains = np.random.default_rng(2).normal(0.2, 1, 50)
    for each in (gains, -gains):
        expected = ttest_1samp(each, 0, alternative="greater").pvalue
        assert chance_of_no_gain(sample_of(each)) == pytest.approx(expected)


def test_a_gain_without_scatter_is_certain_and_one_row_is_none() -> None:
    assert chance_of_no_gain(LossSample(5, 1.0, 0.0)) == 0.0
    assert chance_of_no_gain(LossSample(5, 0.0, 0.0)) == 1.0
    assert chance_of_no_gain(sample_of(np.array([3.0]))) is None


def test_the_fit_is_an_f_test() -> None:
    """With a single weight F is t², so that the p values agree."""
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 30))
    slope = (x - x.mean()) @ (y - y.mean()) / ((x - x.mean()) ** 2).sum()
    left = ((y - y.mean() - slope * (x - x.mean())) ** 2).sum()
    t = slope / np.sqrt(left / 28 / ((x - x.mean()) ** 2).sum())
    from scipy.stats import t as student

    expected = 2 * student.sf(abs(t), 28)
    assert chance_of_no_fit(((y - y.mean()) ** 2).sum(), left, 1, 28) == pytest.approx(expected)
    assert chance_of_no_fit(1.0, 0.0, 1, 28) == 0.0
    assert chance_of_no_fit(1.0, 0.5, 1, 0) is None
