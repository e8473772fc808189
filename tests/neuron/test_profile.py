"""A profile in parts is what NumPy says of the whole table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.profile import profile

TABLE = np.random.default_rng(0).normal([0, 1e6, -3], [1, 1, 1e-3], size=(500, 3))


def cut(table: np.ndarray, at: list[int]) -> list[MemoryPart]:
    """Return a table's rows in parts, the last column as the target."""
    return [MemoryPart(Batch([*part.T[:-1]], part.T[-1])) for part in np.split(table, at)]


@given(st.lists(st.integers(1, 499), max_size=6, unique=True), st.integers(1, 600))
def test_parts_do_not_change_what_is_found(cuts: list[int], most: int) -> None:
    """Moments, range and sample are those of the whole table, wherever it is cut."""
    found = profile(cut(TABLE, sorted(cuts)), most)
    assert found.moments.mean == pytest.approx(TABLE.mean(axis=0), rel=1e-14)
    assert found.deviation == pytest.approx(TABLE.std(axis=0, ddof=1), rel=1e-9)
    assert (found.lowest == TABLE.min(axis=0)).all()
    assert (found.highest == TABLE.max(axis=0)).all()
    whole = profile(cut(TABLE, []), most).sample
    assert (found.sample.matrix == whole.matrix).all()
    assert (found.sample.target == whole.target).all()


def test_the_sample_is_without_replacement_and_in_order() -> None:
    """As many rows as asked for, each once, from the whole length; all of a small table."""
    row = np.arange(1000.0)
    parts = cut(np.column_stack([row, row]), [300])
    sample = profile(parts, 100).sample.target
    assert len(set(sample)) == 100
    assert (np.diff(sample) > 0).all()
    assert sample.min() < 100
    assert sample.max() > 900
    assert (profile(parts, 1000).sample.target == row).all()


def test_a_single_row_has_no_deviation() -> None:
    assert np.isnan(profile(cut(np.ones((1, 2)), []), 5).deviation).all()


def test_a_part_without_rows_is_refused() -> None:
    """An empty file among the parts is a mistake of whoever lists them."""
    with pytest.raises(ValueError, match=r"^a part holds no rows; leave empty files out$"):
        profile(cut(np.ones((3, 2)), [3]), 2)
