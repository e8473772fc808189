"""Least squares, rank and the verdict against exact rational arithmetic, in memory and in parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.fit import fit, fit_parts
from tasks.neuron.least_squares import LeastSquares, solve, solve_moments
from tasks.neuron.metrics import errors, verdict
from tasks.neuron.moments import Array
from tasks.neuron.parts import Batch, MemoryPart, all_moments
from tests.neuron.exact import digits, exact_fit, table
from tests.neuron.nist import SETS

# Their targets are polynomials without noise: what is left of them is the rounding of the targets.
NOISELESS = {"Wampler1", "Wampler2"}


def in_parts(x: Array, y: Array, number: int = 4) -> list[MemoryPart]:
    """Cut rows into parts."""
    pairs = zip(np.array_split(x, number), np.array_split(y, number), strict=True)
    return [MemoryPart(Batch([*a.T], b)) for a, b in pairs]


def estimates(fitted: LeastSquares) -> Array:
    """Return weights and, where there is one, the bias."""
    return np.append(fitted.weights, fitted.bias) if fitted.has_bias else fitted.weights


def standard_errors(fitted: LeastSquares) -> Array:
    """Return those of weights and, where there is one, of the bias."""
    if not fitted.has_bias:
        return fitted.standard_errors
    return np.append(fitted.standard_errors, fitted.bias_standard_error)


@pytest.mark.parametrize("name", SETS)
def test_every_nist_set_has_thirteen_digits_and_more(name: str) -> None:
    """Of the exact solution of the stored numbers; Filip's certified values are of powers that float64 rounds."""
    s = SETS[name]
    expected = exact_fit(s.features, s.targets, bias=s.bias)
    cut = in_parts(s.features, s.targets, 2)
    for fitted in (
        solve(s.features, s.targets, bias=s.bias),
        solve_moments(all_moments(cut), bias=s.bias),
    ):
        assert fitted.dropped == ()
        assert digits(estimates(fitted), expected.estimates) >= 13
        assert fitted.is_exact == (name in NOISELESS)
        if name not in NOISELESS:
            assert digits(standard_errors(fitted), expected.standard_errors) >= 14


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e12])
def test_an_offset_costs_nothing(offset: float) -> None:
    """The weights are those of the numbers as they are stored, in memory and in parts."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2)) + offset
    y = x @ [1.0, -2.0] + rng.normal(size=60)
    expected = exact_fit(x, y)
    for fitted in (solve(x, y), solve_moments(all_moments(in_parts(x, y)))):
        assert digits(estimates(fitted), expected.estimates) >= 13
        assert digits(standard_errors(fitted), expected.standard_errors) >= 13


def test_a_large_table_is_read_again_where_its_columns_nearly_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain products of such columns keep six digits; as many slices as their condition asks for keep all."""
    monkeypatch.setattr("tasks.neuron.moments.CHEAP", 0)
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 1)) + 1e-5 * rng.normal(size=(300, 2))
    y = x @ [1.0, 1.0] + rng.normal(size=300)
    fitted = solve_moments(all_moments(in_parts(x, y)))
    expected = exact_fit(x, y)
    assert digits(estimates(fitted), expected.estimates) >= 13
    assert digits(standard_errors(fitted), expected.standard_errors) >= 13


def test_a_year_and_its_flag() -> None:
    """One of the two is dropped, everywhere, and the other's figures are the exact ones without it."""
    x, y, names = table("year-and-dummy", "share")
    fitted = solve(x, y)
    expected = exact_fit(x[:, :2], y)
    assert fitted.factor.undetermined == ((names.index("year"), names.index("late")),)
    assert digits(estimates(fitted)[[0, 1, 3]], expected.estimates) >= 14
    assert digits(standard_errors(fitted)[[0, 1, 3]], expected.standard_errors) >= 14
    assert fitted.standard_errors[1] == pytest.approx(1.22387, rel=1e-5)
    trained = fit(x, y)
    assert trained.weights[2] == 0
    judged = verdict(trained.weights, trained.bias, fitted)
    assert judged.converged
    assert judged.z <= 0.1


@given(
    st.integers(0, 10**6),
    st.sampled_from([0, 1, 1998, 20240101, 10**9]),
    st.integers(1, 60),
    st.booleans(),
)
def test_planted_dependences_are_found_at_every_offset(seed: int, offset: int, gap: int, whole: bool) -> None:
    """A year beside its flag, and a total in cents beside the parts it sums: dropped, and what is left is unmoved."""
    rng = np.random.default_rng(seed)
    rows = 40
    late = rng.permutation(np.arange(rows) % 3 == 0).astype(float)
    noise = rng.normal(size=rows)
    if whole:
        x = np.column_stack([noise, offset + gap * late, late])
    else:
        parts = np.round(rng.uniform(0, 100, (rows, 2)) + offset, 2)
        x = np.column_stack([parts, np.round(parts.sum(axis=1), 2)])
    y = rng.normal(size=rows)
    fitted = solve(x, y)
    assert fitted.dropped == (2,)
    assert fitted.factor.undetermined == (((1, 2) if whole else (0, 1, 2)),)
    np.testing.assert_allclose(fitted.weights[:2], solve(x[:, :2], y).weights, rtol=1e-12)


