"""Errors are of the model, over rows that have a target; the verdict follows from z and D."""

from __future__ import annotations

import math
from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.least_squares import solve, solve_moments
from tasks.neuron.metrics import ErrorSummary, errors, merged, rounding_errors, verdict
from tasks.neuron.moments import moments
from tests.neuron.examples import example_problem, random_problem


def test_scores_by_hand() -> None:
    """Figures worked out by hand, with a missing target left out."""
    found = errors([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 6.0, 100.0]).scores
    assert found == ErrorSummary(3, math.sqrt(3), 1.0, 1 - 9 / 2)


def test_scikit_learn_agrees() -> None:
    """The same figures as scikit-learn's."""
    metrics = pytest.importorskip("sklearn.metrics")
    _, y = random_problem(0, 100, 3)
    p = y + np.random.default_rng(1).normal(size=100)
    assert errors(y, p).scores.rmse == pytest.approx(metrics.root_mean_squared_error(y, p))
    assert errors(y, p).scores.mae == pytest.approx(metrics.mean_absolute_error(y, p))
    assert errors(y, p).scores.r2 == pytest.approx(metrics.r2_score(y, p))


def test_rmse_is_the_models_and_not_the_roundings() -> None:
    """The figure of the tutorial compares the targets with themselves, rounded: such a mutant is caught."""
    x, y = example_problem(0, rows=1000, noise=10.0)
    predictions = x @ [2.0, -3.0] + 5
    by_hand = math.sqrt(
        sum((t - p) ** 2 for t, p in zip(y.tolist(), predictions.tolist(), strict=True)) / 1000
    )
    assert errors(y, predictions).scores.rmse == pytest.approx(by_hand, rel=1e-12)
    assert errors(y, predictions).scores.rmse == pytest.approx(10 / math.sqrt(3), rel=0.1)
    assert rounding_errors(y).scores.rmse == pytest.approx(0.1 / math.sqrt(12), rel=0.1)
    assert errors(y, predictions).scores.rmse > 100 * rounding_errors(y).scores.rmse


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.floats(-1e3, 1e3))
def test_a_shifted_prediction_has_the_shift_as_error(targets: list[float], shift: float) -> None:
    """RMSE and MAE of target + c are |c|, and RMSE is never below MAE."""
    y = np.array(targets)
    assert errors(y, y + shift).scores.rmse == pytest.approx(abs(shift), abs=1e-9)
    assert errors(y, y + shift).scores.mae == pytest.approx(abs(shift), abs=1e-9)
    assert (
        errors(y, np.zeros_like(y)).scores.rmse
        >= errors(y, np.zeros_like(y)).scores.mae * (1 - 1e-12) - 1e-100
    )


def test_r2_of_a_constant_target_is_nan() -> None:
    """There is nothing to explain."""
    assert math.isnan(errors([2.0, 2.0], [1.0, 3.0]).scores.r2)


