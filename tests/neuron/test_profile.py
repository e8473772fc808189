"""A profile of a table in parts is what NumPy says of the whole table."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.neuron.parts import MemoryPart, all_moments
from tasks.neuron.profile import profile

TABLE = np.random.default_rng(0).normal([0, 1e6, -3], [1, 1, 1e-3], size=(500, 3))


@given(st.lists(st.integers(1, 499), max_size=6, unique=True), st.integers(1, 600))
def test_batches_do_not_change_what_is_found(cuts: list[int], most: int) -> None:
    """Moments, range and sample are those of the whole table, wherever it is cut."""
    parts = [MemoryPart(list(part.T)) for part in np.split(TABLE, sorted(cuts))]
    found = profile(parts, most)
    assert found.moments.mean == pytest.approx(TABLE.mean(axis=0), rel=1e-14)
    assert found.deviation == pytest.approx(TABLE.std(axis=0, ddof=1), rel=1e-9)
    assert (found.lowest == TABLE.min(axis=0)).all()
    assert (found.highest == TABLE.max(axis=0)).all()
    assert (found.sample == profile([MemoryPart(list(TABLE.T))], most).sample).all()


def test_the_sample_is_without_replacement_and_in_order() -> None:
    """As many rows as asked for, each once, from the whole length; all of a small table."""
    row = np.arange(1000.0)
    sample = profile([MemoryPart([row[:300]]), MemoryPart([row[300:]])], 100).sample[:, 0]
    assert len(set(sample)) == 100
    assert (np.diff(sample) > 0).all()
    assert sample.min() < 100
    assert sample.max() > 900
    assert (profile([MemoryPart([row])], 1000).sample[:, 0] == row).all()


def test_a_single_row_has_no_deviation() -> None:
    assert np.isnan(profile([MemoryPart([np.ones(1), np.ones(1)])], 5).deviation).all()


def test_the_moments_are_those_of_a_pass_for_moments_alone() -> None:
    """To the last bit: training may take them from the profile."""
    parts = [MemoryPart(list(part.T)) for part in np.split(TABLE, [100, 350])]
    ours, theirs = profile(parts, 5).moments, all_moments(parts)
    assert all(
        np.array_equal(getattr(ours, name), getattr(theirs, name)) for name in ("shift", "sums", "products")
    )


def test_an_empty_part_is_refused() -> None:
    """A part without rows would break the order of the others."""
    with pytest.raises(ValueError, match=r"^a part holds no rows; leave empty files out$"):
        profile([MemoryPart([np.ones(0)])], 2)