@given(st.integers(0, 10**6), st.floats(-9, -4))
def test_near_dependences_are_kept(seed: int, closeness: float) -> None:
    """A copy with noise far above the rounding of the stored numbers is another column."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=50)
    x = np.column_stack([first, first + 10**closeness * rng.normal(size=50)])
    y = rng.normal(size=50)
    fitted = solve(x, y)
    assert fitted.dropped == ()
    assert digits(estimates(fitted), exact_fit(x, y).estimates) >= 11


def test_a_column_that_is_the_sum_of_others() -> None:
    """Fit and reference are one solution, and the three columns are named together."""
    x, y, names = table("houses", "price")
    fitted, trained = solve(x, y), fit(x, y)
    assert [names[j] for j in fitted.factor.undetermined[0]] == ["first_floor", "second_floor", "living_area"]
    np.testing.assert_allclose(fitted.weights, [58.8517, 44.8597, 0, 14463.9], rtol=1e-5)
    assert fitted.bias == pytest.approx(7437.31, rel=1e-6)
    assert np.sqrt(fitted.residual_sum / 60) == pytest.approx(8112.95, rel=1e-6)
    judged = verdict(trained.weights, trained.bias, fitted)
    shown = np.abs(trained.weights - fitted.weights)[[0, 1, 3]] / fitted.standard_errors[[0, 1, 3]]
    bias = abs(trained.bias - fitted.bias) / fitted.bias_standard_error
    assert judged.z == pytest.approx(max(*shown, bias), rel=1e-6)


def test_the_tutorials_fit_is_moved_to_the_same_solution() -> None:
    """It shares a weight among copies; its predictions stay as they are."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 1)) @ [[1.0, 2.0]]
    y = x[:, 0] * 3 + 1 + rng.normal(size=400)
    trained = fit(x, y, recipe="tutorial")
    assert trained.weights[1] == 0
    assert trained.weights[0] == pytest.approx(3, abs=0.3)
    assert trained.before_closing is None


@pytest.mark.parametrize(
    ("name", "target"),
    [("nearly-a-copy", "y"), ("same-sentinel-twice", "y"), ("cooling-curves", "y")],
)
def test_nearly_dependent_columns_are_fitted(name: str, target: str) -> None:
    """By the mini-batches, from the factor's whitening, to a hundredth of the sampling risk of the exact solution."""
    x, y, _ = table(name, target)
    fitted, trained = solve(x, y), fit(x, y)
    expected = exact_fit(x, y)
    assert digits(estimates(fitted), expected.estimates) >= 13
    assert digits(standard_errors(fitted), expected.standard_errors) >= 13
    leverage = fitted.factor.leverage(x)
    assert leverage.sum() == pytest.approx(fitted.parameters, rel=1e-6)
    assert (leverage >= 1 / len(x)).all()
    judged = verdict(trained.weights, trained.bias, fitted)
    assert judged.converged, judged.text
    assert judged.z <= 0.1


def test_the_distance_of_wrong_weights_is_right() -> None:
    """Weights of nothing, beside two columns with the same code for "missing" in the same row."""
    x, y, _ = table("same-sentinel-twice", "y")
    judged = verdict([-5.1e-10, -5.1e-10], float(y.mean()), solve(x, y))
    assert pytest.approx(107.94, rel=1e-2) == judged.D
    assert judged.z == pytest.approx(17.99, rel=1e-2)


def test_r2_without_a_bias_is_about_zero() -> None:
    """NIST's certified value for NoInt1."""
    s = SETS["NoInt1"]
    fitted = solve(s.features, s.targets, bias=False)
    found = errors(s.targets, s.features @ fitted.weights).scores_about_zero
    assert found.r2 == pytest.approx(0.999365492298663, abs=1e-12)


def influential(rows: int = 16_000) -> tuple[Array, Array]:
    """Return ordinary rows and one at 300 standard deviations with an error of 100."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, 3))
    x[0, 0] = 300.0
    y = x.sum(axis=1) + rng.normal(size=rows)
    y[0] += 100.0
    return x, y


def precise(rows: int = 5000) -> tuple[Array, Array]:
    """Return a target whose noise is 2e-6 of its spread."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(rows, 3))
    return x, x @ [2.0, -3.0, 1.0] + 1.5 + 1e-5 * rng.normal(size=rows)


@pytest.mark.parametrize("data", [influential(), precise()], ids=["influential row", "precise instrument"])
def test_a_closing_epoch_reaches_what_mini_batches_miss(data: tuple[Array, Array]) -> None:
    """In memory, and in parts after a single epoch: D before is above 0.01, D after is rounding."""
    x, y = data
    reference = solve(x, y)
    assert not reference.is_exact
    for trained in (fit(x, y), fit_parts(in_parts(x, y), epochs=1)):
        assert trained.before_closing is not None
        assert trained.before_closing > 0.01
        judged = verdict(trained.weights, trained.bias, reference)
        assert judged.D < 1e-12
        assert judged.z < 1e-5


def test_no_closing_epoch_where_the_recipe_arrives_by_itself() -> None:
    """The weights are those of the mini-batches then."""
    x, y = influential()
    assert fit(x[1:2000], y[1:2000]).before_closing is None
