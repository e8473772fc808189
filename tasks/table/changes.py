"""What has changed in a table since the last run: columns lost, retyped or added, and values far out of their range."""

from collections.abc import Collection, Iterator

from pydantic import BaseModel, ConfigDict, Field

from tasks.table.errors import Finding, shown

FILE = "schema.json"
FAR = 0.5
"""Of the width of the former range: what lies further out than that is drift. (A rule of thumb.)"""


class Column(BaseModel):
    """A column as it is used, and the range of its numbers."""

    model_config = ConfigDict(frozen=True)

    name: str
    lowest: float | None = Field(default=None, description="None for a category.")
    highest: float | None = None


class Schema(BaseModel):
    """The used columns of a table, the features in their order and the target last; and those that cannot be used."""

    model_config = ConfigDict(frozen=True)

    columns: tuple[Column, ...]
    left_out: tuple[str, ...] = ()


def lost(before: Schema, used: Collection[str], left_out: Collection[str]) -> Iterator[Finding]:
    """Find the columns that a model can no longer learn from as it did: retyped, so that they are left out, or gone."""
    for name in (column.name for column in before.columns if column.name not in used):
        if name in left_out:
            yield Finding(
                "retyped-columns",
                f"column {shown(name)}, used in the last run, holds no numbers any more",
                "mend it, or accept it by `warn` this once",
                column=name,
            )
        else:
            yield Finding(
                "removed-columns",
                f"column {shown(name)}, used in the last run, is gone",
                "bring it back, or accept it by `warn` this once",
                column=name,
            )


def grown(before: Schema, now: Schema) -> Iterator[Finding]:
    """Find new columns, and those whose values lie far outside the range that they had."""
    known = {column.name: column for column in before.columns}
    for column in now.columns:
        if column.name not in known:
            yield Finding(
                "added-columns",
                f"column {shown(column.name)} is new since the last run",
                "`exclude` it if it is not meant to be learnt from",
                column=column.name,
            )
        else:
            yield from _drift(known[column.name], column)


def _drift(before: Column, now: Column) -> Iterator[Finding]:
    if before.lowest is None or before.highest is None or now.lowest is None or now.highest is None:
        return
    margin = FAR * (before.highest - before.lowest)
    if now.lowest < before.lowest - margin or now.highest > before.highest + margin:
        yield Finding(
            "drift",
            f"column {shown(now.name)} reaches from {now.lowest:g} to {now.highest:g}, "
            f"in the last run from {before.lowest:g} to {before.highest:g}",
            "see whether its unit or its source has changed",
            column=now.name,
            value=f"{now.lowest:g} to {now.highest:g}",
        )
