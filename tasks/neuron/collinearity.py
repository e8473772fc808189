"""Columns that make a fit doubtful or hard: dependent on others, nearly so, or of very different size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.neuron.least_squares import LeastSquares

# Variance inflation above which a column counts as nearly dependent: a correlation of 0.9995 between two columns.
INFLATED = 1e3
SPAN = 1e6  # ratio of standard deviations above which columns are said to differ in scale


def collinearity_notes(names: Sequence[str], reference: LeastSquares) -> Iterator[str]:
    """Name the features, (d,) names, that least squares dropped or could hardly tell apart."""
    factor = reference.factor
    for members in factor.undetermined:
        yield _undetermined([names[j] for j in members], [names[j] for j in members if j in factor.dropped])
    for column, inflation in zip(factor.kept, factor.inflation, strict=True):
        if inflation > INFLATED:
            yield (
                f"column {names[column]!r} nearly depends on the others: its weight's standard error is "
                f"{np.sqrt(inflation):,.0f} times what it would be without them; "
                "`exclude` one of the columns that say the same"
            )
    if factor.rank:
        spread = factor.lengths / np.sqrt(factor.total)
        small, large = int(spread.argmin()), int(spread.argmax())
        if spread[large] > SPAN * spread[small]:
            yield (
                f"the features differ in scale: standard deviation {spread[small]:.2g} in column "
                f"{names[factor.kept[small]]!r}, {spread[large]:.2g} in column {names[factor.kept[large]]!r}"
            )


def _undetermined(members: Sequence[str], dropped: Sequence[str]) -> str:
    """Say which weights are not determined together, and which of them were set to 0."""
    if len(members) == 1:
        return f"column {members[0]!r} is constant: its weight is not determined, and set to 0"
    *first, last = map(repr, members)
    return (
        f"columns {', '.join(first)} and {last} depend on each other: their weights are not determined, only their "
        f"sum of effects is; the weight of {', '.join(map(repr, dropped))} is set to 0"
    )
