"""Rows that count by weights: statsmodels' WLS to ten digits, repeated rows, and the same in parts."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.stattools import durbin_watson

from tasks.neuron import metrics
from tasks.neuron.chance import sample_of
from tasks.neuron.diagnosis import diagnose
from tasks.neuron.fit import fit, fit_parts
from tasks.neuron.least_squares import checked_weights, solve, solve_moments
from tasks.neuron.metrics import verdict
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, MemoryPart, all_moments
from tasks.neuron.ridge import ridge
from tasks.neuron.sandwich import Clusters, Robust, cluster_errors, robust_errors
from tests.r_data import SETS, numbers_of

ROWS = 400


def rows_of(seed: int = 0, rows: int = ROWS) -> tuple[Array, Array, Array]:
    """Draw rows whose noise has the variance 1 / weight."""
    rng = np.random.default_rng(seed)
    x, weights = rng.normal([1, 5, -3], size=(rows, 3)), rng.exponential(size=rows) + 0.05
    return x, x @ [1.0, 2.0, 3.0] + 5 + rng.normal(size=rows) / np.sqrt(weights), weights


def batch(x: Array, y: Array, weights: Array) -> Batch:
    return Batch([*x.T], y, weights)


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("bias", [True, False])
def test_least_squares_are_those_of_statsmodels(name: str, bias: bool) -> None:
    """Weights, errors and residual deviation on R's sample sets, to ten digits."""
    x, y = numbers_of(name)
    weights = np.random.default_rng(0).exponential(size=len(y)) + 0.1
    found, fitted = (
        solve(x, y, weights=weights, bias=bias),
        sm.WLS(y, sm.add_constant(x) if bias else x, weights).fit(),
    )
    estimates = [found.bias, *found.weights] if bias else found.weights
    errors = [found.bias_standard_error, *found.standard_errors] if bias else found.standard_errors
    np.testing.assert_allclose(estimates, fitted.params, rtol=1e-9)
    np.testing.assert_allclose(errors, fitted.bse, rtol=1e-9)
    assert found.residual_deviation**2 == pytest.approx(fitted.mse_resid, rel=1e-10)
    assert found.degrees_of_freedom == fitted.df_resid


def test_well_conditioned_rows_agree_to_ten_digits() -> None:
    x, y, weights = rows_of()
    found, fitted = solve(x, y, weights=weights), sm.WLS(y, sm.add_constant(x), weights).fit()
    np.testing.assert_allclose([found.bias, *found.weights], fitted.params, rtol=1e-12)
    np.testing.assert_allclose(found.standard_errors, fitted.bse[1:], rtol=1e-12)


@pytest.mark.parametrize("kind", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_errors_are_those_of_statsmodels(kind: Robust) -> None:
    x, y, weights = rows_of()
    found = robust_errors([MemoryPart(batch(x, y, weights))], solve(x, y, weights=weights), kind)
    expected = sm.WLS(y, sm.add_constant(x), weights).fit(cov_type=kind).bse
    np.testing.assert_allclose([found.bias, *found.weights], expected, rtol=1e-10)


def test_cluster_errors_are_those_of_statsmodels() -> None:
    x, y, weights = rows_of()
    groups = np.random.default_rng(1).integers(0, 30, ROWS)
    clusters = Clusters(groups.astype(np.int32), list(range(30)))
    found = cluster_errors([(MemoryPart(batch(x, y, weights)), clusters)], solve(x, y, weights=weights))
    model = sm.WLS(y, sm.add_constant(x), weights)
    expected = model.fit(cov_type="cluster", cov_kwds={"groups": groups}).bse
    np.testing.assert_allclose([found.bias, *found.weights], expected, rtol=1e-10)


def test_the_diagnosis_is_that_of_statsmodels() -> None:
    """On residuals times √weight, which are of equal size where the weights are right."""
    x, y, weights = rows_of()
    design = sm.add_constant(x)
    fitted = sm.WLS(y, design, weights).fit()
    checks = {
        each.name: each for each in diagnose(list("abc"), solve(x, y, weights=weights), batch(x, y, weights))
    }
    statistic, p, _, _ = het_breuschpagan(fitted.wresid, design)
    assert checks["spread"].figure * ROWS == pytest.approx(statistic, rel=1e-8)
    assert checks["spread"].p == pytest.approx(p, rel=1e-8)
    powers = np.column_stack([design, fitted.fittedvalues**2, fitted.fittedvalues**3])
    more = sm.WLS(y, powers, weights).fit()  # linear_reset forgets the weights
    assert checks["curvature"].p == pytest.approx(more.compare_f_test(fitted)[1], rel=1e-6)
    assert checks["order"].figure == pytest.approx(durbin_watson(fitted.wresid), rel=1e-10)
    hat = np.linalg.qr(design * np.sqrt(weights)[:, None])[0]
    h = (hat**2).sum(axis=1)
    cook = fitted.wresid**2 * h / (fitted.mse_resid * 4 * (1 - h) ** 2)
    assert checks["influence"].figure == pytest.approx(cook.max(), rel=1e-10)
    assert not checks["spread"].wrong
    plain = {each.name: each for each in diagnose(list("abc"), solve(x, y), Batch([*x.T], y))}
    assert (plain["normality"].p or 0.0) < 0.001 < (checks["normality"].p or 0.0)  # without their weights


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=30)
def test_whole_weights_fit_like_repeated_rows(seed: int, bias: bool) -> None:
    """Weights, bias, sums of squares and the ridge fit; standard errors do not, as the rows are no more."""
    x, y, _ = rows_of(seed, 30)
    times = np.random.default_rng(seed).integers(1, 5, 30)
    found, repeated = (
        solve(x, y, weights=times, bias=bias),
        solve(np.repeat(x, times, axis=0), np.repeat(y, times), bias=bias),
    )
    np.testing.assert_allclose(found.weights, repeated.weights, rtol=1e-12)
    assert found.bias == pytest.approx(repeated.bias, rel=1e-12)
    assert found.residual_sum == pytest.approx(repeated.residual_sum, rel=1e-12)
    assert found.degrees_of_freedom == 30 - found.parameters
    moments = all_moments([MemoryPart(batch(x, y, times.astype(np.float64)))])
    both = all_moments([MemoryPart(Batch([*np.repeat(x, times, axis=0).T], np.repeat(y, times)))])
    np.testing.assert_allclose(
        ridge(found, moments, 3.0).weights, ridge(repeated, both, 3.0).weights, rtol=1e-10
    )
    predicted = x @ found.weights + found.bias
    own = metrics.errors(y, predicted, times)
    expected = metrics.errors(np.repeat(y, times), np.repeat(predicted, times))
    assert own.scores.rmse == pytest.approx(expected.scores.rmse, rel=1e-12)
    assert own.scores.mae == pytest.approx(expected.scores.mae, rel=1e-12)
    assert own.scores.r2 == pytest.approx(expected.scores.r2, rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 59), st.floats(0.01, 100))
