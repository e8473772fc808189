"""Pairs of float64 numbers compute as rationals do, to about 2⁻¹⁰⁰."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.double_double import Pair, add, divide, multiply, pair, product, root, subtract, total

BITS = 2.0**-98
numbers = st.floats(1e-50, 1e50).flatmap(lambda x: st.sampled_from([x, -x]))


def exact(value: Pair) -> Fraction:
    return Fraction(float(value.high)) + Fraction(float(value.low))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (add, Fraction.__add__),
        (subtract, Fraction.__sub__),
        (multiply, Fraction.__mul__),
        (divide, Fraction.__truediv__),
    ],
)
@given(a=numbers, b=numbers, c=numbers)
def test_two_numbers(
    ours: Callable[[Pair, Pair], Pair],
    theirs: Callable[[Fraction, Fraction], Fraction],
    a: float,
    b: float,
    c: float,
) -> None:
    """Of a number with a low part and another one."""
    left, right = add(pair(a), pair(a * 1e-20)), add(pair(b), pair(c * 1e-70))
    expected = theirs(exact(left), exact(right))
    scale = max(abs(exact(left)), abs(exact(right))) if ours in {add, subtract} else abs(expected)
    assert abs(exact(ours(left, right)) - expected) <= BITS * float(scale)


@given(st.floats(1e-100, 1e100))
def test_roots(a: float) -> None:
    """Squared again."""
    assert abs(exact(root(pair(a))) ** 2 - Fraction(a)) <= Fraction(BITS) * Fraction(a)


@given(st.lists(st.floats(-1e6, 1e6), max_size=20))
def test_sums(values: list[float]) -> None:
    """Of any number of numbers, none included."""
    found = total(pair(np.array(values)))
    expected = sum(map(Fraction, values), Fraction(0))
    assert abs(exact(found) - expected) <= BITS * (1 + sum(map(abs, values)))


def test_a_matrix_times_a_vector() -> None:
    """Row by row."""
    found = product(pair([[1.0, 2.0], [3.0, 4.0]]), pair([1e20, 1.0]))
    assert found.high.tolist() == [1e20, 3e20]
    assert found.low.tolist() == [2.0, 4.0]
