"""Levels: counted, pooled where they are rare, and named where no training row has them."""

from collections import Counter

import pyarrow as pa

from tasks.table.levels import RARE, count_levels, frequent_levels, unknown_levels


def test_missing_values_are_no_level() -> None:
    """Nulls are left out of the counts."""
    assert count_levels(pa.chunked_array([["a", None, "b"], ["a"]])) == {"a": 2, "b": 1}


def test_rare_levels_become_one_and_only_if_there_are_any() -> None:
    """The frequent ones stay in sorted order, the pool comes last."""
    counts = Counter(b=5, c=1, a=5)
    assert frequent_levels(counts, 2) == ["a", "b", RARE]
    assert frequent_levels(counts, 1) == ["a", "b", "c"]


def test_unknown_levels_are_named_with_the_most_frequent_first() -> None:
    """Five are listed, the rest counted."""
    rows = {"known": 9, **{f"l{number}": number for number in range(1, 8)}}
    (note,) = unknown_levels("kind", {"known"}, rows, "row")
    assert note.endswith(
        "taken for an average row: 'l7' (7), 'l6' (6), 'l5' (5), 'l4' (4), 'l3' (3) and 2 more"
    )
    assert [*unknown_levels("kind", rows, rows, "row")] == []
