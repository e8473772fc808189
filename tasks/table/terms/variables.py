"""The variables of terms: numbers that are computed of a row, and levels; as asked for, and as fitted.

Fitted are the means, the levels and the polynomials, and by training rows alone. Whatever a row misses, or a level that
no training row has, counts as the mean of what training rows have there: see `tasks.table.encoding`.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, PositiveFloat, model_validator

from tasks.table.errors import BadTable, quoted
from tasks.table.levels import RARE, count_levels, frequent_levels
from tasks.table.model.strict import Strict
from tasks.table.terms.expression import (
    Cells,
    ConstantValue,
    Expression,
    FunctionCall,
    Vector,
    columns_of,
    compute,
)
from tasks.table.terms.powers import PowerFactor, monic, orthogonal_columns, powers_of

LevelPart: TypeAlias = Literal["month", "weekday"]

# The highest degree of a polynomial: beyond it float64 does not tell powers apart.
MOST_POWERS = 10

# The levels that a date can have, in their order.
PARTS: Mapping[LevelPart, tuple[str, ...]] = {
    "month": tuple(map(str, range(1, 13))),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}


class PowerBasis(Strict):
    """The powers of a number up to a degree: as they are, or made orthogonal over the training rows."""

    type: Literal["powers"] = "powers"
    degree: int = Field(ge=1, le=MOST_POWERS)
    raw: bool = False


class Standardization(Strict):
    """A number less its mean over the training rows, by its standard deviation there; or one of the two."""

    type: Literal["standardization"] = "standardization"
    center: bool = True
    scale: bool = True


class NumberVariable(Strict):
    """A number that is computed of a row, or what is made of it by its values in training rows."""

    type: Literal["number"] = "number"
    label: str
    expression: Expression
    basis: Annotated[PowerBasis | Standardization, Field(discriminator="type")] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that it is computed from."""
        return tuple(dict.fromkeys(columns_of(self.expression)))

    @property
    def width(self) -> int:
        """How many columns it becomes."""
        return self.basis.degree if isinstance(self.basis, PowerBasis) else 1


class LevelVariable(Strict):
    """The level of a column of text, or of a part of a date."""

    type: Literal["levels"] = "levels"
    label: str
    column: str
    part: LevelPart | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's column that holds it."""
        return (self.column,)


Variable: TypeAlias = Annotated[NumberVariable | LevelVariable, Field(discriminator="type")]


@dataclass(frozen=True, slots=True)
class VariableTally:
    """Sums over some rows: how many miss the variable; its levels by count, or the sum or the powers of its numbers."""

    missing: int = 0
    levels: Counter[str] | None = None
    total: float = 0.0
    powers: PowerFactor | None = None

    def __add__(self, other: "VariableTally") -> "VariableTally":
        """Combine the sums over two parts of the rows."""
        levels = None if self.levels is None or other.levels is None else self.levels + other.levels
        powers = self.powers + other.powers if self.powers and other.powers else None
        return VariableTally(self.missing + other.missing, levels, self.total + other.total, powers)


@dataclass(frozen=True, slots=True)
class VariableValues:
    """What a variable is in m rows: a column (m,) by its place, NaN where there is none.

    Attributes:
        column: Returns it; of levels 1 in the rows of the level, else 0.
        unknown: Rows by the level that no training row has.
        beyond: Rows in which a function has no value.
    """

    column: Callable[[int], Vector]
    unknown: Counter[str]
    beyond: int = 0


