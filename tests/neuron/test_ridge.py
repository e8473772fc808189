"""Ridge from moments: against scikit-learn, by folds too, and as what least squares is carried over to."""

from functools import reduce

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import PredefinedSplit, cross_val_score
from sklearn.preprocessing import StandardScaler

from tasks.neuron.least_squares import solve, solve_moments
from tasks.neuron.metrics import distance
from tasks.neuron.moments import Array, merge, moments
from tasks.neuron.parts import Batch, MemoryPart, all_moments
from tasks.neuron.ridge import RELATIVE, fold_moments, leave_one_out, path, ridge, shrunk
from tests.r_data import SETS, numbers_of


def part(x: Array, y: Array) -> MemoryPart:
    return MemoryPart(Batch([*x.T], y))


@pytest.mark.parametrize("l2", [1e-3, 1.0, 50.0, 1e4])
@pytest.mark.parametrize("name", SETS)
def test_scikit_learn(name: str, l2: float) -> None:
    """`Ridge` on standardised features, to 8 digits and more."""
    x, y = numbers_of(name)
    m = moments(np.column_stack([x, y]))
    found = ridge(solve_moments(m), m, l2)
    scaler = StandardScaler().fit(x)
    expected = Ridge(alpha=l2, solver="cholesky").fit(scaler.transform(x), y)
    np.testing.assert_allclose(found.weights * scaler.scale_, expected.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        x @ found.weights + found.bias, expected.predict(scaler.transform(x)), rtol=1e-9
    )
    residuals = y - x @ found.weights - found.bias
    assert found.residual_sum == pytest.approx(residuals @ residuals, rel=1e-9)


def test_without_a_bias_nothing_is_centred() -> None:
    x, y = numbers_of("swiss")
    m = moments(np.column_stack([x, y]))
    found = ridge(solve_moments(m, bias=False), m, 5.0)
    scale = np.sqrt((x**2).mean(axis=0))
    expected = Ridge(alpha=5.0, fit_intercept=False).fit(x / scale, y)
    np.testing.assert_allclose(found.weights * scale, expected.coef_, rtol=1e-9)
    assert found.bias == 0.0


def test_dependent_and_constant_columns_need_no_decision() -> None:
    """A column twice shares its weight; a constant one has none."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 2))
    x, y = np.column_stack([x, x[:, 0], np.ones(50)]), x @ [1.0, 2.0] + rng.normal(size=50)
    m = moments(np.column_stack([x, y]))
    found = ridge(solve_moments(m), m, 2.0)
    assert found.weights[0] == pytest.approx(found.weights[2], rel=1e-12)
    assert found.weights[3] == 0.0
    expected = Ridge(alpha=2.0).fit(StandardScaler().fit_transform(x), y)
    np.testing.assert_allclose(found.weights[:3] * x[:, :3].std(axis=0), expected.coef_[:3], rtol=1e-9)


def test_the_smallest_penalties_are_least_squares_and_the_largest_the_mean() -> None:
    x, y = numbers_of("swiss")
    m = moments(np.column_stack([x, y]))
    plain = solve_moments(m)
    weights, _ = shrunk(m, plain.weights, plain.bias, 1e-12)
    np.testing.assert_allclose(weights, plain.weights, rtol=1e-10)
    weights, bias = shrunk(m, plain.weights, plain.bias, 1e15)
    np.testing.assert_allclose([*weights, bias], [0, 0, 0, 0, 0, y.mean()], atol=1e-9)


@pytest.mark.parametrize("l2", [0.1, 10.0, 1000.0])
def test_a_fit_near_least_squares_is_as_near_to_ridge(l2: float) -> None:
    """D does not grow: the map contracts every direction."""
    x, y = numbers_of("LifeCycleSavings")
    m = moments(np.column_stack([x, y]))
    plain = solve_moments(m)
    rng = np.random.default_rng(0)
    for _ in range(20):
        near = plain.weights + 0.1 * plain.standard_errors * rng.normal(size=4)
        bias = plain.bias + 0.1 * plain.bias_standard_error * rng.normal()
        before = plain.excess(near, bias)
        assert ridge(plain, m, l2).excess(*shrunk(m, near, bias, l2)) <= before * (1 + 1e-9)
        assert distance(*shrunk(m, near, bias, l2), ridge(plain, m, l2)) <= distance(near, bias, plain)


def dealt(rows: int, folds: int) -> Array:
    """Return the fold (n,) of each row of a table in memory, as `fold_moments` deals them."""
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(2, 0)))
    return np.asarray(rng.permutation(rows) % folds)


@pytest.mark.parametrize("name", SETS)
def test_errors_by_folds_are_those_of_scikit_learn(name: str) -> None:
    """For least squares and along the path, fold by fold, with the scale of all rows."""
    x, y = numbers_of(name)
    scaled = StandardScaler().fit_transform(x)
    penalties = np.array([0.0, 0.1, 1.0, 100.0])
    found = path(fold_moments([part(x, y)], 5), penalties)
    folds = PredefinedSplit(dealt(len(x), 5))
    for l2, errors in zip(penalties, found, strict=True):
        scores = cross_val_score(
            Ridge(alpha=l2, solver="cholesky"), scaled, y, cv=folds, scoring="neg_root_mean_squared_error"
        )
        np.testing.assert_allclose(errors.rmse, -scores, rtol=1e-8)
        assert errors.pooled == pytest.approx(np.sqrt(np.average(scores**2, weights=errors.rows)))


def test_the_folds_are_all_rows_each_once_in_parts_too() -> None:
    """Their moments add up to those of the table, and each has its share of every part."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 3)), rng.normal(size=4000)
    parts = [part(x[cut], y[cut]) for cut in (slice(1001), slice(1001, 4000))]
    folds = fold_moments(parts, 7)
    whole = reduce(merge, folds)
    expected = moments(np.column_stack([x, y]))
    assert whole.rows == expected.rows
    np.testing.assert_allclose(whole.scatter, expected.scatter, rtol=1e-12, atol=1e-9)
    assert max(each.rows for each in folds) - min(each.rows for each in folds) <= 2