@settings(max_examples=30)
def test_parts_add_up_and_a_common_factor_changes_no_fit(seed: int, cut: int, factor: float) -> None:
    x, y, weights = rows_of(seed, 60)
    whole = batch(x, y, weights)
    parts = [MemoryPart(whole.cut(0, cut)), MemoryPart(whole.cut(cut, 60))]
    found, expected = solve_moments(all_moments(parts)), solve(x, y, weights=factor * weights)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-11)
    np.testing.assert_allclose(found.standard_errors, expected.standard_errors, rtol=1e-10)
    squares = (y - x @ found.weights - found.bias) ** 2
    joined = sample_of(squares[:cut], weights[:cut]) + sample_of(squares[cut:], weights[cut:])
    at_once = sample_of(squares, factor * weights)
    assert joined.mean == pytest.approx(at_once.mean, rel=1e-12)
    assert joined.standard_error == pytest.approx(at_once.standard_error, rel=1e-9)
    predicted = np.zeros_like(y)
    two = metrics.merged(
        metrics.errors(y[:cut], predicted[:cut], weights[:cut]),
        metrics.errors(y[cut:], predicted[cut:], weights[cut:]),
    )
    assert two.scores.r2 == pytest.approx(metrics.errors(y, predicted, weights).scores.r2, rel=1e-9)


def test_the_error_of_a_weighted_mean_is_that_of_weights_of_one() -> None:
    numbers = np.random.default_rng(0).exponential(size=50)
    own, plain = sample_of(numbers, np.full(50, 7.0)), sample_of(numbers)
    assert own.mean == pytest.approx(plain.mean, rel=1e-14)
    assert own.standard_error == pytest.approx(plain.standard_error, rel=1e-12)


@pytest.mark.parametrize("rows", [200, 3000])
@pytest.mark.parametrize("bias", [True, False])
def test_a_training_ends_at_weighted_least_squares(rows: int, bias: bool) -> None:
    """In memory and in parts; far from where plain rows would end."""
    rng = np.random.default_rng(0)
    x, y, _ = rows_of(0, rows)
    weights = np.exp(2 * x[:, 0]) * rng.uniform(0.5, 2, rows)
    y = y + x[:, 0] ** 2  # curved, so that weights decide where the line lies
    reference = solve(x, y, weights=weights, bias=bias)
    held = fit(x, y, weights=weights, bias=bias, epochs=60)
    assert verdict(held.weights, held.bias, reference).converged
    assert not verdict(*_plain(x, y, bias), reference).converged
    loss = np.average((y - x @ held.weights - held.bias) ** 2, weights=weights)
    assert held.loss[-1] == pytest.approx(loss, rel=0.02)
    pieces = [MemoryPart(batch(x, y, weights).cut(start, start + 1000)) for start in range(0, rows, 1000)]
    streamed = fit_parts(pieces, bias=bias, epochs=60)
    assert verdict(streamed.weights, streamed.bias, reference).converged


def _plain(x: Array, y: Array, bias: bool) -> tuple[Array, float]:
    found = solve(x, y, bias=bias)
    return found.weights, found.bias


@pytest.mark.parametrize("weights", [[1.0, 2.0], [1.0, 0.0, 2.0], [1.0, -1.0, 2.0], [1.0, np.nan, 2.0]])
def test_weights_that_no_row_can_count_by_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match=r"`weights` must be 3 positive numbers"):
        checked_weights(weights, 3)
