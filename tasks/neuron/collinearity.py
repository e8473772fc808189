"""Columns that make a fit doubtful or hard: dependent on others, nearly so, or of very different size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tasks.neuron.least_squares import LeastSquares
from tasks.neuron.moments import Array

INFLATED = (
    1e3  # variance inflation above which a column is said to depend nearly: 0.9995 correlation of two columns
)
SPAN = 1e6  # ratio of standard deviations above which columns are said to differ in scale


def collinearity_notes(names: Sequence[str], reference: LeastSquares) -> Iterator[str]:
    """Name the features, (d,) names, that least squares dropped or could hardly tell apart.

    The calibrated recipe fits all of them as far as they are determined; gradient descent on the raw inputs does not.
    """
    for column in reference.dropped:
        yield (
            f"column {names[column]!r} is constant or depends on the columns before it: "
            "its weight is not determined"
        )
    kept = np.setdiff1d(np.arange(len(names)), reference.dropped)
    for column, inflation in zip(
        kept, variance_inflation(reference.scatter[np.ix_(kept, kept)]), strict=True
    ):
        if inflation > INFLATED:
            yield (
                f"column {names[column]!r} nearly depends on the others: its weight's standard error is "
                f"{np.sqrt(inflation):,.0f} times what it would be without them"
            )
    if kept.size:
        spread = np.sqrt(np.diag(reference.scatter)[kept] / reference.rows)
        small, large = int(spread.argmin()), int(spread.argmax())
        if spread[large] > SPAN * spread[small]:
            yield (
                f"the features differ in scale: standard deviation {spread[small]:.2g} in column "
                f"{names[kept[small]]!r}, {spread[large]:.2g} in column {names[kept[large]]!r}"
            )


def variance_inflation(scatter: Array) -> Array:
    """Return 1 / (1 − R²ⱼ) of each column regressed on the others: the diagonal of the inverse correlation (d,)."""
    size = np.sqrt(np.diag(scatter))
    return np.asarray(np.diag(np.linalg.pinv(scatter / np.outer(size, size), hermitian=True)))
