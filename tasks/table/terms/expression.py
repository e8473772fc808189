"""What a term computes of a row: an expression as data, made of columns, constants and a fixed list of functions.

Where a value is missing, or a function has none (the logarithm of a negative number), the result is NaN.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, model_validator

from tasks.table.model.strict import Strict

Vector: TypeAlias = NDArray[np.float64]
# Columns of m rows by name: numbers, text, or times; null where a value is missing.
Cells: TypeAlias = Mapping[str, pa.Array | pa.ChunkedArray]

FunctionName: TypeAlias = Literal[
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "negate",
    "log",
    "log2",
    "log10",
    "log1p",
    "exp",
    "sqrt",
    "abs",
]
DatePart: TypeAlias = Literal["year", "trend"]

# Days from 1970-01-01 to 2000-01-01, from which a trend counts, and days of a year.
TREND_STARTS, DAYS_A_YEAR = 10_957, 365.25
MICROSECONDS_A_DAY = 86_400_000_000


class ColumnValue(Strict):
    """A column of numbers."""

    type: Literal["column"] = "column"
    name: str


class DateValue(Strict):
    """A number that a column of dates gives: the year, or the trend, which is years since the start of 2000."""

    type: Literal["date"] = "date"
    part: DatePart
    column: str


class ConstantValue(Strict):
    """A number."""

    type: Literal["constant"] = "constant"
    value: float


class FunctionCall(Strict):
    """A function of the list, called with other expressions."""

    type: Literal["call"] = "call"
    function: FunctionName
    arguments: tuple["Expression", ...]

    @model_validator(mode="after")
    def _has_its_arguments(self) -> Self:
        if len(self.arguments) != FUNCTIONS[self.function].arity:
            raise ValueError(f"`{self.function}` takes {FUNCTIONS[self.function].arity} arguments")
        if self.function == "power" and not isinstance(self.arguments[1], ConstantValue):
            raise ValueError("`power` takes a constant as its exponent")
        return self


Expression: TypeAlias = Annotated[
    ColumnValue | DateValue | ConstantValue | FunctionCall, Field(discriminator="type")
]


@dataclass(frozen=True, slots=True)
class TermFunction:
    """How a function is computed: of `arity` arrays (m,), elementwise."""

    arity: int
    compute: Callable[..., Vector]


FUNCTIONS: Mapping[FunctionName, TermFunction] = {
    "add": TermFunction(2, np.add),
    "subtract": TermFunction(2, np.subtract),
    "multiply": TermFunction(2, np.multiply),
    "divide": TermFunction(2, np.divide),
    "power": TermFunction(2, np.power),
    "negate": TermFunction(1, np.negative),
    "log": TermFunction(1, np.log),
    "log2": TermFunction(1, np.log2),
    "log10": TermFunction(1, np.log10),
    "log1p": TermFunction(1, np.log1p),
    "exp": TermFunction(1, np.exp),
    "sqrt": TermFunction(1, np.sqrt),
    "abs": TermFunction(1, np.abs),
}


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """An expression's values (m,), NaN where there is none; and which rows miss one that it is computed from."""

    values: Vector
    is_missing: NDArray[np.bool_]

    @property
    def is_beyond(self) -> NDArray[np.bool_]:
        """Which rows have no value although none is missing: a function has none there."""
        return np.isnan(self.values) & ~self.is_missing


def compute(expression: Expression, cells: Cells) -> Computed:
    """Compute an expression for m rows; whatever is not finite is NaN."""
    names = set(columns_of(expression))
    is_missing = np.zeros(len(cells[min(names)]), np.bool_)
    for name in names:
        is_missing |= _is_null(cells[name])
    with np.errstate(all="ignore"):
        values = np.broadcast_to(_value(expression, cells), is_missing.shape).astype(np.float64)
    values[is_missing | ~np.isfinite(values) | _infinite(expression, cells)] = np.nan
    return Computed(values, is_missing)


def columns_of(expression: Expression) -> Iterator[str]:
    """Yield the columns that an expression is computed from, as often as it names them."""
    if isinstance(expression, ColumnValue):
        yield expression.name
    elif isinstance(expression, DateValue):
        yield expression.column
    elif isinstance(expression, FunctionCall):
        for argument in expression.arguments:
            yield from columns_of(argument)


def dates_of(expression: Expression) -> Iterator[str]:
    """Yield the columns of dates among them."""
    if isinstance(expression, DateValue):
        yield expression.column
    elif isinstance(expression, FunctionCall):
        for argument in expression.arguments:
            yield from dates_of(argument)


def _microseconds(times: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return times as microseconds since 1970 (m,), 0 where there is none."""
    return np.asarray(pc.fill_null(times.cast(pa.int64()), 0).to_numpy(), np.int64)


def _value(expression: Expression, cells: Cells) -> Vector:
    if isinstance(expression, ColumnValue):
        return _numbers(cells[expression.name])
    if isinstance(expression, DateValue):
        return _date_number(cells[expression.column], expression.part)
    if isinstance(expression, ConstantValue):
        return np.array(expression.value)
    arguments = [_value(argument, cells) for argument in expression.arguments]
    return FUNCTIONS[expression.function].compute(*arguments)


def _date_number(times: pa.Array | pa.ChunkedArray, part: DatePart) -> Vector:
    if part == "year":
        return np.asarray(pc.fill_null(pc.year(times), 0).to_numpy(), np.float64)
    days = _microseconds(times) / MICROSECONDS_A_DAY
    return (days - TREND_STARTS) / DAYS_A_YEAR


def _numbers(column: pa.Array | pa.ChunkedArray) -> Vector:
    numbers = column.cast(pa.float64(), safe=False)
    if isinstance(numbers, pa.ChunkedArray):
        return np.asarray(numbers.to_numpy(), np.float64)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _is_null(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    found = column.is_null(nan_is_null=True)
    if isinstance(found, pa.ChunkedArray):
        return np.asarray(found.to_numpy())
    return np.asarray(found.to_numpy(zero_copy_only=False))


def _infinite(expression: Expression, cells: Cells) -> NDArray[np.bool_] | np.bool_:
    """Say which rows have infinity in a column of numbers: no function of it is worth having."""
    numbers = set(columns_of(expression)) - set(dates_of(expression))
    found: NDArray[np.bool_] | np.bool_ = np.bool_(False)
    for name in numbers:
        found = found | np.isinf(_numbers(cells[name]))
    return found
