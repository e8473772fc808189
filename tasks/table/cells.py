"""Cells that are not numbers in columns that should be; and numbers of every stored type as plain ones."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.columns import is_text
from tasks.table.errors import counted, shown

_NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
_FOREIGN_NUMBER = r"^\s*[-+]?\d[\d ']*(,\d+)+(\.\d+)?\s*$|^\s*[-+]?\d+(\.\d{3})+,\d+\s*$"
_MOST = 0.5


def text_findings(table: pa.Table, target: str, features: Sequence[str] | None = None) -> tuple[str, ...]:
    """Name the text columns that are to be numbers, with the count of text cells and the first of them.

    A column counts if it is named, or, when the features are chosen by default, if most of its cells read as
    numbers: it would otherwise be left out for a typing error. (A heuristic: over half of the cells present.)
    """
    named = {target, *(features or ())}
    return tuple(
        _finding(name, column)
        for name, column in zip(table.column_names, table.columns, strict=True)
        if is_text(column.type)
        and (name in named or (features is None and _share_of_numbers(column) > _MOST))
    )


def as_numbers(table: pa.Table) -> pa.Table:
    """Turn booleans and decimals into float64; ints and floats keep their stored type."""
    columns = [_plain(column) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if kinds.is_dictionary(column.type):
        return _plain(column.cast(column.type.value_type))
    if kinds.is_boolean(column.type) or kinds.is_decimal(column.type):
        return column.cast(pa.float64(), safe=False)
    return column.cast(pa.float32()) if kinds.is_float16(column.type) else column


def _share_of_numbers(column: pa.ChunkedArray) -> float:
    present = pc.drop_null(column.cast(pa.string()))
    numbers = pc.or_(_matches(present, _NUMBER), _matches(present, _FOREIGN_NUMBER))
    return float(pc.mean(numbers).as_py() or 0.0)


def _matches(column: pa.ChunkedArray, pattern: str) -> pa.ChunkedArray:
    return pc.match_substring_regex(column, pattern)


def _finding(name: str, column: pa.ChunkedArray) -> str:
    column = column.cast(pa.string())
    text = pc.fill_null(pc.invert(_matches(column, _NUMBER)), False)
    count = int(pc.sum(text).as_py() or 0)
    if count == 0:
        return f"column {shown(name)} stores its numbers as text; convert it to a numeric type"
    first = int(pc.index(text, True).as_py())
    where = f"{counted(count, 'text cell')} in {counted(len(column), 'row')}"
    return (
        f"column {shown(name)} has {where}, first {shown(column[first].as_py())} in row {first + 1:,}; "
        f"{_remedy(column)}"
    )


def _remedy(column: pa.ChunkedArray) -> str:
    present = pc.drop_null(column)
    if pc.any(_matches(present, _FOREIGN_NUMBER)).as_py():
        return "write numbers with a decimal point and without separators"
    if _share_of_numbers(column) > _MOST:
        return "correct those cells or remove their rows"
    return "encode it as numbers, or choose other columns"
