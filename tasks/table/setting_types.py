"""The types of single settings that say which table is meant and how it is written; `tasks.config` has the sections."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from tasks.table.sources.address import CREDENTIALS, refuse_credentials


def comma_separated(value: object) -> object:
    """Take a text apart at its commas; leave anything else as it is."""
    return tuple(name.strip() for name in value.split(",")) if isinstance(value, str) else value


def _text_encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(
            f"`encoding` of {name!r} is not known; write utf-8, utf-16, cp1252 or latin-1"
        ) from None
    return name


def _delimiter(sign: str) -> str:
    r"""Check the character; `\t`, which is easy to type in a shell, stands for a tab."""
    if sign == "\\t":
        return "\t"
    if len(sign) != 1 or not sign.isascii() or sign in '\r\n\0"':
        raise ValueError(
            f"`delimiter` of {sign!r} cannot separate cells; give a single ASCII character, or \\t for a tab"
        )
    return sign


def _joined(value: object) -> object:
    """Join a list of places, so that a table is one text wherever it is said; `location.places` takes it apart."""
    if not isinstance(value, list | tuple):
        return value
    if not all(isinstance(each, str) for each in value):
        raise ValueError(f"`data` of {value!r} is no list of paths; write each as a text")
    if wrong := [each for each in value if "," in each and len(value) > 1]:
        raise ValueError(
            f"`data` lists {wrong[0]!r}; a path in a list has no comma, rename the file or folder"
        )
    return ",".join(value)


def _path(path: str, field: ValidationInfo) -> str:
    if "\0" in path:
        raise ValueError(f"{path!r} is not a path: it contains a zero byte")
    refuse_credentials(path, field.field_name)
    return path


Delimiter = Annotated[
    Annotated[str, AfterValidator(_delimiter)] | None,
    Field(description="Character between the cells of a CSV; detected by default."),
]
Decimal = Annotated[
    Literal[".", ","] | None, Field(description="Decimal separator of a CSV; detected by default.")
]
TextEncoding = Annotated[
    Annotated[str, AfterValidator(_text_encoding)] | None,
    Field(description="Encoding of a CSV, such as cp1252; detected by default."),
]
Thousands = Annotated[
    Literal[",", ".", " ", "'"] | None,
    Field(description="Thousands separator of a CSV; detected where the cells leave no doubt."),
]
MissingWords = Annotated[
    Annotated[tuple[str, ...], BeforeValidator(comma_separated)] | None,
    Field(
        description="Cells of a CSV that are missing values, besides empty ones; NA, NaN, null, … by default."
    ),
]
SkippedRows = Annotated[
    Annotated[int, Field(ge=0, le=100_000)] | None, Field(description="Lines to skip at the top of a CSV.")
]
HeaderRow = Annotated[
    Annotated[int, Field(ge=0, le=100_000)] | None,
    Field(
        description="Line with the column names, from 1, after those skipped; 0: no names, the columns are c1, c2, …."
    ),
]
Comment = Annotated[
    Annotated[str, Field(min_length=1, max_length=8)] | None,
    Field(description="Start of lines to ignore in a CSV; by default # above the column names."),
]
Sheet = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(description="Sheet of an Excel workbook; by default the only one with rows."),
]

TableQuery = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(description="SQL whose rows are read, of a database such as postgresql://host/db."),
]
DatabaseTableName = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(description="Table of a database, such as schema.name; instead of `query`."),
]
PasswordBlock = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(
        description="Prefect Secret block with the database's password; by default PGPASSWORD or ~/.pgpass."
    ),
]
TableVersion = Annotated[
    Annotated[str, Field(min_length=1)] | None,
    Field(
        description="Version of a Delta Lake table, snapshot of an Iceberg table, or a time; the newest by default."
    ),
]


def check_separators(decimal: str | None, thousands: str | None) -> None:
    """Refuse one sign for both.

    Raises:
        ValueError: they are the same.
    """
    if decimal is not None and decimal == thousands:
        raise ValueError(f"`decimal` and `thousands` are both {decimal!r}; give one of them")


# The schema refuses credentials as well: Prefect's server checks a form by it, and stores nothing that does not pass.
Place = Annotated[str, AfterValidator(_path), Field(json_schema_extra={"not": {"pattern": CREDENTIALS}})]
Places = Annotated[Place, BeforeValidator(_joined)]
Names = Annotated[tuple[str, ...], BeforeValidator(comma_separated)]


def target_of(formula: str) -> str:
    """Return the target that a formula names.

    >>> target_of("`net price` ~ area")
    'net price'

    Raises:
        ValueError: it names none.
    """
    found = re.match(r"\s*(?:`([^`]+)`|([^~`]+?))\s*~", formula)
    if found is None:
        raise ValueError(f"`formula` of {formula[:60]!r} names no target; write target ~ term + term")
    return str(found[1] or found[2])
