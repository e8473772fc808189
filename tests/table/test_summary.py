"""Summaries of columns: exact, and the same however the rows are cut."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.table.levels import MOST_LEVELS
from tasks.table.summary import Summary, merge, numbers, summarize_levels, summarize_numbers

INF = float("inf")
CELLS = st.lists(st.none() | st.sampled_from(["a", "b", "c", ""]))


@given(arrays(np.float64, st.integers(0, 40)), st.lists(st.integers(0, 40), max_size=4), st.randoms())
def test_summary_does_not_depend_on_how_the_rows_are_cut(
    values: np.ndarray, cuts: list[int], random: object
) -> None:
    """Any parts, merged in any order, give exactly the summary of the whole."""
    bounds = sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})
    parts = [summarize_numbers(values[a:b], a) for a, b in pairwise(bounds)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    merged = Summary()
    for part in parts:
        merged = merge(part, merged)
    assert merged == summarize_numbers(values)


def test_summary_numbers_rows_across_parts() -> None:
    """The first bad row is counted from the file's start, not the part's."""
    first = summarize_numbers(np.array([1.0, 2.0]))
    second = summarize_numbers(numbers(pa.array([3.0, None, INF])), start=2)
    assert merge(second, first) == Summary(
        rows=5, missing=1, first_missing=4, infinite=1, first_infinite=5, lowest=1.0, highest=3.0
    )


@given(CELLS, CELLS)
def test_levels_do_not_depend_on_how_the_rows_are_cut(
    first: list[str | None], rest: list[str | None]
) -> None:
    whole = summarize_levels(pa.array([*first, *rest], pa.string()))
    parts = [
        summarize_levels(pa.array(part, pa.string()), start)
        for part, start in ((first, 0), (rest, len(first)))
    ]
    assert merge(*parts) == merge(*parts[::-1]) == whole
    assert whole.levels == {*first, *rest} - {None}
    assert whole.usable == len([cell for cell in (*first, *rest) if cell is not None])


def test_too_many_levels_are_seen_to_be_too_many_in_any_order() -> None:
    """One more than are allowed is kept, and always the same ones, so that memory is bounded."""
    levels = [f"{number:06}" for number in range(MOST_LEVELS + 50)]
    parts = [summarize_levels(pa.array(part)) for part in (levels[:40], levels[40:])]
    assert merge(*parts).levels == merge(*parts[::-1]).levels == set(levels[: MOST_LEVELS + 1])
