"""The model as one expression of SQL over the user's own columns, in the words of several databases."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput


@dataclass(frozen=True, slots=True)
class Database:
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


STANDARD = Database()

_BACKSLASHED = {"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\r": "\\r"}

DATABASES: Mapping[str, Database] = {
    "sql": STANDARD,
    # SQL Server compares text without regard to case and to blanks at its end, unless it is told otherwise.
    "tsql": Database(
        quotes=("[", "]"),
        prefix="N",
        suffix="|",
        text="CAST({} AS NVARCHAR(4000)) COLLATE Latin1_General_100_BIN2 + N'|'",
    ),
    "bigquery": Database(
        quotes=("`", "`"),
        escapes=_BACKSLASHED,
        name_escapes=_BACKSLASHED,
        double="FLOAT64",
        text="CAST({} AS STRING)",
    ),
    # Whether an exponent alone makes a literal a double is not stated, so it is cast.
    "snowflake": Database(escapes={"\\": "\\\\"}, literal="{}::DOUBLE", text="CAST({} AS VARCHAR)"),
}


def expression(model: LinearModel, database: Database = STANDARD) -> str:
    """Write the prediction as an expression, a line for each column, added up in the order in which `predict` does.

    Every literal has an exponent, which makes it a double: without one, some databases compute in decimals. A
    column is cast, so that booleans and decimals are doubles too.
    """
    terms = [literal(model.bias, database), *(_term(column, database) for column in model.inputs)]
    return "\n  + ".join(terms) + "\n"


def literal(value: float, database: Database = STANDARD) -> str:
    """Write a double so that it is read back to the last bit.

    >>> literal(0.1), literal(-2.5e-300)
    ('0.1e0', '(-2.5e-300)')
    """
    digits = repr(value)
    exact = digits if "e" in digits else f"{digits}e0"
    return database.literal.format(f"({exact})" if digits.startswith("-") else exact)


def identifier(name: str, database: Database = STANDARD) -> str:
    """Quote a column's name.

    >>> print(identifier('5" pipe'))
    "5"" pipe"
    """
    opening, closing = database.quotes
    return f"{opening}{_escaped(name, closing, database.name_escapes)}{closing}"


def text(value: str, database: Database = STANDARD) -> str:
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


def _term(column: NumberInput | CategoryInput, database: Database) -> str:
    name = identifier(column.name, database)
    if isinstance(column, NumberInput):
        value = f"CAST({name} AS {database.double})"
        filled = value if column.mean is None else f"COALESCE({value}, {literal(column.mean, database)})"
        return f"{literal(column.weight, database)} * {filled}"
    return f"CASE {' '.join(_cases(column, name, database))} END"


def _cases(column: CategoryInput, name: str, database: Database) -> Iterator[str]:
    if not column.fill:
        yield f"WHEN {name} IS NULL THEN NULL"
    for level, weight in column.weights.items():
        yield f"WHEN {database.text.format(name)} = {text(level, database)} THEN {literal(weight, database)}"
    yield f"ELSE {literal(column.average, database)}"
