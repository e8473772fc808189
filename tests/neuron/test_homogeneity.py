"""Two samples in cells: SciPy's figures, and a level that holds for several."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from tasks.neuron.homogeneity import chi_square_tail, holm, homogeneity


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 9, 200, 999])
@pytest.mark.parametrize("x", [0.0, 1e-9, 0.5, 3.84, 40.0, 1000.0, 1e6])
def test_the_tail_of_chi_square_is_that_of_scipy(x: float, degrees: int) -> None:
    assert chi_square_tail(x, degrees) == pytest.approx(stats.chi2.sf(x, degrees), rel=1e-10, abs=1e-300)


def test_the_test_of_full_cells_is_that_of_scipy() -> None:
    first, second = [50, 30, 20, 40], [20, 30, 10, 45]
    found = homogeneity(first, second)
    assert found.p == pytest.approx(stats.chi2_contingency([first, second], correction=False).pvalue)
    p, q = (np.array(each) + 0.5 for each in (first, second))
    p, q = p / p.sum(), q / q.sum()
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()))


def test_cells_with_few_rows_are_pooled_with_their_neighbours() -> None:
    """So that each is expected to have five rows in the smaller sample."""
    assert homogeneity([100, 4, 3, 93, 0, 2], [50, 1, 2, 46, 1, 0]) == homogeneity([100, 102], [50, 50])


def test_rows_in_one_cell_say_nothing() -> None:
    found = homogeneity([0, 30, 0], [0, 12, 0])
    assert (found.psi, found.p) == (0.0, None)
    assert homogeneity([2, 2], [1, 0]).p is None


def test_the_same_shares_are_no_drift_and_others_are() -> None:
    assert homogeneity([100, 200], [50, 100]).psi == pytest.approx(0, abs=1e-4)
    apart = homogeneity([100, 0], [0, 100])
    assert math.isfinite(apart.psi)
    assert apart.psi > 1
    assert apart.p is not None
    assert apart.p < 1e-9


def test_holms_rule_closes_that_of_bonferroni() -> None:
    """A test rejects if every set of tests that has it holds one at or below the level divided by the set's size."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        p = (rng.random(6) ** 4).tolist()
        sets = [each for size in range(1, 7) for each in combinations(range(6), size)]
        expected = [
            all(min(p[n] for n in each) <= 0.05 / len(each) for each in sets if place in each)
            for place in range(6)
        ]
        assert holm(p, 0.05) == expected
    assert holm([None, 0.001, 0.5], 0.01) == [False, True, False]
    assert holm([], 0.01) == []
