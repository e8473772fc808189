"""What has changed in a table since the last run: columns lost, retyped or added, and values far out of their range."""

from collections.abc import Collection, Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from tasks.table.errors import Violation, quoted

# Of the width of the former range: what lies further out than that is drift. (A rule of thumb.)
FAR = 0.5


class ColumnRange(BaseModel):
    """A column as it is used, and the range of its numbers."""

    model_config = ConfigDict(frozen=True)

    name: str
    lowest: float | None = Field(default=None, description="None for a category.")
    highest: float | None = None


class TableSchema(BaseModel):
    """The used columns of a table, the features in their order and the target last; and those that cannot be used."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    columns: tuple[ColumnRange, ...]
    left_out: tuple[str, ...] = ()


def lost(before: TableSchema, used: Collection[str], left_out: Collection[str]) -> Iterator[Violation]:
    """Find the columns that a model can no longer learn from as it did: retyped, so that they are left out, or gone."""
    for name in (column.name for column in before.columns if column.name not in used):
        if name in left_out:
            yield Violation(
                "retyped-columns",
                f"column {quoted(name)}, used in the last run, holds no numbers any more",
                "mend it, or accept it by `warn` this once",
                column=name,
            )
        else:
            yield Violation(
                "removed-columns",
                f"column {quoted(name)}, used in the last run, is gone",
                "bring it back, or accept it by `warn` this once",
                column=name,
            )


def grown(before: TableSchema, now: TableSchema) -> Iterator[Violation]:
    """Find new columns, and those whose values lie far outside the range that they had."""
    known = {column.name: column for column in before.columns}
    for column in now.columns:
        if column.name not in known:
            yield Violation(
                "added-columns",
                f"column {quoted(column.name)} is new since the last run",
                "`exclude` it if it is not meant to be learnt from",
                column=column.name,
            )
        else:
            yield from _drift(known[column.name], column)


def _drift(before: ColumnRange, now: ColumnRange) -> Iterator[Violation]:
    if before.lowest is None or before.highest is None or now.lowest is None or now.highest is None:
        return
    margin = FAR * (before.highest - before.lowest)
    if now.lowest < before.lowest - margin or now.highest > before.highest + margin:
        yield Violation(
            "drift",
            f"column {quoted(now.name)} reaches from {now.lowest:g} to {now.highest:g}, "
            f"in the last run from {before.lowest:g} to {before.highest:g}",
            "see whether its unit or its source has changed",
            column=now.name,
            value=f"{now.lowest:g} to {now.highest:g}",
        )
