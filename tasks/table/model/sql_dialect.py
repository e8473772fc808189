"""How databases write SQL: names, numbers, texts and dates, in the words of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field


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
        ln: The natural logarithm.
        time: How a column of dates becomes a time, `{}` being its name.
        year: A time's year, `{}` being the time.
        month: Its month.
        weekday: Its weekday, 1 for Monday.
        days: Its days since 1970.
    """

    quotes: tuple[str, str] = ('"', '"')
    escapes: Mapping[str, str] = field(default_factory=dict)
    name_escapes: Mapping[str, str] = field(default_factory=dict)
    double: str = "DOUBLE PRECISION"
    literal: str = "{}"
    prefix: str = ""
    suffix: str = ""
    text: str = "{}"
    ln: str = "LN"
    time: str = "CAST({} AS TIMESTAMP)"
    year: str = "EXTRACT(YEAR FROM {})"
    month: str = "EXTRACT(MONTH FROM {})"
    weekday: str = "EXTRACT(ISODOW FROM {})"
    days: str = "CAST(EXTRACT(EPOCH FROM {}) AS DOUBLE PRECISION) / 86400e0"


STANDARD = SqlDialect()

_BACKSLASHED = {"\\": "\\\\", "'": "\\'", "`": "\\`", "\n": "\\n", "\r": "\\r"}

DIALECTS: Mapping[str, SqlDialect] = {
    # SQL Server ignores case and trailing blanks when it compares text, unless a collation says otherwise.
    "tsql": SqlDialect(
        quotes=("[", "]"),
        prefix="N",
        suffix="|",
        text="CAST({} AS NVARCHAR(4000)) COLLATE Latin1_General_100_BIN2 + N'|'",
        ln="LOG",
        time="CAST({} AS DATETIME2)",
        year="DATEPART(YEAR, {})",
        month="DATEPART(MONTH, {})",
        # 1900 began on a Monday; DATEPART(WEEKDAY) would depend on a setting.
        weekday="(DATEDIFF(DAY, '19000101', {}) % 7 + 7) % 7 + 1",
        days="DATEDIFF_BIG(MICROSECOND, '19700101', {}) / 86400000000e0",
    ),
    "bigquery": SqlDialect(
        quotes=("`", "`"),
        escapes=_BACKSLASHED,
        name_escapes=_BACKSLASHED,
        double="FLOAT64",
        text="CAST({} AS STRING)",
        time="CAST({} AS DATETIME)",
        weekday="MOD(EXTRACT(DAYOFWEEK FROM {}) + 5, 7) + 1",
        days="DATETIME_DIFF({}, DATETIME '1970-01-01', MICROSECOND) / 86400e6",
    ),
    # Whether an exponent alone makes a literal a double is not stated, so it is cast.
    "snowflake": SqlDialect(
        escapes={"\\": "\\\\"},
        literal="{}::DOUBLE",
        text="CAST({} AS VARCHAR)",
        time="CAST({} AS TIMESTAMP_NTZ)",
        weekday="DAYOFWEEKISO({})",
        days="DATE_PART(EPOCH_MICROSECOND, {}) / 86400e6::DOUBLE",
    ),
}


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
