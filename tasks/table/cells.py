"""Columns of every stored type as plain numbers or as text, and the cells that are not what they should be."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.columns import is_text
from tasks.table.numerals import Notation, Numerals

PLAIN = Notation()

_NO_DIGITS = r"^\s*([-+]?(?i:inf|infinity)|(?i:nan))\s*$"
_FOREIGN_NUMBER = r"^\s*[-+]?\d[\d ']*(,\d+)+(\.\d+)?\s*$|^\s*[-+]?\d+(\.\d{3})+,\d+\s*$"
_WORDS = ("false", "true", "False", "True", "FALSE", "TRUE", "0", "1")  # no array: making one imports pandas
_MOST = 0.5
_WHOLE_WITH_POINT = r"^(-?(?:0|[1-9]\d*))\.0+$"
_PLAIN_TEXT = {pa.string_view(): pa.string(), pa.binary_view(): pa.binary()}


def likely(
    rows: pa.Table, *, complete: bool, written: Numerals | None = None, strict: bool = False
) -> pa.Schema:
    """Return the types that the columns are likely to have, judging by their first rows, or by all where `complete`.

    A column of text is one of numbers if most of its cells read as numbers: it would otherwise be left out for a
    typing error. (A heuristic: over half of the cells present.) One that is empty so far may become one.

    Args:
        rows: the first rows.
        complete: whether there are no others.
        written: how the columns write their numbers.
        strict: whether only numbers that are written so are numbers.
    """
    fields = []
    for name, column in zip(rows.column_names, rows.columns, strict=True):
        notation = written.of(name) if written else PLAIN
        hopeful = is_text(column.type) and share_of_numbers(column, notation, strict=strict) > _MOST
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


def parsed(
    column: pa.Array, kind: pa.DataType, notation: Notation = PLAIN
) -> tuple[pa.Array, pa.BooleanArray]:
    """Turn a column of text into numbers of the type `plain(kind)`, and say which cells are none."""
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    sound, read = _words(column) if kinds.is_boolean(kind) else _numerals(column, notation)
    text = pc.and_(pc.is_valid(column), pc.invert(pc.fill_null(sound, False)))
    return as_numbers(read, kind), text


def as_text(column: pa.Array) -> pa.Array:
    """Turn a column of categories into text; whole numbers that are stored as floats have no point, and NaN is null.

    Raises:
        pa.ArrowInvalid: it holds bytes that are not UTF-8, or numbers that are not whole.
    """
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kinds.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column).cast(pa.int64())
    return column.cast(pa.string())


def as_levels(column: pa.StringArray) -> tuple[pa.StringArray, int]:
    """Write 3.0 as 3 in a column of text, since programs write one number both ways; and count the cells.

    Text such as 03 or 1.50 stays as it is.
    """
    found = pc.match_substring_regex(column, _WHOLE_WITH_POINT)
    count = int(pc.sum(found).as_py() or 0)
    return (pc.replace_substring_regex(column, _WHOLE_WITH_POINT, r"\1") if count else column), count


def with_nulls(column: pa.Array, missing: Sequence[str]) -> pa.Array:
    """Return a column of text or bytes with nulls in place of the cells that are missing values."""
    found = pc.is_in(column, pa.array(missing).cast(column.type))
    return pc.if_else(found, pa.scalar(None, column.type), column) if pc.any(found).as_py() else column


def without_views(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which text is stored plainly; not all of Arrow's functions know its views."""
    return pa.schema([field.with_type(_without_view(field.type)) for field in schema])


def batch_without_views(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return rows in which text is stored plainly."""
    columns = [_cast_from_view(column) for column in batch.columns]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _without_view(kind: pa.DataType) -> pa.DataType:
    if kinds.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _without_view(kind.value_type), kind.ordered)
    return _PLAIN_TEXT.get(kind, kind)


def _cast_from_view(column: pa.Array) -> pa.Array:
    if kinds.is_dictionary(column.type) and column.type.value_type in _PLAIN_TEXT:
        return pa.DictionaryArray.from_arrays(column.indices, _cast_from_view(column.dictionary))
    return column.cast(_PLAIN_TEXT[column.type]) if column.type in _PLAIN_TEXT else column


def is_bytes(kind: pa.DataType) -> bool:
    """Say whether values are text, or bytes that may be text."""
    return is_text(kind) or kinds.is_binary(kind) or kinds.is_large_binary(kind)


def share_of_numbers(
    column: pa.Array | pa.ChunkedArray, notation: Notation = PLAIN, *, strict: bool = False
) -> float:
    """Return the share of the cells present that read as numbers, those of other countries included but if strict."""
    present = pc.drop_null(column.cast(pa.string()))
    patterns = [notation.pattern, _NO_DIGITS]
    if not strict:
        patterns += [PLAIN.pattern, _FOREIGN_NUMBER]
    numbers = pc.match_substring_regex(present, "|".join(patterns))
    return float(pc.mean(numbers).as_py() or 0.0)


def reads_as_foreign(cell: str) -> bool:
    """Say whether a cell is a number with separators or a decimal comma.

    >>> reads_as_foreign("1,200.50"), reads_as_foreign("1.200,50"), reads_as_foreign("twelve")
    (True, True, False)
    """
    return re.search(_FOREIGN_NUMBER, cell) is not None


def points(column: pa.Array) -> tuple[pa.BooleanArray, pa.BooleanArray]:
    """Say which cells are numbers with a point, and which of these have three digits behind it, as 6.953."""
    text = _decoded(column)
    pointed = pc.match_substring_regex(text, r"^\s*[-+−]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?\s*$")
    grouped = pc.match_substring_regex(text, r"^\s*[-+−]?[1-9]\d{0,2}\.\d{3}\s*$")
    return pc.fill_null(pointed, False), pc.fill_null(grouped, False)


def _numerals(column: pa.Array, notation: Notation) -> tuple[pa.BooleanArray, pa.Array]:
    text = _decoded(column)
    sound = pc.match_substring_regex(text, f"{notation.pattern}|{_NO_DIGITS}")
    text = pc.if_else(sound, text, pa.scalar(None, text.type))
    for sign in (*notation.thousands, notation.unit):
        text = pc.replace_substring(text, sign, "") if sign else text
    if notation.decimal != ".":
        text = pc.replace_substring(text, notation.decimal, ".")
    for written, meant in (("−", "-"), ("d", "e"), ("D", "e")):  # a minus as printed, Fortran's exponents
        text = pc.replace_substring(text, written, meant)
    text = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), r"^([-+])\s+", r"\1")
    return sound, text.cast(pa.float64())


def _decoded(column: pa.Array) -> pa.Array:
    """Return a column of bytes as text, signs that are no UTF-8 replaced."""
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        cells = (None if cell is None else cell.decode(errors="replace") for cell in column.to_pylist())
        return pa.array(cells, pa.string())


def _words(column: pa.Array) -> tuple[pa.BooleanArray, pa.Array]:
    place = pc.index_in(column, pa.array(_WORDS).cast(column.type))
    return pc.is_valid(place), pc.bit_wise_and(place, 1)
