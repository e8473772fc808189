"""Least squares equals NIST's certified values and NumPy's, and drops what is not determined."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np
import pytest

from tasks.neuron.least_squares import LeastSquares, solve, solve_moments
from tasks.neuron.moments import merge, moments
from tests.neuron.examples import random_problem
from tests.neuron.nist import SETS

Way = Callable[[np.ndarray, np.ndarray], LeastSquares]


def digits(values: np.ndarray, certified: np.ndarray) -> float:
    """Return the least number of correct digits: −log₁₀ of the relative error (absolute at 0)."""
    errors = np.where(
        certified == 0,
        np.abs(values),
        np.abs(values - certified) / np.where(certified == 0, 1, np.abs(certified)),
    )
    return float(-np.log10(np.maximum(errors, 1e-15)).min())


def from_moments(x: np.ndarray, y: np.ndarray, *, bias: bool = True) -> LeastSquares:
    """Return the fit by way of two merged halves."""
    table = np.column_stack([x, y])
    half = max(len(table) // 2, 1)
    m = merge(moments(table[:half]), moments(table[half:])) if len(table) > 1 else moments(table)
    return solve_moments(m, bias=bias)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 60, reason="the last digits need 80-bit long doubles")
@pytest.mark.parametrize("name", SETS)
def test_certified_values(name: str) -> None:
    """Every NIST set reaches the digits asked for in estimates and standard errors."""
    s = SETS[name]
    fit = solve(s.features, s.targets, bias=s.bias)
    estimates, errors = fit.weights, fit.standard_errors
    if s.bias:
        estimates, errors = np.append(fit.bias, estimates), np.append(fit.bias_standard_error, errors)
    assert fit.dropped == ()
    assert digits(estimates, s.estimates) >= s.digits
    assert digits(errors, s.errors) >= s.digits


@pytest.mark.parametrize(
    ("name", "least"), [("Norris", 11), ("Pontius", 10), ("Longley", 10), ("NoInt1", 11), ("Wampler5", 6)]
)
def test_certified_values_from_moments(name: str, least: float) -> None:
    """The Gram matrix alone keeps many digits, as it is centred and carried with care."""
    s = SETS[name]
    fit = from_moments(s.features, s.targets, bias=s.bias)
    assert digits(np.append(fit.bias, fit.weights) if s.bias else fit.weights, s.estimates) >= least


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("rows", "features"), [(1000, 3), (60, 1), (40, 20), (5, 4), (20, 40)])
def test_solutions_equal_numpy(rows: int, features: int, bias: bool) -> None:
    """Predictions, weights and residual sum are those of NumPy's lstsq, also with more columns than rows."""
    x, y = random_problem(rows, rows, features)
    design = np.column_stack([x, np.ones(rows)]) if bias else x
    expected, *_ = np.linalg.lstsq(design, y, rcond=None)
    for fit in (solve(x, y, bias=bias), from_moments(x, y, bias=bias)):
        np.testing.assert_allclose(x @ fit.weights + fit.bias, design @ expected, rtol=1e-6, atol=1e-6)
        assert fit.residual_sum == pytest.approx(
            float(np.sum((y - design @ expected) ** 2)), rel=1e-7, abs=1e-12 * float(y @ y)
        )
        assert fit.degrees_of_freedom == max(rows - design.shape[1], 0)
        if features < rows:
            np.testing.assert_allclose(fit.weights, expected[:features], rtol=1e-7)
    assert bias or fit.bias == 0


def test_standard_errors_are_the_textbook_ones() -> None:
    """They are s·√diag((XᵀX)⁻¹) with the bias column last."""
    x, y = random_problem(3, 200, 3)
    design = np.column_stack([x, np.ones(200)])
    fit = solve(x, y)
    expected = np.sqrt(fit.residual_sum / 196 * np.diag(np.linalg.inv(design.T @ design)))
    np.testing.assert_allclose(np.append(fit.standard_errors, fit.bias_standard_error), expected, rtol=1e-8)
    moment = solve_moments(moments(np.column_stack([x, y])))
    np.testing.assert_allclose(
        np.append(moment.standard_errors, moment.bias_standard_error), expected, rtol=1e-8
    )


