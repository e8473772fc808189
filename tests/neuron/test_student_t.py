"""Student's t is held against SciPy, which comes with scikit-learn, and against closed forms."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from tasks.neuron.student_t import critical, incomplete_beta, two_sided

DEGREES = [1, 2, 3, 10, 30, 797, 1999, 2001, 99_999]
LARGE = [1e6, 1.0001e6, 1e7, 1e9, 1e12]
T = [0.0, 1e-3, 0.1, 0.5, 1.0, 1.96, 3.0, 10.0, 37.0, 1e3]


@pytest.mark.parametrize("degrees", DEGREES)
@pytest.mark.parametrize("t", T)
def test_the_chance_of_a_larger_t_is_scipys(degrees: int, t: float) -> None:
    """To nine digits, deep in the tail as well as in the middle, whatever the sign."""
    expected = 2 * stats.t.sf(t, degrees)
    assert two_sided(t, degrees) == pytest.approx(expected, rel=1e-9, abs=1e-290)
    assert two_sided(-t, degrees) == two_sided(t, degrees)


@pytest.mark.parametrize("degrees", LARGE)
@pytest.mark.parametrize("t", T[:8])
def test_with_many_degrees_of_freedom_it_is_nearly_normal(degrees: float, t: float) -> None:
    """The switch to the normal approximation leaves no step, and costs no time."""
    assert two_sided(t, degrees) == pytest.approx(2 * stats.t.sf(t, degrees), rel=1e-5)


@pytest.mark.parametrize("degrees", [*DEGREES, *LARGE])
@pytest.mark.parametrize("chance", [0.999, 0.5, 0.05, 0.001, 1e-10])
def test_the_critical_value_is_scipys(degrees: float, chance: float) -> None:
    """The reach of an interval: at 95 % the tables' 12.7062, 4.3027, 2.2281, 1.9600."""
    assert critical(chance, degrees) == pytest.approx(stats.t.isf(chance / 2, degrees), rel=1e-9)


def test_one_and_two_degrees_of_freedom_have_closed_forms() -> None:
    """Cauchy's arctangent, also where t is so small that SciPy loses digits; and t/√(2 + t²)."""
    for t in (1e-12, 1e-6, 0.3, 1.0, 50.0):
        assert two_sided(t, 1) == pytest.approx(1 - 2 * math.atan(t) / math.pi, rel=1e-12)
        assert two_sided(t, 2) == pytest.approx(1 - t / math.sqrt(2 + t * t), rel=1e-9)


@given(st.floats(0.05, 500), st.floats(0.05, 500), st.floats(0, 1))
def test_the_incomplete_beta_function_is_scipys(a: float, b: float, x: float) -> None:
    """For any shapes, at the ends too, where it is exactly 0 and 1."""
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-8, abs=1e-12)


def test_what_has_no_meaning_is_refused() -> None:
    """Without degrees of freedom there is no t; a chance of 0 or 1 has no critical value."""
    assert two_sided(math.inf, 5) == 0
    with pytest.raises(ValueError, match=r"^`degrees` must be above 0, got 0; without any there is no t$"):
        two_sided(1.0, 0)
    with pytest.raises(ValueError, match=r"^`chance` must lie between 0 and 1, got 1$"):
        critical(1, 5)
