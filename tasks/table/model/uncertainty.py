"""How uncertain predictions are: what `model.json` holds of it, and the half-widths of intervals.

With the fit's residual deviation s on f degrees of freedom, and a row's design vector x (a number's value, 1 or 0 for a
level; of an unknown level the shares of the training rows), the leverage is

    h(x) = at_centre + ‖(x − centre)·inverse‖²,

`inverse` being the inverse of the triangular root of the features' centred products. The intervals are those of R's
`predict.lm`: prediction ± t·s·√(1 + h) for a new row and prediction ± t·s·√h for the mean of such rows, with Student's
t of f degrees of freedom. They assume normal errors of equal variance. The conformal interval assumes neither, only
that new rows come as the test rows did: its half-width is an order statistic of the test rows' absolute errors (J. Lei,
M. G'Sell, A. Rinaldo, R. J. Tibshirani and L. Wasserman, "Distribution-free predictive inference for regression",
2018).

Where rows count by their age, the test rows' errors do too, and a new row counts as the newest of them. Such weights
are fixed before any error is known. So coverage is at least the level where the rows could have come in any order.
Where they change with time, it falls short by no more than Σ wᵢ·δᵢ / (1 + Σ wᵢ), with weights of at most 1, and δᵢ the
distance in total variation that exchanging the new row with row i makes: old rows, which differ most, count least
(R. F. Barber, E. J. Candès, A. Ramdas and R. J. Tibshirani, "Conformal prediction beyond exchangeability", 2023,
theorem 2). Weights of precision say nothing of how new rows come: with those each error counts once.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tasks.table.encoding import Encoding, Number
from tasks.table.errors import BadTable, counted
from tasks.table.model.strict import Strict

Kind: TypeAlias = Literal["prediction", "confidence", "conformal"]

BLOCK = 8192  # rows whose leverage is computed at a time
NEARLY = 1e-9  # by which (n + 1)·level may exceed a whole number through rounding


class DesignColumn(Strict):
    """A column of the design: a number, or the indicator of a level."""

    column: str
    level: str | None = Field(default=None, description="Of a category; null for a number.")
    term: int | None = Field(
        default=None,
        ge=0,
        description="Place among the columns of terms, of one of those; `column` is its name.",
    )
    centre: float = Field(description="Its mean over the training rows; 0 without a bias.")


class Uncertainty(Strict):
    """What intervals are made of, see the module."""

    residual_deviation: float = Field(ge=0, description="s, in units of the target.")
    degrees_of_freedom: int = Field(ge=1)
    critical: float = Field(gt=0, description="Student's t that 95 % intervals take.")
    at_centre: float = Field(ge=0, description="Leverage at the centre: 1 / rows, 0 without a bias.")
    design: tuple[DesignColumn, ...] = Field(
        description="The independent columns, in the order of `inverse`."
    )
    inverse: tuple[tuple[float, ...], ...] = Field(
        description="By columns: the k-th has a number for each of the first k columns of the design."
    )

    @model_validator(mode="after")
    def _is_triangular(self) -> Self:
        if [len(column) for column in self.inverse] != [*range(1, len(self.design) + 1)]:
            raise ValueError(f"`inverse` is not a triangle of {len(self.design)} columns, as `design` has")
        return self

    def leverage(self, design: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return h (m,) of design rows (m, r)."""
        matrix = np.zeros((len(self.design),) * 2)
        for k, column in enumerate(self.inverse):
            matrix[: k + 1, k] = column
        centre = np.array([column.centre for column in self.design])
        found = np.empty(len(design))
        for start in range(0, len(design), BLOCK):
            some = slice(start, start + BLOCK)
            with np.errstate(over="ignore", invalid="ignore"):
                found[some] = np.square((design[some] - centre) @ matrix).sum(axis=1)
        return self.at_centre + found


class Conformal(Strict):
    """Order statistics of the absolute errors of test rows."""

    rows: int = Field(ge=1, description="Test rows n.")
    ranks: tuple[int, ...] = Field(min_length=1, description="1 is the smallest error, n the largest.")
    errors: tuple[float, ...] = Field(description="Of those ranks, in units of the target.")
    shares: tuple[float, ...] | None = Field(
        default=None,
        description="Of the weight of all test rows and a new one, what the errors up to each rank have; null where "
        "all count as one.",
    )

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        if len(self.ranks) != len(self.errors) or list(self.ranks) != sorted(set(self.ranks)):
            raise ValueError("`ranks` do not ascend with an error each")
        shares = self.shares or ()
        if self.shares is not None and (len(shares) != len(self.ranks) or [*shares] != sorted(shares)):
            raise ValueError("`shares` do not ascend with the ranks")
        return self

    def half_width(self, level: float) -> float:
        """Return the ⌈(n + 1)·level⌉-th smallest error, or the next larger one that is kept.

        Of weighted ones it is the smallest up to which the errors have a share of at least the level.

        Raises:
            BadTable: there are too few test rows for the level.
        """
        if self.shares is None:
            rank = math.ceil((self.rows + 1) * level - NEARLY)
            place, most = bisect.bisect_left(self.ranks, rank), self.rows / (self.rows + 1)
        else:
            place, most = bisect.bisect_left(self.shares, level - NEARLY), self.shares[-1]
        if place == len(self.ranks):
            raise BadTable(
                f"`interval` of {level:g}: {counted(self.rows, 'test row')} of the model's run support levels up to "
                f"{most:.4g}; lower it, hold out more rows, or set `interval_kind` to prediction"
            )
        return self.errors[place]


@dataclass(frozen=True, slots=True)
class Interval:
    """Which interval is wanted; `critical` is Student's t, None for a conformal interval."""

    level: float
    kind: Kind
    critical: float | None


def design_of(
    encoding: Encoding, kept: Sequence[int], centre: NDArray[np.float64]
) -> tuple[DesignColumn, ...]:
    """Name the r independent ones of d features, whose means `centre` (d,) are, by the user's columns."""
    named = [
        (column.name, None if isinstance(column, Number) else column.levels[place + 1])
        for column in encoding.columns
        for place in range(len(column.names))
    ]
    own = len(named)
    named += [(name, None) for name in (encoding.design.features if encoding.design else ())]
    return tuple(
        DesignColumn(
            column=named[j][0],
            level=named[j][1],
            term=j - own if j >= own else None,
            centre=float(centre[j]),
        )
        for j in kept
    )
