"""Student's t is checked against closed forms, tables and SciPy's other routines."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from tasks.neuron.least_squares import solve
from tasks.neuron.student_t import critical, t_tests, two_sided
from tests.processes import imported

DEGREES = [1, 2, 3, 10, 30, 797, 1999, 99_999, 10**6, 10**9]
T = [1e-12, 1e-3, 0.1, 0.5, 1.0, 1.96, 3.0, 10.0, 37.0, 1e3, 1e6]


@pytest.mark.parametrize("t", T)
def test_one_and_two_degrees_of_freedom_have_closed_forms(t: float) -> None:
    """2/π·arctan(1/t), and 2/(√(2 + t²)·(√(2 + t²) + t)): neither loses digits in the tail."""
    root = math.sqrt(2 + t * t)
    assert two_sided(t, 1) == pytest.approx(2 / math.pi * math.atan(1 / t), rel=1e-8 if t < 1e-3 else 1e-12)
    assert two_sided(t, 2) == pytest.approx(2 / (root * (root + t)), rel=1e-12)


@pytest.mark.parametrize("degrees", DEGREES)
def test_the_far_tail_keeps_its_digits(degrees: int) -> None:
    """Where t² > ν, the incomplete beta function at ν/(ν + t²), which SciPy takes from another library, agrees."""
    t = math.sqrt(degrees) * np.array([1.1, 3.0, 10.0, 1e3])
    expected = special.betainc(degrees / 2, 0.5, degrees / (degrees + t**2))
    assert two_sided(t, degrees) == pytest.approx(expected, rel=1e-10, abs=1e-290)


@pytest.mark.parametrize("t", [0.1, 1.0, 5.0, 20.0])
def test_with_many_degrees_of_freedom_it_is_normal(t: float) -> None:
    assert two_sided(t, 10**12) == pytest.approx(math.erfc(t / math.sqrt(2)), rel=1e-7)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.integers(1, 10**6))
def test_p_values_are_probabilities_and_symmetric(t: list[float], degrees: int) -> None:
    p = two_sided(t, degrees)
    assert ((p >= 0) & (p <= 1)).all()
    assert (p == two_sided(np.negative(t), degrees)).all()


def test_the_ends_have_their_values() -> None:
    """A t of zero, an infinite one, and one that is not known."""
    assert two_sided([0.0, math.inf, -math.inf], 5).tolist() == [1, 0, 0]
    assert np.isnan(two_sided(math.nan, 5))


@pytest.mark.parametrize(("degrees", "t"), [(1, 12.7062), (2, 4.3027), (10, 2.2281), (10**9, 1.9600)])
def test_the_critical_value_is_that_of_the_tables(degrees: int, t: float) -> None:
    assert critical(0.05, degrees) == pytest.approx(t, abs=5e-5)


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("chance", [0.999, 0.5, 0.05, 0.001, 1e-10])
def test_the_critical_value_is_exceeded_with_its_chance(degrees: int, chance: float) -> None:
    assert two_sided(critical(chance, degrees), degrees) == pytest.approx(chance, rel=1e-9)


def test_the_tests_of_a_fit_are_those_of_simple_regression() -> None:
    """A slope's t and p equal those of the correlation, as `scipy.stats.linregress` computes them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = 0.3 * x + rng.normal(size=30)
    fit, expected = solve(x[:, None], y), stats.linregress(x, y)
    found = t_tests(
        [*fit.weights, fit.bias], [*fit.standard_errors, fit.bias_standard_error], fit.degrees_of_freedom
    )
    assert found.p[0] == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.t == pytest.approx(
        [expected.slope / expected.stderr, expected.intercept / expected.intercept_stderr]
    )
    assert found.high - found.low == pytest.approx(
        2 * stats.t.isf(0.025, 28) * np.array([expected.stderr, expected.intercept_stderr])
    )


@pytest.mark.parametrize(("errors", "degrees"), [([math.nan, 0.0], 10), ([0.1, 0.1], 0)])
def test_without_an_error_or_degrees_of_freedom_nothing_is_tested(errors: list[float], degrees: int) -> None:
    found = t_tests([1.0, 2.0], errors, degrees)
    for values in (found.t, found.p, found.low, found.high):
        assert np.isnan(values).all()


def test_one_unknown_error_leaves_the_others_alone() -> None:
    found = t_tests([1.0, 2.0], [math.nan, 1.0], 10)
    assert np.isnan([found.t[0], found.p[0], found.low[0]]).all()
    assert (found.t[1], found.low[1]) == (2.0, pytest.approx(2 - 2.228139))


def test_what_has_no_meaning_is_refused() -> None:
    """Without degrees of freedom there is no t; a chance of 0 or 1 has no critical value."""
    for function in (lambda: two_sided(1.0, 0), lambda: critical(0.05, 0)):
        with pytest.raises(
            ValueError, match=r"^`degrees` must be at least 1, got 0; t needs a degree of freedom$"
        ):
            function()
    with pytest.raises(ValueError, match=r"^`chance` must lie between 0 and 1, got 1$"):
        critical(1, 5)


def test_scipy_waits_until_it_is_needed() -> None:
    """Importing the module and the pages, as a cached run does, does not import SciPy."""
    assert "scipy" not in imported("import tasks.neuron.student_t, tasks.page.report")
