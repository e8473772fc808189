"""The largest errors, found in pieces as they are at once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.misses import MOST, largest, misses


@given(st.integers(1, 60), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_pieces_find_what_all_rows_do(rows: int, piece: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    actual, predicted = rng.normal(size=(2, rows))
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
