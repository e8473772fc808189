"""Rows whose numbers lie side by side are the rows that were put there, column by column and picked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron import interleaved
from tasks.neuron.interleaved import unfilled

TYPES = [np.dtype(kind) for kind in ("f4", "f8", "i8", "u1", "?")]


@given(st.lists(st.sampled_from(TYPES), min_size=1, max_size=7), st.integers(0, 2**32 - 1), st.data())
def test_rows_come_back_in_their_types_whatever_the_pieces(
    types: list[np.dtype[np.generic]], seed: int, data: st.DataObject
) -> None:
    """Numbers of one type share a table; none is converted, so that an identifier of 64 bits stays whole."""
    rng = np.random.default_rng(seed)
    rows = data.draw(st.integers(1, 40))
    columns = [rng.integers(0, 2**63, rows).astype(kind) for kind in types]
    table = unfilled(rows, types)
    cut = data.draw(st.integers(0, rows))
    for start, stop in ((cut, rows), (0, cut)):
        table.put(start, [column[start:stop] for column in columns])

    assert len(table.tables) == len(set(types))
    numbers = rng.integers(0, rows, 9)
    for column, found, picked in zip(columns, table.columns, table.picked(numbers), strict=True):
        assert found.dtype == picked.dtype == column.dtype
        np.testing.assert_array_equal(found, column)
        np.testing.assert_array_equal(picked, column[numbers])


def test_more_rows_than_are_turned_at_a_time() -> None:
    rows = 2 * interleaved.BLOCK + 3
    columns = [np.arange(rows, dtype=np.float32), np.arange(rows, dtype=np.float32) ** 2]
    table = unfilled(rows, [column.dtype for column in columns])
    table.put(0, columns)
    np.testing.assert_array_equal(table.tables[0], np.column_stack(columns))
