"""Columns of every stored type as plain numbers or as text, and the cells that are not what they should be."""

import re

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.columns import is_text

_NUMBER = r"^\s*([-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(?i:inf|infinity)|(?i:nan))\s*$"
_FOREIGN_NUMBER = r"^\s*[-+]?\d[\d ']*(,\d+)+(\.\d+)?\s*$|^\s*[-+]?\d+(\.\d{3})+,\d+\s*$"
_WORDS = ("false", "true", "False", "True", "FALSE", "TRUE", "0", "1")  # no array: making one imports pandas
_MOST = 0.5


def likely(rows: pa.Table, *, complete: bool) -> pa.Schema:
    """Return the types that the columns are likely to have, judging by their first rows, or by all where `complete`.

    A column of text is one of numbers if most of its cells read as numbers: it would otherwise be left out for a
    typing error. (A heuristic: over half of the cells present.) One that is empty so far may become one.
    """
    fields = []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        hopeful = is_text(column.type) and share_of_numbers(column) > _MOST
        unknown = kinds.is_null(column.type) and not (complete and len(column))
        fields.append(pa.field(name, pa.float64() if hopeful or unknown else column.type))
    return pa.schema(fields)


def plain(kind: pa.DataType) -> pa.DataType:
    """Return the type in which numbers of a stored type are kept: ints and floats as they are, others as float64.

    >>> plain(pa.int8()), plain(pa.bool_()), plain(pa.string())
    (DataType(int8), DataType(double), DataType(double))
    """
    if kinds.is_dictionary(kind):
        return plain(kind.value_type)
    if kinds.is_float16(kind):
        return pa.float32()
    return kind if kinds.is_integer(kind) or kinds.is_floating(kind) else pa.float64()


def as_numbers(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """Turn a column of numbers into the type `plain(kind)`; NaN becomes null."""
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    numbers = column.cast(plain(kind), safe=False)
    if not kinds.is_floating(numbers.type):
        return numbers
    nan = pc.is_nan(numbers)
    return pc.if_else(nan, None, numbers) if pc.any(nan).as_py() else numbers


def parsed(column: pa.Array, kind: pa.DataType, decimal: str = ".") -> tuple[pa.Array, pa.BooleanArray]:
    """Turn a column of text into numbers of the type `plain(kind)`, and say which cells are none."""
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    sound, read = _words(column) if kinds.is_boolean(kind) else _numerals(column, decimal)
    text = pc.and_(pc.is_valid(column), pc.invert(pc.fill_null(sound, False)))
    return as_numbers(read, kind), text


def as_text(column: pa.Array) -> pa.Array:
    """Turn a column of categories into text.

    Raises:
        pa.ArrowInvalid: it holds bytes that are not UTF-8.
    """
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pa.string())


def is_bytes(kind: pa.DataType) -> bool:
    """Say whether values are text, or bytes that may be text."""
    return is_text(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind)


def share_of_numbers(column: pa.Array | pa.ChunkedArray) -> float:
    """Return the share of the cells present that read as numbers, foreign ones included."""
    present = pc.drop_null(column.cast(pa.string()))
    numbers = pc.match_substring_regex(present, f"{_NUMBER}|{_FOREIGN_NUMBER}")
    return float(pc.mean(numbers).as_py() or 0.0)


def reads_as_foreign(cell: str) -> bool:
    """Say whether a cell is a number with separators or a decimal comma.

    >>> reads_as_foreign("1,200.50"), reads_as_foreign("1.200,50"), reads_as_foreign("twelve")
    (True, True, False)
    """
    return re.search(_FOREIGN_NUMBER, cell) is not None


def _numerals(column: pa.Array, decimal: str) -> tuple[pa.BooleanArray, pa.Array]:
    pointed = column if decimal == "." else pc.replace_substring(column, decimal, ".")
    sound = pc.match_substring_regex(pointed, _NUMBER)
    if decimal != ".":
        sound = pc.and_(sound, pc.invert(pc.match_substring(column, ".")))
    text = pc.if_else(sound, pointed, pa.scalar(None, pointed.type)).cast(pa.string())
    return sound, pc.utf8_trim_whitespace(text).cast(pa.float64())


def _words(column: pa.Array) -> tuple[pa.BooleanArray, pa.Array]:
    place = pc.index_in(column, pa.array(_WORDS).cast(column.type))
    return pc.is_valid(place), pc.bit_wise_and(place, 1)
