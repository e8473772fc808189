"""Columns as numbers: text becomes a column per level, a missing value the mean; both fitted on training rows alone.

A text column of L levels becomes L − 1 columns, named `island=Dream`, that are 1 in the rows of their level and else
0. The first level in sorted order has none: it is the reference that the weights of the others are differences to.
(By sorting rather than by frequency, so that the same weights keep their meaning when counts change overnight.)

Whatever is not known of a row is replaced by the mean over the training rows of what it would be encoded as: a missing
number by the column's mean, a missing level, or one that no training row has, by the levels' shares. So it moves the
prediction by as much as an average row does, and not by what happens to be the reference.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tasks.table.errors import BadTable, counted, quoted
from tasks.table.levels import MOST_LEVELS, RARE, count_levels, frequent_levels, unknown_levels
from tasks.table.terms.design import (
    Design,
    Terms,
    TermsTally,
    count_term_levels,
    fit_terms,
    tally_terms,
    term_columns,
    term_notes,
)
from tasks.table.terms.variables import LevelVariable

# Levels that may be counted to pool the rare ones.
MOST_COUNTED = 100_000
# Number of levels above which the report names their cost.
MANY_LEVELS = 100


@dataclass(frozen=True, slots=True)
class ColumnRoles:
    """What the columns of a table are: d features in order, the target; which are text, and whether values may miss."""

    features: tuple[str, ...]
    target: str
    categorical: tuple[str, ...] = ()
    fill: bool = False
    # Training rows below which a level is pooled with the others that are as rare.
    min_frequency: int = 1
    # Whether the target's logarithm takes its place.
    log_target: bool = False
    # What is made of further columns, or, with a formula, of all.
    terms: Terms | None = None

    @property
    def used(self) -> tuple[str, ...]:
        """The features, the columns of terms, and then the target."""
        within = self.terms.columns if self.terms else ()
        return (*dict.fromkeys([*self.features, *within]), self.target)

    @property
    def filled(self) -> tuple[str, ...]:
        """The numeric features in which missing values are replaced."""
        return tuple(name for name in self.features if self.fill and name not in self.categorical)


class Fitted(BaseModel):
    """What was fitted for one column."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Number(Fitted):
    """A numeric column, kept as it is but for missing values."""

    type: Literal["number"] = "number"
    name: str
    mean: float | None = Field(
        default=None, description="What replaces a missing value; None: none may be missing."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that it becomes."""
        return (self.name,)

    def encoded(self, column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
        """Yield the column without missing values."""
        yield column if self.mean is None else _present(column).fill_null(self.mean)


class Category(Fitted):
    """A text column, encoded by level."""

    type: Literal["category"] = "category"
    name: str
    levels: tuple[str, ...] = Field(
        min_length=1, description="In sorted order; the first is the reference, which has no column."
    )
    shares: tuple[float, ...] = Field(description="Of the training rows with a value, by level.")
    fill: bool = Field(default=False, description="Whether the shares replace a missing value too.")
    pooled: tuple[str, ...] = Field(
        default=(), description="Rare levels, which count as the last one of `levels`."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that it becomes."""
        return tuple(f"{self.name}={level}" for level in self.levels[1:])

    def encoded(self, column: pa.ChunkedArray) -> Iterator[NDArray[np.float64]]:
        """Yield 1 where a row has the level, else 0, for each but the reference; the share where none is known."""
        place = self.places(column)
        for number, share in enumerate(self.shares[1:], start=1):
            yield np.where(place < 0, share, place == number)

    def places(self, column: pa.Array | pa.ChunkedArray) -> NDArray[np.int32]:
        """Return each row's place among the levels, −1 where its level is missing or unknown."""
        found = pc.index_in(column, value_set=pa.array([*self.levels, *self.pooled], column.type))
        places = np.asarray(found.fill_null(-1).to_numpy(), dtype=np.int32)
        return np.minimum(places, len(self.levels) - 1)


class Encoding(Fitted):
    """How rows are encoded: every feature in order, and the target."""

    columns: tuple[Annotated[Number | Category, Field(discriminator="type")], ...]
    target: str
    log_target: bool = False
    design: Design | None = Field(default=None, description="The terms of a formula, or of dates.")

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features after encoding; those of terms come last."""
        own = (name for column in self.columns for name in column.names)
        return (*own, *(self.design.features if self.design else ()))

    def apply(self, rows: pa.Table) -> pa.Table:
        """Return the rows as numbers: the features in order, the target last."""
        columns = [each for column in self.columns for each in column.encoded(rows[column.name])]
        if self.design:
            columns += self.design.apply(rows)
        target = pc.ln(rows[self.target].cast(pa.float64())) if self.log_target else rows[self.target]
        return pa.table([*columns, target], names=[*self.features, self.target])


@dataclass(frozen=True, slots=True)
class Tally:
    """Sums over some rows: the levels of each text column, and of each number that may miss its sum and the misses."""

    rows: int
    levels: Mapping[str, Counter[str]]
    sums: Mapping[str, float]
    missing: Mapping[str, int]
    terms: TermsTally = field(default_factory=TermsTally)


def tally(rows: pa.Table, layout: ColumnRoles) -> Tally:
    """Sum up some rows."""
    levels = {name: count_levels(rows[name]) for name in layout.categorical}
    filled = {name: _present(rows[name]) for name in layout.filled}
    return Tally(
        rows=rows.num_rows,
        levels=levels,
        sums={name: float(pc.sum(column).as_py() or 0.0) for name, column in filled.items()},
        missing={name: rows.num_rows - count.total() for name, count in levels.items()}
        | {name: column.null_count for name, column in filled.items()},
        terms=tally_terms(layout.terms, rows) if layout.terms else TermsTally(),
    )


def merged(a: Tally, b: Tally) -> Tally:
    """Combine the sums over two parts of the rows."""
    return Tally(
        rows=a.rows + b.rows,
        levels={name: count + b.levels[name] for name, count in a.levels.items()},
        sums={name: value + b.sums[name] for name, value in a.sums.items()},
        missing={name: count + b.missing[name] for name, count in a.missing.items()},
        terms=a.terms + b.terms,
    )


def fit(training: Tally, layout: ColumnRoles) -> Encoding:
    """Fit the encoding to the sums over the training rows.

    Raises:
        BadTable: a column has no value in any of them, two columns would get one name, or no feature is left.
    """
    findings = [
        f"column {quoted(name)} has no value in any training row; leave it out or fill it in"
        for name, count in training.missing.items()
        if count == training.rows
    ]
    if findings:
        raise BadTable(*findings)
    taken = [name for name, counts in training.levels.items() if layout.min_frequency > 1 and RARE in counts]
    if taken:
        raise BadTable(
            *(
                f"column {quoted(name)} has a level {quoted(RARE)}, as `min_frequency` calls rare ones; rename it"
                for name in taken
            )
        )
    columns = tuple(_fitted(name, training, layout) for name in layout.features)
    design = None
    if layout.terms:
        rare = layout.min_frequency
        design = fit_terms(layout.terms, training.terms, fill=layout.fill, min_frequency=rare)
    encoding = Encoding(columns=columns, target=layout.target, log_target=layout.log_target, design=design)
    names = Counter([*encoding.features, encoding.target])
    findings = [f"two columns would be named {quoted(name)}; rename one" for name in names if names[name] > 1]
    if not encoding.features:
        findings = ["every feature has a single level in the training rows; there is nothing to learn from"]
    if findings:
        raise BadTable(*findings)
    return encoding


def width(tables: Iterable[pa.Table], layout: ColumnRoles) -> int:
    """Count the columns that rows become at most, the target among them; without text columns no row is looked at.

    Raises:
        BadTable: a text column has too many levels.
    """
    seen: dict[str, Counter[str]] = {name: Counter() for name in layout.categorical}
    within: dict[str, Counter[str]] = {each.label: Counter() for each in _by_level(layout)}
    most, remedy = MOST_LEVELS, "pool the rare ones with `min_frequency`, or leave"
    if layout.min_frequency > 1:
        most, remedy = MOST_COUNTED, "leave"
    for rows in tables if seen or within else ():
        for name, levels in seen.items():
            levels.update(count_levels(rows[name]))
        for label, levels in (count_term_levels(layout.terms, rows) if layout.terms else {}).items():
            within[label].update(levels)
        _check_levels(seen | within, most, remedy)
    kept = {name: frequent_levels(levels, layout.min_frequency) for name, levels in (seen | within).items()}
    _check_levels(kept, MOST_LEVELS, "raise `min_frequency`, or leave")
    of_terms = {label: len(kept.pop(label)) for label in within}
    columns = len(layout.features) + 1 + sum(max(len(levels) - 2, -1) for levels in kept.values())
    return columns + (term_columns(layout.terms, of_terms) if layout.terms else 0)


def counted_columns(layout: ColumnRoles) -> tuple[str, ...]:
    """Return the columns whose levels `width` counts."""
    return tuple(dict.fromkeys([*layout.categorical, *(each.column for each in _by_level(layout))]))


def _by_level(layout: ColumnRoles) -> tuple[LevelVariable, ...]:
    return layout.terms.by_level if layout.terms else ()


def _check_levels(levels: Mapping[str, Sized], most: int, remedy: str) -> None:
    findings = [
        f"column {quoted(name)} has more than {most:,} levels, each with a weight of its own; "
        f"{remedy} the column out"
        for name, each in levels.items()
        if len(each) > most
    ]
    if findings:
        raise BadTable(*findings)


def encoding_notes(encoding: Encoding, training: Tally, test: Tally) -> Iterator[str]:
    """Say what was fitted: references, what replaces missing values, and how often; and the test rows' own levels."""
    for column in encoding.columns:
        if isinstance(column, Category):
            yield _reference(column)
            yield from _cost(column, training.rows)
            known = {*column.levels, *column.pooled}
            yield from unknown_levels(column.name, known, test.levels[column.name], "test row")
        missing = training.missing.get(column.name, 0) + test.missing.get(column.name, 0)
        if missing:
            stands_in = f"mean {column.mean:.6g}" if isinstance(column, Number) else "shares of the levels"
            values = counted(missing, "missing value")
            yield f"column {quoted(column.name)}: {values} replaced by the training rows' {stands_in}"
    if encoding.design:
        yield from term_notes(encoding.design, training.terms, test.terms)


def _fitted(name: str, training: Tally, layout: ColumnRoles) -> Number | Category:
    present = training.rows - training.missing.get(name, 0)
    if name in layout.categorical:
        counts = training.levels[name]
        levels = tuple(frequent_levels(counts, layout.min_frequency))
        pooled = tuple(sorted({*counts} - {*levels}))
        rare = sum(counts[level] for level in pooled)
        shares = tuple(counts.get(level, rare) / present for level in levels)  # the pool alone has no count
        return Category(name=name, levels=levels, shares=shares, fill=layout.fill, pooled=pooled)
    return Number(name=name, mean=training.sums[name] / present if name in training.sums else None)


def _cost(column: Category, rows: int) -> Iterator[str]:
    """Say what many levels cost, and which rare ones were pooled."""
    if column.pooled:
        yield (
            f"column {quoted(column.name)}: {counted(len(column.pooled), 'rare level')} pooled as {quoted(RARE)}, "
            f"{column.shares[-1]:.2%} of the training rows"
        )
    if len(column.levels) > MANY_LEVELS:
        size = rows * len(column.names) * 8 / 2**20
        yield (
            f"column {quoted(column.name)} has {len(column.levels):,} levels, a weight each: {size:,.0f} MiB of "
            "numbers in the training rows; `min_frequency` pools the rare ones"
        )


def _reference(column: Category) -> str:
    if len(column.levels) == 1:
        return f"column {quoted(column.name)} is {quoted(column.levels[0])} in every training row; it tells nothing"
    return (
        f"column {quoted(column.name)} is encoded by {counted(len(column.names), 'column')}; "
        f"the reference level is {quoted(column.levels[0])}"
    )


def _present(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a numeric column in float64, NaN as null."""
    numbers = column.cast(pa.float64(), safe=False)
    return pc.if_else(pc.is_nan(numbers), None, numbers)
