"""Pairs of finite numbers, and a range around them that is never empty."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.page.figures.points import finite, limits

FLOATS = st.floats(-1e300, 1e300)


def test_pairs_with_a_number_that_is_none_are_left_out() -> None:
    """And parts that have no other."""
    found = finite(
        {"train": ([1, np.nan, 3, 4], [5, 6, np.inf, 8]), "test": ([np.nan], [1.0]), "none": ([], [])}
    )
    assert {name: [each.tolist() for each in pair] for name, pair in found.items()} == {
        "train": [[1, 4], [5, 8]]
    }
    assert found["train"][0].dtype == np.float64


@pytest.mark.parametrize("pair", [([1, 2], [1]), ([[1]], [[1]]), (1.0, 1.0)])
def test_what_are_no_pairs_is_refused(pair: tuple[object, object]) -> None:
    with pytest.raises(ValueError, match=r"`train` must be two arrays of shape \(n,\); got "):
        finite({"train": pair})  # type: ignore[dict-item]


@given(st.lists(st.lists(FLOATS, min_size=1), max_size=3))
def test_the_range_holds_all_values_with_a_margin(arrays: list[list[float]]) -> None:
    low, high = limits([np.array(array) for array in arrays])
    assert math.isfinite(low)
    assert math.isfinite(high)
    assert low < high
    assert all(low <= value <= high for array in arrays for value in array)


def test_of_nothing_and_of_one_value_it_is_not_empty() -> None:
    assert limits([]) == (-1, 1)
    assert limits([np.array([50.0, 50.0])]) == (48, 52)
    assert limits([np.zeros(2)]) == (-1, 1)
    assert limits([np.array([0.0, 100.0])]) == (-4, 104)
