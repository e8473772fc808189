"""The model as one expression of standard SQL over the user's own columns."""

from collections.abc import Iterator, Sequence

from tasks.table.encoding import RARE
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput
from tasks.table.model.uncertainty import DesignColumn

MOST_SQUARES = 64  # columns of the design: with as many squares, of half as many terms each


def expression(model: LinearModel) -> str:
    """Write the prediction as an expression, a line for each column, added up in the order in which `predict` does.

    Every literal has an exponent, which makes it a double: without one, some databases compute in decimals. A
    column is cast, so that booleans and decimals are doubles too.
    """
    return "\n  + ".join([literal(model.bias), *(_term(column) for column in model.inputs)]) + "\n"


def half_width(model: LinearModel) -> str | None:
    """Write half the width of the 95 % prediction interval as an expression: t·s·√(1 + h), see `uncertainty`.

    Each number of (x − centre)·inverse is a sum like that of the prediction. None where the model holds no root, or one
    of so many columns that the expression would be too long for a database.
    """
    found = model.uncertainty
    if found is None or len(found.design) > MOST_SQUARES:
        return None
    inputs = {column.name: column for column in model.inputs}
    squares = []
    for numbers in found.inverse:
        terms = [
            _shifted(inputs[name], factors) for name, factors in _by_column(found.design, numbers).items()
        ]
        squares.append(f"POWER({' + '.join(terms)}, 2)")
    inner = "\n  + ".join([literal(1 + found.at_centre), *squares])
    return f"{literal(found.critical * found.residual_deviation)} * SQRT({inner})\n"


def literal(value: float) -> str:
    """Write a double so that it is read back to the last bit.

    >>> literal(0.1), literal(-2.5e-300)
    ('0.1e0', '(-2.5e-300)')
    """
    digits = repr(value)
    exact = digits if "e" in digits else f"{digits}e0"
    return f"({exact})" if digits.startswith("-") else exact


def identifier(name: str) -> str:
    """Quote a column's name.

    >>> print(identifier('5" pipe'))
    "5"" pipe"
    """
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """Quote a text.

    >>> print(text("O'Hara"))
    'O''Hara'
    """
    return "'" + value.replace("'", "''") + "'"


def _term(column: NumberInput | CategoryInput) -> str:
    if isinstance(column, NumberInput):
        return f"{literal(column.weight)} * {_value(column)}"
    return f"CASE {' '.join(_cases(column, identifier(column.name)))} END"


def _by_column(
    design: Sequence[DesignColumn], numbers: Sequence[float]
) -> dict[str, list[tuple[DesignColumn, float]]]:
    """Group the first columns of the design, each with its number, by the user's column."""
    grouped: dict[str, list[tuple[DesignColumn, float]]] = {}
    for each, number in zip(design, numbers, strict=False):
        grouped.setdefault(each.column, []).append((each, number))
    return grouped


def _shifted(column: NumberInput | CategoryInput, factors: Sequence[tuple[DesignColumn, float]]) -> str:
    """Write Σ number·(x − centre) over the design's columns that are made of one of the user's."""
    if isinstance(column, NumberInput):
        ((each, number),) = factors
        return f"{literal(number)} * ({_value(column)} - {literal(each.centre)})"
    numbers = {each.level: number for each, number in factors}
    middle = sum(number * each.centre for each, number in factors)
    unknown = sum(number * column.shares.get(level or "", 0.0) for level, number in numbers.items())
    named = {level: RARE if level in column.pooled else level for level in column.weights}
    levels = {level: numbers.get(name, 0.0) - middle for level, name in named.items()}
    shifted = column.model_copy(update={"weights": levels, "average": unknown - middle})
    return _term(shifted)


def _value(column: NumberInput) -> str:
    value = f"CAST({identifier(column.name)} AS DOUBLE PRECISION)"
    return value if column.mean is None else f"COALESCE({value}, {literal(column.mean)})"


def _cases(column: CategoryInput, name: str) -> Iterator[str]:
    if not column.fill:
        yield f"WHEN {name} IS NULL THEN NULL"
    for level, weight in column.weights.items():
        yield f"WHEN {name} = {text(level)} THEN {literal(weight)}"
    yield f"ELSE {literal(column.average)}"
