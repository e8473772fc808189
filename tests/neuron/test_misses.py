"""The largest errors, found in pieces as they are at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.misses import MOST, largest, misses


@given(rows=st.integers(1, 60), piece=st.integers(1, 30), seed=st.integers(0, 2**32 - 1), ties=st.booleans())
def test_pieces_find_what_all_rows_do(rows: int, piece: int, seed: int, *, ties: bool) -> None:
    """Of equal errors, as whole numbers have, the first rows are named."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 3, size=(2, rows)) if ties else rng.normal(size=(2, rows))
    actual, predicted = drawn.astype(float)
    pieces = [
        each.moved(0, start)
        for start in range(0, rows, piece)
        for each in misses(actual[start : start + piece], predicted[start : start + piece])
    ]
    found = largest(pieces)
    assert found == misses(actual, predicted)
    errors = np.abs(actual - predicted)
    assert [each.row for each in found] == np.argsort(-errors, kind="stable")[:MOST].tolist()
    assert [each.error for each in found] == errors[[each.row for each in found]].tolist()


@given(rows=st.integers(2540, 6000), seed=st.integers(0, 2**32 - 1), ties=st.booleans())
def test_of_many_rows_no_large_error_is_passed_over(rows: int, seed: int, *, ties: bool) -> None:
    """Nor the first of equal ones."""
    rng = np.random.default_rng(seed)
    errors = rng.integers(0, 1000, size=rows).astype(float) if ties else rng.exponential(size=rows)
    found = misses(errors, np.zeros(rows))
    assert [each.row for each in found] == np.argsort(-errors, kind="stable")[:MOST].tolist()