@pytest.mark.parametrize(
    ("targets", "predictions", "message"),
    [
        ([1.0, 2.0], [[1.0], [2.0]], r"same shape \(n,\), got \(2,\) and \(2, 1\)"),
        ([1.0, 2.0], [1.0], r"got \(2,\) and \(1,\)"),
        ([np.nan], [1.0], "no row has a target"),
        ([1.0], [np.nan], "`predictions` holds values that are not finite"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    targets: list[float], predictions: list[float], message: str
) -> None:
    """Nothing is broadcast, and no figure comes from no rows."""
    with pytest.raises(ValueError, match=message):
        errors(targets, predictions)


def test_verdict_follows_its_formulas() -> None:
    """Z and D are those of the explicit design matrix, from rows and from moments alike."""
    x, y = random_problem(2, 100, 3)
    design = np.column_stack([x, np.ones(100)])
    delta = np.array([1e-3, -2e-3, 1e-4, 0.05])
    for reference in (solve(x, y), solve_moments(moments(np.column_stack([x, y])))):
        s2 = reference.residual_sum / 96
        v = verdict(reference.weights + delta[:3], reference.bias + delta[3], reference)
        errors = np.append(reference.standard_errors, reference.bias_standard_error)
        assert pytest.approx(float(np.max(np.abs(delta) / errors)), rel=1e-6) == v.z
        assert pytest.approx(float(delta @ design.T @ design @ delta / (4 * s2)), rel=1e-6) == v.D


def test_verdict_without_bias() -> None:
    """The formulas hold with the weights alone."""
    x, y = random_problem(2, 100, 2)
    reference = solve(x, y, bias=False)
    delta = np.array([0.01, 0.002])
    v = verdict(reference.weights + delta, 0.0, reference)
    assert pytest.approx(float(delta @ x.T @ x @ delta / (2 * reference.residual_sum / 98)), rel=1e-6) == v.D
    assert pytest.approx(float(np.max(np.abs(delta) / reference.standard_errors)), rel=1e-6) == v.z


def test_verdict_texts() -> None:
    """The text states the figures, and the remedy for the recipe."""
    x, y = example_problem(0)
    reference = solve(x, y)
    se = reference.standard_errors
    near = verdict(reference.weights + 0.003 * se, reference.bias, reference)
    assert near.converged
    assert near.text.startswith("indistinguishable from least squares: D = ")
    assert near.text.endswith("≤ 0.01, at most 0.003 standard errors away")
    far = verdict(reference.weights + 3 * se, reference.bias, reference)
    assert not far.converged
    assert far.text.startswith("not converged: D = ")
    assert "> 0.01, up to 3 standard errors away; float64 cannot hold" in far.text
    tutorial = verdict(reference.weights + 17 * se, reference.bias, reference, recipe="tutorial")
    assert tutorial.text.startswith("17 standard errors away from least squares: D = ")
    assert tutorial.text.endswith("use the default preset")


def test_verdict_of_an_exact_fit() -> None:
    """Without residuals, the fit is compared to the rounding of float32, and the text says so."""
    x = np.random.default_rng(0).normal(size=(50, 2))
    y = x @ [2.0, -3.0] + 5
    reference = solve(x, y)
    good = verdict(np.float32(reference.weights), reference.bias, reference)
    assert good.converged
    assert "the data are fitted exactly" in good.text
    bad = verdict(reference.weights + 1e-4, reference.bias, reference)
    assert not bad.converged
    assert math.isfinite(bad.z)
    assert math.isfinite(bad.D)


def test_verdict_without_degrees_of_freedom() -> None:
    """Three rows for three parameters leave no standard errors, and still a verdict."""
    x, y = random_problem(3, 3, 2)
    reference = solve(x, y)
    v = verdict(reference.weights, reference.bias, reference)
    assert v.converged
    assert "3 rows determine 3 parameters exactly" in v.text
    assert not verdict(reference.weights + 1, reference.bias, reference).converged


def test_verdict_of_a_constant_target() -> None:
    """A mean that is hit exactly is a fit."""
    reference = solve([[1.0], [2.0], [4.0]], [5.0, 5.0, 5.0])
    assert verdict([0.0], 5.0, reference).converged
    assert not verdict([0.0], 5.1, reference).converged


def test_verdict_with_dependent_columns() -> None:
    """Sharing a weight among copies of a column is as good as giving it to the first."""
    x, y = random_problem(4, 60, 2)
    wide = np.column_stack([x, x[:, 0] * 2 + 3, np.full(60, 4.0)])
    reference = solve(wide, y)
    w = reference.weights
    shared = verdict([w[0] - 2.0, w[1], 1.0, 0.5], reference.bias - 3.0 - 2.0, reference)
    assert shared.z < 1e-6
    assert shared.D < 1e-10
    assert not verdict([w[0], w[1], 1.0, 0.0], reference.bias, reference).converged


def test_verdict_refuses_what_is_not_a_fit() -> None:
    """Neither NaN nor another number of weights gets a verdict."""
    reference = solve([[1.0], [2.0], [4.0]], [5.0, 6.0, 5.0])
    with pytest.raises(ValueError, match="not finite"):
        verdict([np.nan], 0.0, reference)
    with pytest.raises(ValueError, match=r"must have shape \(1,\), as in the reference, got shape \(2,\)"):
        verdict([1.0, 2.0], 0.0, reference)


def test_errors_of_parts_merge_to_those_of_the_whole() -> None:
    """Cut anywhere, also where one part's targets are constant."""
    rng = np.random.default_rng(0)
    y, p = rng.normal(size=1000) + 1e4, rng.normal(size=1000) + 1e4
    y[:10] = 7.0
    whole, cut = (
        errors(y, p),
        reduce(merged, [errors(y[a:b], p[a:b]) for a, b in ((0, 10), (10, 11), (11, 1000))]),
    )
    assert cut.scores.rows == 1000
    assert cut.scores.rmse == pytest.approx(whole.scores.rmse, rel=1e-13)
    assert cut.scores.mae == pytest.approx(whole.scores.mae, rel=1e-13)
    assert cut.scores.r2 == pytest.approx(whole.scores.r2, rel=1e-12)
    assert cut.mean == pytest.approx(y.mean(), rel=1e-14)
