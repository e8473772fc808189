"""Levels of a category: how often each comes, and which are kept."""

from collections import Counter
from collections.abc import Container, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from tasks.table.errors import counted, quoted

# Levels of a text column; one with more is a name or a number of the row, and its weights would have few rows
# each.
MOST_LEVELS = 1000
# The level that rare ones are pooled as.
RARE = "(rare)"

_LISTED = 5


def count_levels(column: pa.ChunkedArray) -> Counter[str]:
    """Count the rows of each level; a missing value is none."""
    counts = pc.value_counts(column.drop_null())
    return Counter(dict(zip(counts.field(0).to_pylist(), counts.field(1).to_pylist(), strict=True)))


def frequent_levels(levels: Counter[str], least: int) -> list[str]:
    """Return the levels that are kept, in sorted order, and what the others are pooled as.

    >>> frequent_levels(Counter(b=3, a=2, c=1), 2)
    ['a', 'b', '(rare)']
    """
    frequent = sorted(level for level, count in levels.items() if count >= least)
    return frequent if len(frequent) == len(levels) else [*frequent, RARE]


def unknown_levels(name: str, known: Container[str], rows: Mapping[str, int], noun: str) -> Iterator[str]:
    """Name the levels that no training row has, of the counts of `rows` by level."""
    unknown = {level: count for level, count in rows.items() if level not in known}
    if unknown:
        first = sorted(unknown, key=lambda level: (-unknown[level], level))[:_LISTED]
        listed = ", ".join(f"{quoted(level)} ({unknown[level]:,})" for level in first)
        more = f" and {len(unknown) - _LISTED:,} more" if len(unknown) > _LISTED else ""
        yield (
            f"column {quoted(name)}: {counted(sum(unknown.values()), noun)} with a level that no training row "
            f"has, taken for an average row: {listed}{more}"
        )
