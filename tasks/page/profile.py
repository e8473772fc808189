"""The data's profile: what each column of the training rows holds, and how far it moved since the run before."""

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.neuron.survey import Survey
from tasks.page.blocks import Table, Text
from tasks.page.history import PastRun
from tasks.page.result import Column
from tasks.page.text import named, number


def profiled(names: Sequence[str], found: Survey) -> list[Column]:
    """Turn a survey of the training rows into a record per column; `names` has the features, then the target."""
    figures = zip(names, found.moments.mean, found.deviation, found.lowest, found.highest, strict=True)
    return [
        Column(
            name=name,
            rows=found.moments.rows,
            mean=float(mean),
            sd=float(sd) if np.isfinite(sd) else None,
            lowest=float(lowest),
            highest=float(highest),
        )
        for name, mean, sd, lowest, highest in figures
    ]


def profile_table(profile: Sequence[Column], past: PastRun | None) -> Table:
    """Tabulate the columns; beside an earlier run that has a profile, the drift of each mean."""
    before = {column.name: column for column in past.profile} if past else {}
    header = ["column", "rows", "mean", "sd", "min", "max", *(["drift of the mean"] if before else [])]
    drift = (
        "; drift is how far the mean moved since the run before, in standard deviations of then"
        if before
        else ""
    )
    return Table(
        caption=f"The training rows, column by column, the target last{drift}.",
        header=header,
        rows=[[*_row(column), *_drift(column, before)] for column in profile],
        align="l" + "r" * (len(header) - 1),
    )


def _row(column: Column) -> list[Text]:
    figures = (column.mean, column.sd, column.lowest, column.highest)
    return [named(column.name), f"{column.rows:,}", *(number(value, 5) for value in figures)]


def _drift(column: Column, before: dict[str, Column]) -> Iterator[str]:
    if before:
        old = before.get(column.name)
        yield number((column.mean - old.mean) / old.sd, 2) if old and old.sd else "–"
