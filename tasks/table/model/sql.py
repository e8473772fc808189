"""The model as one expression of SQL over the user's own columns, in the words of several databases."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tasks.table.encoding import RARE
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput
from tasks.table.model.uncertainty import DesignColumn

MOST_SQUARES = 64  # columns of the design: with as many squares, of half as many terms each


@dataclass(frozen=True, slots=True)
class SqlDialect:
    """How a database writes things; by default as the standard does.

    Attributes:
        quotes: What stands before and behind a column's name.
        escapes: What a character of a text is written as, where not as itself; a quote is doubled unless it is here.
        name_escapes: The same of a column's name.
        double: The type that a number is cast to.
        literal: How a double is written, `{}` being its digits with an exponent.
        prefix: What stands before a text.
        suffix: What is added to a column of text and to the text that it is compared with.
        text: How a column of levels becomes text, `{}` being its name.
    """

    quotes: tuple[str, str] = ('"', '"')
    escapes: Mapping[str, str] = field(default_factory=dict)
    name_escapes: Mapping[str, str] = field(default_factory=dict)
    double: str = "DOUBLE PRECISION"
    literal: str = "{}"
    prefix: str = ""
    suffix: str = ""
    text: str = "{}"


STANDARD = SqlDialect()

_BACKSLASHED = {"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\r": "\\r"}

DIALECTS: Mapping[str, SqlDialect] = {
    # SQL Server ignores case and trailing blanks when it compares text, unless a collation says otherwise.
    "tsql": SqlDialect(
        quotes=("[", "]"),
        prefix="N",
        suffix="|",
        text="CAST({} AS NVARCHAR(4000)) COLLATE Latin1_General_100_BIN2 + N'|'",
    ),
    "bigquery": SqlDialect(
        quotes=("`", "`"),
        escapes=_BACKSLASHED,
        name_escapes=_BACKSLASHED,
        double="FLOAT64",
        text="CAST({} AS STRING)",
    ),
    # Whether an exponent alone makes a literal a double is not stated, so it is cast.
    "snowflake": SqlDialect(escapes={"\\": "\\\\"}, literal="{}::DOUBLE", text="CAST({} AS VARCHAR)"),
}


def expression(model: LinearModel, database: SqlDialect = STANDARD) -> str:
    """Write the prediction as an expression, a line for each column, added up in the order in which `predict` does.

    Every literal has an exponent, which makes it a double: without one, some databases compute in decimals. A
    column is cast, so that booleans and decimals are doubles too.
    """
    terms = [literal(model.bias, database), *(_term(column, database) for column in model.inputs)]
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
    inputs = {column.name: column for column in model.inputs}
    squares = []
    for numbers in found.inverse:
        terms = [
            _shifted(inputs[name], factors) for name, factors in _by_column(found.design, numbers).items()
        ]
        squares.append(f"POWER({' + '.join(terms)}, 2)")
    inner = "\n  + ".join([literal(1 + found.at_centre), *squares])
    return f"{literal(found.critical * found.residual_deviation)} * SQRT({inner})\n"


def literal(value: float, database: SqlDialect = STANDARD) -> str:
    """Write a double so that it is read back to the last bit.

    >>> literal(0.1), literal(-2.5e-300)
    ('0.1e0', '(-2.5e-300)')
    """
    digits = repr(value)
    exact = digits if "e" in digits else f"{digits}e0"
    return database.literal.format(f"({exact})" if digits.startswith("-") else exact)


def identifier(name: str, database: SqlDialect = STANDARD) -> str:
    """Quote a column's name.

    >>> print(identifier('5" pipe'))
    "5"" pipe"
    """
    opening, closing = database.quotes
    return f"{opening}{_escaped(name, closing, database.name_escapes)}{closing}"


def text(value: str, database: SqlDialect = STANDARD) -> str:
    """Quote a text.

    >>> print(text("O'Hara"))
    'O''Hara'
    """
    escaped = _escaped(value + database.suffix, "'", database.escapes)
    return f"{database.prefix}'{escaped}'"


def _escaped(value: str, closing: str, escapes: Mapping[str, str]) -> str:
    """Write a text such that it does not end before the quote that closes it."""
    written = {closing: 2 * closing, **escapes}
    return "".join(written.get(character, character) for character in value)


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
