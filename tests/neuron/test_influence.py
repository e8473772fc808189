"""Leverage and Cook's distance are held against their definitions: the hat matrix, and leaving a row out."""

import numpy as np
import pytest

from tasks.neuron.influence import influence, residual_deviation
from tasks.neuron.least_squares import solve, solve_moments
from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch


def example(rows: int = 40, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, d)) * [1.0, 1e3, 1e-4][:d] + [5.0, -4e3, 0.0][:d]
    return x, x @ [1.0, 1e-3, 1e4][:d] + rng.normal(size=rows)


@pytest.mark.parametrize("bias", [True, False])
def test_leverage_is_the_diagonal_of_the_hat_matrix(bias: bool) -> None:
    """From the rows by QR, and from the Gram matrix alone."""
    x, y = example()
    design = np.column_stack([x, np.ones(len(x))]) if bias else x
    hat = design @ np.linalg.pinv(design)
    for reference in (solve(x, y, bias=bias), solve_moments(moments(np.column_stack([x, y])), bias=bias)):
        assert reference.factor.leverage(x) == pytest.approx(np.diag(hat), rel=1e-8)
        assert reference.factor.leverage(x[7:9]) == pytest.approx(np.diag(hat)[7:9], rel=1e-8)


def test_a_dependent_column_changes_no_leverage() -> None:
    """A copy of a column and a constant one are dropped, as in the fit."""
    x, y = example()
    wide = np.column_stack([x, 2 * x[:, 0], np.full(len(x), 3.0)])
    assert solve(wide, y).factor.leverage(wide) == pytest.approx(solve(x, y).factor.leverage(x), rel=1e-8)


def test_cooks_distance_is_how_far_all_predictions_move_without_the_row() -> None:
    """Σ(ŷ − ŷ₍ᵢ₎)² / (k·s²), by fitting again without each row."""
    x, y = example()
    fit = solve(x, y)
    found = influence(fit, Batch([*x.T], y), fit.weights, fit.bias, fit.residual_deviation)
    for row in range(len(x)):
        rest = np.arange(len(x)) != row
        without = solve(x[rest], y[rest])
        moved = x @ (fit.weights - without.weights) + fit.bias - without.bias
        assert found.cook[row] == pytest.approx(moved @ moved / (4 * fit.residual_deviation**2), rel=1e-6)


def test_standardised_residuals_have_the_textbooks_form() -> None:
    """e / (s·√(1 − h)); the deviation can be had from RMSE, rows and parameters."""
    x, y = example()
    fit = solve(x, y)
    s = residual_deviation(float(np.sqrt(fit.residual_sum / len(x))), len(x), fit.parameters)
    assert s == pytest.approx(fit.residual_deviation, rel=1e-12)
    found = influence(fit, Batch([*x.T], y), fit.weights, fit.bias, s)
    errors = y - x @ fit.weights - fit.bias
    assert found.standardised == pytest.approx(errors / (s * np.sqrt(1 - found.leverage)), rel=1e-9)


def test_a_row_that_the_fit_cannot_miss_has_no_standardised_residual() -> None:
    """A column that one row alone fills: leverage 1, and nothing to divide by."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=20), np.eye(20)[0]])
    fit = solve(x, rng.normal(size=20))
    found = influence(fit, Batch([*x.T], rng.normal(size=20)), fit.weights, fit.bias, 1.0)
    assert found.leverage[0] == pytest.approx(1)
    assert np.isnan(found.standardised[0])
    assert np.isfinite(found.standardised[1:]).all()


def test_without_degrees_of_freedom_nothing_is_standardised() -> None:
    """Two points on a line: no deviation, no residual to show."""
    assert np.isnan(residual_deviation(0.0, 2, 2))
    fit = solve([[0.0], [1.0]], [1.0, 3.0])
    rows = Batch([np.array([0.0, 1.0])], np.array([1.0, 3.0]))
    found = influence(fit, rows, fit.weights, fit.bias, np.nan)
    assert np.isnan(found.standardised).all()
