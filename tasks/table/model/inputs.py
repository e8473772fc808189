"""The columns that a model needs, taken by name from rows of any format, in any order and type that can be used."""

import difflib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.cells import as_levels, as_numbers, as_text, is_bytes, parsed, with_nulls
from tasks.table.columns import is_date, is_number
from tasks.table.dates import as_times
from tasks.table.errors import BadTable, located, quoted
from tasks.table.model.linear import ColumnInput, LinearModel, NumberInput
from tasks.table.numerals import Notation
from tasks.table.sources.reader import Preview
from tasks.table.sources.source import Member

TEXT_RULE = "text-in-numbers"
DATE_RULE = "unreadable-dates"


def check_names(model: LinearModel, names: Sequence[str], member: Member) -> None:
    """Refuse a table that lacks a column of the model, or has one twice.

    Raises:
        BadTable: with all findings together.
    """
    needed = [column.name for column in model.inputs]
    findings = [*_absent(needed, names, member), *_doubled(needed, names, member)]
    if findings:
        raise BadTable(*findings)


def inputs(
    model: LinearModel, rows: pa.RecordBatch, start: int, look: Preview, warn: Collection[str]
) -> dict[str, pa.Array]:
    """Return the model's columns by name: numbers as float64, categories as text, dates as times; nulls.

    Args:
        model: names the columns and their types.
        rows: of a file; of a text file the cells as they are written.
        start: how many rows of the file came before.
        look: what is known of the file.
        warn: rules whose breach is a warning: with `text-in-numbers` text where the model needs a number is missing.

    Raises:
        BadTable: a column holds what cannot be used; with the first row, and its value.
    """
    if look.is_text:
        _check_decoded(rows, start, look.member)
    found: dict[str, pa.Array] = {}
    for column in model.inputs:
        values = rows.column(column.name)
        if look.is_text and is_bytes(values.type):
            values = with_nulls(values, look.written.missing)
        holds = column.holds if isinstance(column, ColumnInput) else None
        if isinstance(column, NumberInput) or holds == "number":
            found[column.name] = _numbers(values, column.name, start, look, warn)
        elif isinstance(column, ColumnInput) and holds == "date":
            found[column.name] = _times(values, column, start, look, warn)
        else:
            found[column.name] = _levels(values, column.name, look)
    return found


def _absent(needed: Iterable[str], names: Sequence[str], member: Member) -> Iterator[str]:
    for name in needed:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = (
                f"did you mean {quoted(near[0])}?" if near else f"it has {', '.join(map(quoted, names[:8]))}"
            )
            yield f"{located(member.name)} has no column {quoted(name)}, which the model needs; {hint}"


def _doubled(needed: Iterable[str], names: Sequence[str], member: Member) -> Iterator[str]:
    for name in needed:
        if names.count(name) > 1:
            yield f"{located(member.name)} has {names.count(name)} columns named {quoted(name)}; rename all but one"


def _check_decoded(rows: pa.RecordBatch, start: int, member: Member) -> None:
    """Refuse cells that are not text; of a file that has some all columns come as bytes."""
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        cells = column.to_pylist() if kinds.is_binary(column.type) else ()
        row = next((number for number, cell in enumerate(cells, start=start + 1) if _is_garbled(cell)), None)
        if row is not None:
            raise BadTable(
                f"column {quoted(name)} of {located(member.name)} is not UTF-8, first in row {row:,}; "
                "give the `encoding`, such as cp1252"
            )


def _is_garbled(cell: bytes) -> bool:
    return "\ufffd" in cell.decode(errors="replace")


def _numbers(values: pa.Array, name: str, start: int, look: Preview, warn: Collection[str]) -> pa.Array:
    kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
    notation = look.written.numerals.of(name)
    if is_number(kind):
        return as_numbers(values, kind).cast(pa.float64(), safe=False)
    if kinds.is_null(kind):
        return values.cast(pa.float64())
    if not is_bytes(kind):
        raise BadTable(
            f"column {quoted(name)} of {located(look.member.name)} holds {kind}; the model needs numbers there"
        )
    with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):  # raised for spaces, words and other text
        if notation == Notation():
            return values.cast(pa.float64())

    numbers, is_text = parsed(values, pa.float64(), notation)
    if not pc.any(is_text).as_py() or TEXT_RULE in warn:
        return numbers
    words, is_other = parsed(values, pa.bool_())
    if not pc.any(is_other).as_py():
        return words.cast(pa.float64())
    row = int(pc.index(is_text, True).as_py())
    raise BadTable(
        f"column {quoted(name)} of {located(look.member.name)} has {quoted(values[row].as_py())} in row "
        f"{start + row + 1:,}; the model needs numbers there, or set `warn` to {TEXT_RULE}"
    )


def _times(
    values: pa.Array, column: ColumnInput, start: int, look: Preview, warn: Collection[str]
) -> pa.Array:
    kind = values.type.value_type if kinds.is_dictionary(values.type) else values.type
    if not (is_bytes(kind) or kinds.is_null(kind) or is_date(kind)):
        raise BadTable(
            f"column {quoted(column.name)} of {located(look.member.name)} holds {kind}; the model needs dates there"
        )
    times, is_text = as_times(values, column.date_format)
    if DATE_RULE not in warn and pc.any(is_text).as_py():
        row = int(pc.index(is_text, True).as_py())
        raise BadTable(
            f"column {quoted(column.name)} of {located(look.member.name)} has {quoted(values[row].as_py())} in row "
            f"{start + row + 1:,}; the model needs dates there, or set `warn` to {DATE_RULE}"
        )
    return times


def _levels(values: pa.Array, name: str, look: Preview) -> pa.Array:
    try:
        levels = as_text(values)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise BadTable(
            f"column {quoted(name)} of {located(look.member.name)} holds {values.type}; "
            "the model needs text or whole numbers there"
        ) from error
    return as_levels(levels)[0] if look.is_text else levels