def test_scikit_learn_agrees() -> None:
    """LinearRegression, told not to drop small columns, finds the same."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    x, y = random_problem(5, 300, 6)
    oracle = linear_model.LinearRegression(tol=0).fit(x, y)
    fit = solve(x, y)
    np.testing.assert_allclose(fit.weights, oracle.coef_, rtol=1e-9)
    assert fit.bias == pytest.approx(oracle.intercept_, rel=1e-9)


@pytest.mark.parametrize("way", [solve, from_moments])
def test_dependent_columns_are_dropped(way: Way) -> None:
    """Constant columns, copies and sums of earlier columns get weight 0; the rest is fitted without them."""
    x, y = random_problem(8, 100, 2)
    wide = np.column_stack(
        [np.full(100, 1234.567), x[:, 0], 2 * x[:, 0] + 1, x[:, 1], x.sum(axis=1), np.zeros(100)]
    )
    fit, plain = way(wide, y), way(x, y)
    assert fit.dropped == (0, 2, 4, 5)
    assert fit.rank == 2
    np.testing.assert_allclose(fit.weights[[1, 3]], plain.weights, rtol=1e-9)
    np.testing.assert_array_equal(fit.weights[list(fit.dropped)], 0)
    np.testing.assert_allclose(fit.standard_errors[[1, 3]], plain.standard_errors, rtol=1e-8)
    assert np.isnan(fit.standard_errors[list(fit.dropped)]).all()
    assert fit.residual_sum == pytest.approx(plain.residual_sum, rel=1e-9)


def test_a_constant_column_counts_without_bias() -> None:
    """Without a bias, a constant column is one, and is not dropped."""
    x, y = random_problem(9, 50, 1)
    fit = solve(np.column_stack([x, np.ones(50)]), y, bias=False)
    plain = solve(x, y)
    assert fit.dropped == ()
    np.testing.assert_allclose(fit.weights, [plain.weights[0], plain.bias], rtol=1e-10)
    assert fit.bias == 0
    assert math.isnan(fit.bias_standard_error)


@pytest.mark.parametrize("way", [solve, from_moments])
def test_only_constant_columns_leave_the_mean(way: Way) -> None:
    """With nothing to fit, the bias is the mean."""
    fit = way(np.full((4, 1), 3.0), np.array([1.0, 2.0, 3.0, 6.0]))
    assert (fit.bias, fit.rank, fit.dropped, fit.residual_sum) == (3.0, 0, (0,), 14.0)
    assert fit.bias_standard_error == pytest.approx(math.sqrt(14 / 3 / 4))


@pytest.mark.parametrize("way", [solve, from_moments])
def test_one_row(way: Way) -> None:
    """One row is fitted by its own target, without degrees of freedom."""
    fit = way(np.array([[2.0]]), np.array([7.0]))
    assert (fit.bias, fit.weights[0], fit.degrees_of_freedom) == (7.0, 0.0, 0)
    assert math.isnan(fit.bias_standard_error)


@pytest.mark.parametrize(
    ("features", "targets", "message"),
    [
        (np.zeros(3), np.zeros(3), r"`features` must be a table \(n, d\) .* got shape \(3,\)"),
        (
            np.zeros((3, 1)),
            np.zeros((3, 1)),
            r"`targets` must have shape \(3,\), one for each row of `features`, got shape \(3, 1\)",
        ),
        (np.zeros((0, 1)), np.zeros(0), "at least one row"),
        (np.array([["a"]]), np.zeros(1), "`features` must be numbers, got <U1"),
        (np.array([[np.inf]]), np.zeros(1), "`features` holds values that are not finite"),
        (np.zeros((1, 1)), np.array([np.nan]), "`targets` holds values that are not finite"),
    ],
)
def test_what_cannot_be_fitted_is_refused(features: np.ndarray, targets: np.ndarray, message: str) -> None:
    """Shapes and values are checked once, at the door, and never broadcast."""
    with pytest.raises(ValueError, match=message):
        solve(features, targets)


@pytest.mark.slow
def test_two_thousand_features_take_less_than_a_minute() -> None:
    """Moments, rank and weights of 5,000 rows, beside NumPy's least squares."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5000, 2000)), rng.normal(size=5000)
    started = time.perf_counter()
    found = solve(x, y)
    assert time.perf_counter() - started < 60
    assert found.rank == 2000
    expected = np.linalg.lstsq(np.column_stack([x, np.ones(5000)]), y)[0]
    np.testing.assert_allclose([*found.weights, found.bias], expected, rtol=1e-9, atol=1e-11)