def test_the_path_finds_a_penalty_where_least_squares_overfits() -> None:
    """Forty weak, correlated features on sixty rows: the best penalty beats least squares on new rows."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=(5060, 1))
    x = common + 0.5 * rng.normal(size=(5060, 40))
    y = x.sum(axis=1) / 10 + 3 * rng.normal(size=5060)
    train, m = slice(60), moments(np.column_stack([x[:60], y[:60]]))
    penalties = RELATIVE * 60
    found = path(fold_moments([part(x[train], y[train])], 10), penalties)
    best = penalties[int(np.argmin([each.pooled for each in found]))]
    plain = solve(x[train], y[train])
    weights, bias = shrunk(m, plain.weights, plain.bias, float(best))
    new, actual = x[60:], y[60:]
    ours = np.mean((actual - new @ weights - bias) ** 2)
    assert ours < 0.6 * np.mean((actual - new @ plain.weights - plain.bias) ** 2)
    assert penalties[0] < best < penalties[-1]


def test_fewer_rows_than_folds_are_refused() -> None:
    with pytest.raises(ValueError, match="10 folds need as many training rows, and there are 4; lower"):
        fold_moments([part(np.ones((4, 1)), np.ones(4))], 10)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("l2", [0.0, 0.1, 20.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_leave_one_out_is_that_of_fits_without_each_row(l2: float, bias: bool, weighted: bool) -> None:
    """By refits, with the features standardised by all rows; in two parts too."""
    x, y = numbers_of("swiss")
    weights = np.random.default_rng(0).uniform(0.5, 2, len(y)) if weighted else np.ones(len(y))
    rows = Batch([*x.T], y, weights if weighted else None)
    parts = [MemoryPart(rows.cut(0, 20)), MemoryPart(rows.cut(20, len(y)))]
    m = all_moments(parts)
    plain = solve_moments(m, bias=bias)
    reference = ridge(plain, m, l2) if l2 else plain
    centre = np.average(x, axis=0, weights=weights) if bias else np.zeros(x.shape[1])
    z = (x - centre) / np.sqrt(np.average((x - centre) ** 2, axis=0, weights=weights))
    errors = np.empty(len(y))
    for row in range(len(y)):
        others = np.arange(len(y)) != row
        model = (
            Ridge(alpha=l2, fit_intercept=bias, solver="cholesky")
            if l2
            else LinearRegression(fit_intercept=bias)
        )
        fit = model.fit(z[others], y[others], weights[others])
        errors[row] = y[row] - fit.predict(z[[row]])[0]
    expected = np.sqrt(np.average(errors**2, weights=weights))
    assert leave_one_out(parts, m, reference, l2) == pytest.approx(expected, rel=1e-8)


def test_a_row_that_alone_decides_a_weight_has_no_error_without_it() -> None:
    x, y = np.column_stack([np.arange(5.0), [0, 0, 0, 0, 1]]), np.array([1.0, 2.5, 2.0, 4.0, 9.0])
    m = moments(np.column_stack([x, y]))
    assert np.isnan(leave_one_out([part(x, y)], m, solve_moments(m), 0.0))
