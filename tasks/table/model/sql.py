"""The model as one expression of SQL over the user's own columns, in the words of several databases."""

from collections.abc import Iterator, Sequence

from tasks.table.levels import RARE
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput
from tasks.table.model.sql_dialect import STANDARD, SqlDialect, identifier, literal, text
from tasks.table.model.sql_terms import terms_as_sql
from tasks.table.model.uncertainty import DesignColumn

MOST_SQUARES = 64  # columns of the design: with as many squares, of half as many terms each


def expression(model: LinearModel, database: SqlDialect = STANDARD) -> str:
    """Write the prediction as an expression, a line for each column, added up in the order in which `predict` does.

    Every literal has an exponent, which makes it a double: without one, some databases compute in decimals. A
    column is cast, so that booleans and decimals are doubles too.
    """
    terms = [literal(model.bias, database), *(_term(column, database) for column in model.plain)]
    if model.terms:
        terms += terms_as_sql(model.terms.design, model.terms.weights, database)
    total = "\n  + ".join(terms)
    if model.smearing is None:
        return f"{total}\n"
    return f"{literal(model.smearing, database)} * EXP({total})\n"


def half_width(model: LinearModel) -> str | None:
    """Write half the width of the 95 % prediction interval as an expression: t·s·√(1 + h), see `uncertainty`.

    Each number of (x − centre)·inverse is a sum like that of the prediction. None where the model holds no root, or one
    of so many columns that the expression would be too long for a database; or where it is about a logarithm, to which
    no one width above and below the prediction belongs.
    """
    found = model.uncertainty
    if found is None or model.smearing is not None or len(found.design) > MOST_SQUARES:
        return None
    inputs = {column.name: column for column in model.plain}
    plain = [each for each in found.design if each.term is None]
    squares = []
    for numbers in found.inverse:
        terms = [_shifted(inputs[name], factors) for name, factors in _by_column(plain, numbers).items()]
        terms += _shifted_terms(model, numbers)
        squares.append(f"POWER({' + '.join(terms)}, 2)")
    inner = "\n  + ".join([literal(1 + found.at_centre), *squares])
    return f"{literal(found.critical * found.residual_deviation)} * SQRT({inner})\n"


def _term(column: NumberInput | CategoryInput, database: SqlDialect) -> str:
    if isinstance(column, NumberInput):
        return f"{literal(column.weight, database)} * {_value(column, database)}"
    return f"CASE {' '.join(_cases(column, identifier(column.name, database), database))} END"


def _by_column(
    design: Sequence[DesignColumn], numbers: Sequence[float]
) -> dict[str, list[tuple[DesignColumn, float]]]:
    """Group the first columns of the design, each with its number, by the user's column."""
    grouped: dict[str, list[tuple[DesignColumn, float]]] = {}
    for each, number in zip(design, numbers, strict=False):
        grouped.setdefault(each.column, []).append((each, number))
    return grouped


def _shifted_terms(model: LinearModel, numbers: Sequence[float]) -> Iterator[str]:
    """Write Σ number·(x − centre) over the design's columns of terms, the last ones of it, a line for each term."""
    if model.terms is None or model.uncertainty is None:
        return
    weights, middle = [0.0] * len(model.terms.weights), 0.0
    for each, number in zip(model.uncertainty.design, numbers, strict=False):
        if each.term is not None:
            weights[each.term] = number
            middle += number * each.centre
    if any(weights):
        yield from terms_as_sql(model.terms.design, weights, STANDARD)
        yield literal(-middle)


def _shifted(column: NumberInput | CategoryInput, factors: Sequence[tuple[DesignColumn, float]]) -> str:
    """Write Σ number·(x − centre) over the design's columns that are made of one of the user's."""
    if isinstance(column, NumberInput):
        ((each, number),) = factors
        return f"{literal(number)} * ({_value(column, STANDARD)} - {literal(each.centre)})"
    numbers = {each.level: number for each, number in factors}
    middle = sum(number * each.centre for each, number in factors)
    unknown = sum(number * column.shares.get(level or "", 0.0) for level, number in numbers.items())
    named = {level: RARE if level in column.pooled else level for level in column.weights}
    levels = {level: numbers.get(name, 0.0) - middle for level, name in named.items()}
    shifted = column.model_copy(update={"weights": levels, "average": unknown - middle})
    return _term(shifted, STANDARD)


def _value(column: NumberInput, database: SqlDialect) -> str:
    value = f"CAST({identifier(column.name, database)} AS {database.double})"
    return value if column.mean is None else f"COALESCE({value}, {literal(column.mean, database)})"


def _cases(column: CategoryInput, name: str, database: SqlDialect) -> Iterator[str]:
    if not column.fill:
        yield f"WHEN {name} IS NULL THEN NULL"
    for level, weight in column.weights.items():
        yield f"WHEN {database.text.format(name)} = {text(level, database)} THEN {literal(weight, database)}"
    yield f"ELSE {literal(column.average, database)}"
