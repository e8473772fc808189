"""The data's profile: what each column of the training rows holds, and how far it moved since the run before."""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.neuron.profile import TableProfile
from tasks.outputs.result import ColumnProfile, Result
from tasks.page.blocks import TableBlock, Text
from tasks.page.text import named, number


def profiled(names: Sequence[str], found: TableProfile) -> list[ColumnProfile]:
    """Turn a survey of the training rows into a record per column; `names` has the features, then the target."""
    figures = zip(names, found.moments.mean, found.deviation, found.lowest, found.highest, strict=True)
    return [
        ColumnProfile(
            name=name,
            rows=found.moments.rows,
            mean=float(mean),
            sd=float(sd) if np.isfinite(sd) else None,
            lowest=float(lowest),
            highest=float(highest),
        )
        for name, mean, sd, lowest, highest in figures
    ]


def profile_table(profile: Sequence[ColumnProfile], past: Result | None) -> TableBlock:
    """Tabulate the columns; beside an earlier run that has a profile, the drift of each mean."""
    before = {column.name: column for column in past.profile} if past else {}
    header = ["column", "rows", "mean", "sd", "min", "max", *(["drift of the mean"] if before else [])]
    drift = (
        "; drift is how far the mean moved since the run before, in standard deviations of then"
        if before
        else ""
    )
    return TableBlock(
        caption=f"The training rows, column by column, the target last{drift}.",
        header=header,
        rows=[[*_row(column), *_drift(column, before)] for column in profile],
        align="l" + "r" * (len(header) - 1),
    )


def _row(column: ColumnProfile) -> list[Text]:
    figures = (column.mean, column.sd, column.lowest, column.highest)
    return [named(column.name), f"{column.rows:,}", *(number(value, 5) for value in figures)]


def _drift(column: ColumnProfile, before: dict[str, ColumnProfile]) -> Iterator[str]:
    if before:
        old = before.get(column.name)
        yield number((column.mean - old.mean) / old.sd, 2) if old and old.sd else "–"
