"""The data's profile: each column of the training rows, and how far its mean moved since the previous run."""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.neuron.profile import TableProfile
from tasks.outputs.naming import Difference
from tasks.outputs.result import ColumnProfile, Result
from tasks.page.blocks import TableBlock, Text
from tasks.page.text import named, number, rounded


def profiled(names: Sequence[str], rows: TableProfile) -> list[ColumnProfile]:
    """Turn the profile of the training rows into a record per column; `names` has the features, then the target."""
    columns = zip(names, rows.moments.mean, rows.deviation, rows.lowest, rows.highest, strict=True)
    return [
        ColumnProfile(
            name=name,
            rows=rows.moments.rows,
            mean=float(mean),
            sd=float(sd) if np.isfinite(sd) else None,
            lowest=float(lowest),
            highest=float(highest),
        )
        for name, mean, sd, lowest, highest in columns
    ]


def profile_table(
    profile: Sequence[ColumnProfile], past: Result | None, unlike: Difference | None = None
) -> TableBlock:
    """Tabulate the columns; where an earlier run has a profile, with the drift of each mean.

    Args:
        profile: The columns.
        past: The run before.
        unlike: Why they cannot be compared with that run's.
    """
    before = {column.name: column for column in past.profile} if past else {}
    header = ["column", "rows", "mean", "SD", "min", "max", *(["drift of the mean"] if before else [])]
    drift = "; drift is the change of the mean since the previous run, in its SD then" if before else ""
    return TableBlock(
        caption=f"Mean, SD, minimum and maximum of each column over the training rows, the target last{drift}.",
        header=header,
        rows=[
            [*_row(column), *([unlike] if before and unlike else _drift(column, before))]
            for column in profile
        ],
        align="l" + "r" * (len(header) - 1),
    )


def _row(column: ColumnProfile) -> list[Text]:
    # Three digits of the SD; a centred column's mean is zero then, and not what rounding left of it.
    resolution = (column.sd or 0.0) / 10
    numbers = (column.mean, column.sd, column.lowest, column.highest)
    return [named(column.name), f"{column.rows:,}", *(rounded(value, resolution) for value in numbers)]


def _drift(column: ColumnProfile, before: dict[str, ColumnProfile]) -> Iterator[str]:
    if before:
        old = before.get(column.name)
        yield number((column.mean - old.mean) / old.sd, 2) if old and old.sd else "–"
