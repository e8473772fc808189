"""Powers over rows: R's `poly` to the last digits, by exact arithmetic; the same from any parts of the rows."""

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.terms.powers import BLOCK, PowerFactor, monic, orthogonal_columns, powers_of
from tests.r_data import r_data

SETS = {
    "speeds of cars": r_data("cars")["speed"].to_numpy(float),
    "one to ten": np.arange(1.0, 11.0),
    "years": np.arange(1990.0, 2024.0),
    "drawn": np.random.default_rng(0).normal(1e3, 0.1, 200),
    "skewed": np.random.default_rng(1).lognormal(0, 1, 150),
}


def stieltjes(x: Sequence[float], degree: int) -> tuple[list[float], list[float]]:
    """Compute what R keeps in `coefs` without rounding: three-term recurrence, sums over all rows."""
    values = [Fraction(each) for each in x]
    before, now = [Fraction(0)] * len(values), [Fraction(1)] * len(values)
    alpha, norm2 = [], [Fraction(1), Fraction(len(values))]
    for _ in range(degree):
        centre = sum(v * p * p for v, p in zip(values, now, strict=True)) / norm2[-1]
        ratio = norm2[-1] / norm2[-2]
        following = [(v - centre) * p - ratio * q for v, p, q in zip(values, now, before, strict=True)]
        before, now = now, following
        alpha.append(float(centre))
        norm2.append(sum((p * p for p in now), Fraction(0)))
    return alpha, [float(each) for each in norm2]


@pytest.mark.parametrize("degree", [1, 2, 4])
@pytest.mark.parametrize("name", SETS)
def test_coefficients_are_those_of_exact_arithmetic(name: str, degree: int) -> None:
    """Those that R names `alpha` and `norm2`."""
    alpha, norm2 = powers_of(SETS[name], degree).orthogonal()
    exact_alpha, exact_norm2 = stieltjes(SETS[name].tolist(), degree)
    np.testing.assert_allclose(alpha, exact_alpha, rtol=2e-13)
    np.testing.assert_allclose(norm2, exact_norm2, rtol=2e-13)


def test_columns_are_those_that_r_prints() -> None:
    """`contr.poly(4)`, which is `poly(1:4, 3)`: −3/√20, 1/2 and so on."""
    alpha, norm2 = powers_of(np.arange(1.0, 5.0), 3).orthogonal()
    linear, quadratic, cubic = orthogonal_columns(np.arange(1.0, 5.0), alpha, norm2)
    np.testing.assert_allclose(linear, np.array([-3, -1, 1, 3]) / sqrt(20), rtol=1e-14)
    np.testing.assert_allclose(quadratic, [0.5, -0.5, -0.5, 0.5], rtol=1e-14)
    np.testing.assert_allclose(cubic, np.array([-1, 3, -3, 1]) / sqrt(20), rtol=1e-14)


@pytest.mark.parametrize("name", SETS)
def test_columns_are_orthonormal(name: str) -> None:
    """To each other and to the constant, up to the tenth degree; the columns of R's QR but for their signs."""
    x, degree = SETS[name], 10 if name == "years" else 5
    columns = np.column_stack(
        [np.ones_like(x) / sqrt(len(x)), *orthogonal_columns(x, *powers_of(x, degree).orthogonal())]
    )
    np.testing.assert_allclose(columns.T @ columns, np.eye(degree + 1), atol=1e-9)


@given(st.lists(st.integers(0, 200), max_size=5), st.integers(0, 99), st.booleans())
def test_parts_of_any_sizes_give_the_same(cuts: list[int], seed: int, is_sorted: bool) -> None:
    """Empty parts too, and parts that lie far from each other."""
    x = np.random.default_rng(seed).lognormal(0, 1, 200) + 100
    x = np.sort(x) if is_sorted else x
    parts = [powers_of(each, 3) for each in np.split(x, sorted(cuts))]
    found = sum(parts[1:], parts[0])
    whole = powers_of(x, 3)
    assert found.rows == 200
    assert found.mean == pytest.approx(x.mean(), rel=1e-14)
    assert found.squares == pytest.approx(((x - x.mean()) ** 2).sum(), rel=1e-12)
    for one, other in zip(found.orthogonal(), whole.orthogonal(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10)


def test_many_rows_are_taken_in_blocks() -> None:
    """As one is of a single value, gaps are left out."""
    x = np.tile([1.0, np.nan, 2.0, 4.0], BLOCK // 2)
    found = powers_of(x, 2)
    assert found.rows == 3 * BLOCK // 2
    np.testing.assert_allclose(found.means_of_powers(), [7 / 3, 7.0], rtol=1e-13)
    np.testing.assert_allclose(found.orthogonal()[0], powers_of(x[:4], 2).orthogonal()[0], rtol=1e-13)


@pytest.mark.parametrize("values", [(0.1,), (7.0, 9.0), (0.0, 0.1, 0.3), (1e6, 1e6 + 1, 1e6 + 2, 1e6 + 4)])
@pytest.mark.parametrize("parts", [1, 7])
def test_no_more_powers_are_told_apart_than_there_are_values(values: tuple[float, ...], parts: int) -> None:
    """However often each stands there."""
    x = np.repeat(values, 33)
    found = sum((powers_of(x[start::parts], 6) for start in range(1, parts)), powers_of(x[::parts], 6))
    assert found.rank == len(values)


def test_powers_beyond_float64_are_not_finite() -> None:
    """Merged with others, too."""
    small, large = powers_of(np.array([1.0, 2.0, 4.0]), 4), powers_of(np.array([1e80, 3e80]), 4)
    assert small.is_finite
    assert not (small + large).is_finite
    assert isinstance(small + large, PowerFactor)


def test_polynomials_by_their_powers_are_the_recurrence() -> None:
    """About any centre, exactly."""
    x = SETS["one to ten"]
    alpha, norm2 = powers_of(x, 4).orthogonal()
    by_recurrence = orthogonal_columns(x, alpha, norm2)
    for factors, column, length in zip(monic(alpha, norm2, 3.0)[1:], by_recurrence, norm2[2:], strict=True):
        values = sum(float(factor) * (x - 3.0) ** power for power, factor in enumerate(factors))
        np.testing.assert_allclose(values / sqrt(length), column, atol=1e-12)
