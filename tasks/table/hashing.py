"""Values as 64-bit keys: hashed, to deal rows by what they hold; or in their own order, to deal them by time.

Equal values have equal hashes however they are stored: 7 as int8, int64, float or text; 2024-01-01 as a date or as a
time stamp in any unit. So a column keeps its hashes when one more row turns the whole column into floats or text.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from tasks.table.columns import is_number, is_text
from tasks.table.errors import BadTable, printable, quoted

Keys = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MISSING = np.uint64(0xD1B54A32D192ED03)
_SIGN = np.uint64(1 << 63)
_WHOLE = r"^-?\d{1,18}$"
# The type as which text is compared when rows are ordered by it.
_READINGS = (pa.float64(), pa.timestamp("us"), pa.timestamp("us", "UTC"))
_DECIMAL = r"^-?(\d+\.\d*|\.\d+|\d+)([eE][-+]?\d+)?$"


def hashes(rows: pa.Table, names: Sequence[str], seed: int) -> Keys:
    """Hash what n rows hold in the named columns, in whatever order these are: (n,), uniform in 64 bits.

    A missing value is a value of its own.

    Raises:
        BadTable: a column holds lists or other values that are not compared.
    """
    mixed = np.full(rows.num_rows, _mixed(np.array([seed], np.uint64))[0])
    for name in sorted(names):
        mixed = _mixed(mixed ^ _values(rows[name].combine_chunks(), name))
    return mixed


def order_of(column: pa.ChunkedArray, name: str) -> pa.DataType:
    """Return the type by which a column's values are in order: its own, and of text what all of its cells read as.

    Raises:
        BadTable: the column holds neither numbers nor times.
    """
    kind = _order(column)
    if kind is not None:
        return kind
    example = next((cell for cell in column.to_pylist() if cell is not None), None)
    raise BadTable(
        f"`by` column {quoted(name)} holds {column.type} such as {quoted(example)}, which is not in the order of time; "
        "name a column of numbers, or of dates as in 2024-02-29, or set `date_format`"
    )


def has_order(column: pa.ChunkedArray) -> bool:
    """Say whether a column's values are in order as they are: numbers, times, and text that reads as such."""
    return _order(column) is not None


def _order(column: pa.ChunkedArray) -> pa.DataType | None:
    if is_number(column.type) or kinds.is_temporal(column.type):
        return column.type
    for kind in _READINGS if is_text(column.type) else ():
        with suppress(pa.ArrowInvalid):
            column.cast(kind)
            return kind
    return None


def ordered(column: pa.ChunkedArray, kind: pa.DataType, name: str) -> Keys:
    """Turn values, read as numbers or times of a kind, into keys that are in their order; NaN counts as missing.

    Raises:
        BadTable: a value is missing, or cannot be read so.
    """
    try:
        values = _plain(column.cast(kind).combine_chunks()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid as error:
        raise BadTable(
            f"`by` column {quoted(name)} holds {kind} values at first, and later others ({printable(str(error))}); "
            "write all of them in one way"
        ) from error
    if column.null_count or (values.dtype.kind == "f" and np.isnan(values).any()):
        raise BadTable(
            f"`by` column {quoted(name)} misses values, which have no place in time; remove those rows"
        )
    if values.dtype.kind == "f":
        bits: Keys = (values + 0.0).view(np.uint64)  # the sum turns -0 into 0
        return np.where(bits & _SIGN, ~bits, bits | _SIGN)
    bits = np.ascontiguousarray(values).view(np.uint64)
    return bits if values.dtype.kind == "u" else bits ^ _SIGN


def said(key: int, kind: pa.DataType) -> str:
    """Write the value that `ordered` turned into a key; `kind` is the type of its column.

    >>> said(int(ordered(pa.chunked_array([[2.5]]), pa.float64(), "x")[0]), pa.float64())
    '2.5'
    """
    bits = np.array([key], np.uint64)
    plain = _plain(pa.array([], kind)).type
    if kinds.is_floating(plain):
        return str(np.where(bits & _SIGN, bits ^ _SIGN, ~bits).view(np.float64)[0])
    if kinds.is_unsigned_integer(plain):
        return str(key)
    number = pa.array((bits ^ _SIGN).view(np.int64))
    if kinds.is_date(kind):
        return str(number.cast(pa.timestamp("us")).cast(pa.date32())[0].as_py())
    if kinds.is_timestamp(kind):
        return str(number.cast(pa.timestamp("us", kind.tz))[0].as_py()).removesuffix(" 00:00:00")
    return str(number[0].as_py())


def _values(column: pa.Array, name: str) -> Keys:
    """Return the bits of values in the one form that equal ones share."""
    if is_text(column.type) or kinds.is_null(column.type):
        found = _of_texts(column.cast(pa.string()))
    elif is_number(column.type) or kinds.is_temporal(column.type):
        found = _of_numbers(_plain(column))
    else:
        raise BadTable(f"`by` column {quoted(name)} holds {column.type}; name one of numbers, text or dates")
    return np.where(column.is_null().to_numpy(zero_copy_only=False), _MISSING, found)


def _plain(column: pa.Array) -> pa.Array:
    """Return numbers as int64, uint64 or float64, and times as microseconds."""
    kind = column.type
    if kinds.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if kinds.is_date(kind) or kinds.is_timestamp(kind):
        return column.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).cast(pa.int64())
    if kinds.is_time(kind):
        return column.cast(pa.time64("us"), safe=False).cast(pa.int64())
    if kinds.is_duration(kind):
        return column.cast(pa.duration("us"), safe=False).cast(pa.int64())
    if kinds.is_boolean(kind) or kinds.is_signed_integer(kind):
        return column.cast(pa.int64())
    return column.cast(pa.uint64() if kinds.is_unsigned_integer(kind) else pa.float64(), safe=False)


def _of_numbers(column: pa.Array) -> Keys:
    """Return the bits of whole numbers as those of integers, of others as those of floats."""
    values = column.fill_null(0).to_numpy(zero_copy_only=False)
    if values.dtype.kind != "f":
        return np.ascontiguousarray(values).view(np.uint64)
    whole = (np.trunc(values) == values) & (np.abs(values) < 2.0**63)
    integers = np.where(whole, values, 0).astype(np.int64).view(np.uint64)
    bits = np.where(np.isnan(values), _MISSING, np.ascontiguousarray(values).view(np.uint64))
    return np.where(whole, integers, bits)


def _of_texts(column: pa.Array) -> Keys:
    """Return the bits of the number that a text reads as, else a digest; each distinct text is looked at once."""
    distinct = column.dictionary_encode()
    texts = distinct.dictionary
    found = np.array([_digest(text) for text in texts.to_pylist()], np.uint64)
    for pattern, kind in ((_DECIMAL, pa.float64()), (_WHOLE, pa.int64())):
        reads = pc.match_substring_regex(texts, pattern)
        found[reads.to_numpy(zero_copy_only=False)] = _of_numbers(texts.filter(reads).cast(kind))
    places = distinct.indices.fill_null(0).to_numpy()
    return found[places] if len(found) else np.zeros(len(column), np.uint64)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(keys: Keys) -> Keys:
    """Scatter the bits: the finalizer of SplitMix64, by Sebastiano Vigna after David Stafford's mix 13."""
    z = keys + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