class FittedNumbers(Strict):
    """Numbers that are computed of a row."""

    type: Literal["numbers"] = "numbers"
    label: str
    names: tuple[str, ...] = Field(min_length=1, description="Of the columns that it becomes.")
    expressions: tuple[Expression, ...] = Field(description="One for each of them.")
    means: tuple[float, ...] | None = Field(
        default=None, description="What replaces a missing value, by column; null where none does."
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that it is computed from."""
        return tuple(dict.fromkeys(name for each in self.expressions for name in columns_of(each)))

    def is_like(self, other: "FittedVariable") -> bool:
        """Say whether both have the same columns."""
        return isinstance(other, FittedNumbers) and self.expressions == other.expressions

    def values(self, cells: Cells) -> VariableValues:
        """Compute it for m rows."""
        found = [compute(expression, cells) for expression in self.expressions]
        beyond = int(found[0].is_beyond.sum())
        if self.means is not None:
            for each, mean in zip(found, self.means, strict=True):
                each.values[each.is_missing] = mean
        return VariableValues(lambda place: found[place].values, Counter(), beyond)


class FittedPolynomial(Strict):
    """Orthogonal polynomials of a number that is computed of a row, as R's `poly` has them."""

    type: Literal["polynomial"] = "polynomial"
    label: str
    expression: Expression
    alpha: tuple[float, ...] = Field(
        min_length=1, max_length=MOST_POWERS, description="Centres, as R's `coefs`."
    )
    norm2: tuple[PositiveFloat, ...] = Field(
        description="1, the training rows, and the squared lengths by degree, as R's `coefs`."
    )
    fill: bool = Field(default=False, description="Whether 0, the mean, replaces a missing value.")

    @model_validator(mode="after")
    def _has_a_length_for_each_degree(self) -> Self:
        if len(self.norm2) != len(self.alpha) + 2:
            raise ValueError(f"`norm2` has {len(self.norm2)} numbers, with {len(self.alpha)} of `alpha`")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, by degree."""
        return tuple(f"{self.label}{degree}" for degree in range(1, len(self.alpha) + 1))

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that it is computed from."""
        return tuple(dict.fromkeys(columns_of(self.expression)))

    def is_like(self, other: "FittedVariable") -> bool:
        """Say whether both span the same columns."""
        return isinstance(other, FittedPolynomial) and (
            (self.expression, len(self.alpha)) == (other.expression, len(other.alpha))
        )

    def values(self, cells: Cells) -> VariableValues:
        """Compute it for m rows."""
        found = compute(self.expression, cells)
        columns = orthogonal_columns(found.values, self.alpha, self.norm2)
        for column in columns:
            column[~np.isfinite(column)] = np.nan
            column[found.is_missing] = 0.0 if self.fill else np.nan
        return VariableValues(lambda place: columns[place], Counter(), int(found.is_beyond.sum()))

    def in_powers(self, centre: float) -> list[list[float]]:
        """Return the factors of the columns by powers of x − centre, from the constant on to each one's own degree."""
        lengths = map(math.sqrt, self.norm2[2:])
        exact = monic(self.alpha, self.norm2, centre)[1:]
        return [[float(f) / length for f in each] for each, length in zip(exact, lengths, strict=True)]


class FittedScale(Strict):
    """A number that is computed of a row, less a centre, and by a scale."""

    type: Literal["scale"] = "scale"
    label: str
    expression: Expression
    center: float = 0.0
    scale: PositiveFloat = 1.0
    mean: float | None = Field(
        default=None, description="What replaces a missing value; null where nothing does."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The name of its column."""
        return (self.label,)

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's columns that it is computed from."""
        return tuple(dict.fromkeys(columns_of(self.expression)))

    def is_like(self, other: "FittedVariable") -> bool:
        """Say whether both are multiples of one number but for a shift."""
        return isinstance(other, FittedScale) and self.expression == other.expression

    def values(self, cells: Cells) -> VariableValues:
        """Compute it for m rows."""
        found = compute(self.expression, cells)
        with np.errstate(over="ignore"):
            column = (found.values - self.center) / self.scale
        column[~np.isfinite(column)] = np.nan
        if self.mean is not None:
            column[found.is_missing] = self.mean
        return VariableValues(lambda _: column, Counter(), int(found.is_beyond.sum()))


class FittedLevels(Strict):
    """Levels, each an indicator: 1 in the rows that have it, else 0."""

    type: Literal["levels"] = "levels"
    label: str
    column: str
    part: LevelPart | None = Field(default=None, description="What of the column, if it holds dates.")
    levels: tuple[str, ...] = Field(min_length=1, description="The first is the reference.")
    shares: tuple[float, ...] = Field(description="Of the training rows with a value, by level.")
    fill: bool = Field(default=False, description="Whether the shares replace a missing value too.")
    pooled: tuple[str, ...] = Field(
        default=(), description="Rare levels, which count as the last one of `levels`."
    )

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the indicators."""
        return tuple(f"{self.label}={level}" for level in self.levels)

    @property
    def columns(self) -> tuple[str, ...]:
        """The user's column that holds it."""
        return (self.column,)

    def is_like(self, other: "FittedVariable") -> bool:
        """Say whether both have the same columns, by the same levels."""
        return isinstance(other, FittedLevels) and (
            (self.column, self.part, self.levels, self.pooled)
            == (other.column, other.part, other.levels, other.pooled)
        )

    def values(self, cells: Cells) -> VariableValues:
        """Look the levels of m rows up."""
        column = cells[self.column]
        places = self._places(column)
        is_missing = _null_mask(column)
        is_none = is_missing & (not self.fill)

        def indicator(place: int) -> Vector:
            found = np.where(places < 0, self.shares[place], places == place)
            return np.where(is_none, np.nan, found) if is_none.any() else found

        return VariableValues(indicator, self._unknown(column, (places < 0) & ~is_missing))

    def _places(self, column: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
        """Return each row's place among the levels (m,), −1 where its level is missing or unknown."""
        if self.part is not None:
            order = {level: place for place, level in enumerate(self.levels)}
            by_code = np.array([*(order.get(level, -1) for level in PARTS[self.part]), -1])
            return by_code[_codes(column, self.part)]
        known = pa.array([*self.levels, *self.pooled], column.type)
        found = pc.index_in(column, value_set=known).fill_null(-1)
        return np.minimum(np.asarray(found.to_numpy(), np.int64), len(self.levels) - 1)

    def _unknown(self, column: pa.Array | pa.ChunkedArray, mask: NDArray[np.bool_]) -> Counter[str]:
        if not mask.any():
            return Counter()
        return _counts(column.filter(pa.array(mask)), self.part)


FittedVariable: TypeAlias = Annotated[
    FittedNumbers | FittedPolynomial | FittedScale | FittedLevels, Field(discriminator="type")
]


def tally_variable(variable: NumberVariable | LevelVariable, cells: Cells) -> VariableTally:
    """Sum a variable up over m rows."""
    if isinstance(variable, LevelVariable):
        levels = level_counts(variable, cells)
        return VariableTally(len(cells[variable.column]) - levels.total(), levels)
    found = compute(variable.expression, cells)
    missing = int(np.isnan(found.values).sum())
    if variable.basis is None:
        return VariableTally(missing, total=float(np.nansum(found.values)))
    degree = variable.basis.degree if isinstance(variable.basis, PowerBasis) else 1
    return VariableTally(missing, powers=powers_of(found.values, degree))


def fit_variable(
    variable: NumberVariable | LevelVariable,
    training: VariableTally,
    rows: int,
    *,
    fill: bool,
    min_frequency: int,
) -> FittedVariable:
    """Fit a variable to the sums over the training rows.

    Raises:
        BadTable: no row has a value, a level is named as the rare ones are, or there are too few values to fit to.
    """
    present = rows - training.missing
    if not present:
        raise BadTable(
            f"term {quoted(variable.label)} has no value in any training row; leave it out or fill it in"
        )
    if isinstance(variable, NumberVariable) and training.powers:
        return _fitted_to_powers(variable, training.powers, fill=fill)
    if isinstance(variable, NumberVariable):
        means = (training.total / present,) if fill else None
        return FittedNumbers(
            label=variable.label, names=(variable.label,), expressions=(variable.expression,), means=means
        )
    counts = training.levels or Counter()
    levels = _kept_levels(variable, counts, min_frequency)
    pooled = tuple(sorted({*counts} - {*levels}))
    rare = sum(counts[level] for level in pooled)
    return FittedLevels(
        label=variable.label,
        column=variable.column,
        part=variable.part,
        levels=levels,
        shares=tuple(counts.get(level, rare) / present for level in levels),  # the pool alone has no count
        fill=fill,
        pooled=pooled,
    )


def _fitted_to_powers(
    variable: NumberVariable, found: PowerFactor, *, fill: bool
) -> FittedNumbers | FittedPolynomial | FittedScale:
    label, expression, basis = variable.label, variable.expression, variable.basis
    if not found.is_finite:
        raise BadTable(f"term {quoted(label)} has powers that float64 does not hold; divide it by a constant")
    if isinstance(basis, Standardization):
        return _standardized(variable, basis, found, fill=fill)
    degree = len(found.factor) - 1
    if basis and basis.raw:
        powers = [
            FunctionCall(function="power", arguments=(expression, ConstantValue(value=power)))
            for power in range(2, degree + 1)
        ]
        return FittedNumbers(
            label=label,
            names=tuple(f"{label}{power}" for power in range(1, degree + 1)),
            expressions=(expression, *powers),
            means=tuple(found.means_of_powers()) if fill else None,
        )
    if found.rank <= degree:
        raise BadTable(
            f"term {quoted(label)} needs more than {degree} different values in the training rows, but has "
            f"{found.rank}; lower its degree"
        )
    alpha, norm2 = found.orthogonal()
    return FittedPolynomial(label=label, expression=expression, alpha=alpha, norm2=norm2, fill=fill)


def _standardized(
    variable: NumberVariable, basis: Standardization, found: PowerFactor, *, fill: bool
) -> FittedScale:
    """Divide by what R's `scale` divides by: the standard deviation, or without a centre the root mean square."""
    squares = found.squares + (0.0 if basis.center else found.rows * found.mean**2)
    if basis.scale and (found.rows < 2 or (basis.center and found.rank < 2) or not squares):
        raise BadTable(
            f"term {quoted(variable.label)} has no scale, as all training rows have one value; leave it out"
        )
    center = found.mean if basis.center else 0.0
    scale = math.sqrt(squares / (found.rows - 1)) if basis.scale else 1.0
    mean = (found.mean - center) / scale if fill else None
    return FittedScale(
        label=variable.label, expression=variable.expression, center=center, scale=scale, mean=mean
    )


def level_counts(variable: LevelVariable, cells: Cells) -> Counter[str]:
    """Count the rows by level."""
    return _counts(cells[variable.column], variable.part)


def _kept_levels(variable: LevelVariable, counts: Counter[str], min_frequency: int) -> tuple[str, ...]:
    if variable.part is not None:
        return tuple(level for level in PARTS[variable.part] if level in counts)
    if min_frequency > 1 and RARE in counts:
        raise BadTable(
            f"column {quoted(variable.column)} has a level {quoted(RARE)}, as `min_frequency` calls rare ones; "
            "rename it"
        )
    return tuple(frequent_levels(counts, min_frequency))


def _counts(column: pa.Array | pa.ChunkedArray, part: LevelPart | None) -> Counter[str]:
    if part is None:
        return count_levels(column)
    counts = np.bincount(_codes(column, part), minlength=len(PARTS[part]) + 1).tolist()
    return Counter({level: count for level, count in zip(PARTS[part], counts, strict=False) if count})


def _codes(times: pa.Array | pa.ChunkedArray, part: LevelPart) -> NDArray[np.int64]:
    """Return each row's place in `PARTS` (m,), the one behind the last where the date is missing."""
    found = pc.subtract(pc.month(times), 1) if part == "month" else pc.day_of_week(times)
    return np.asarray(pc.fill_null(found, len(PARTS[part])).to_numpy(), np.int64)


def _null_mask(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    mask = column.is_null()
    return np.asarray(
        mask.to_numpy() if isinstance(mask, pa.ChunkedArray) else mask.to_numpy(zero_copy_only=False)
    )


def names_of(variable: FittedVariable, *, full: bool) -> tuple[str, ...]:
    """Return the names of the columns that a variable becomes; of levels but the first, unless all are asked for."""
    return variable.names[1:] if isinstance(variable, FittedLevels) and not full else variable.names


def places_of(variable: FittedVariable, *, full: bool) -> Iterator[int]:
    """Yield the places of those columns."""
    yield from range(1 if isinstance(variable, FittedLevels) and not full else 0, len(variable.names))
