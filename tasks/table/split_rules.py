"""The ways to deal rows to training and test, some at a time: by lot, by a hash of what they hold, or by time."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.table.columns import is_text
from tasks.table.dates import date_format_of, times
from tasks.table.errors import BadTable, counted, quoted
from tasks.table.hashing import Keys, has_order, hashes, order_of, ordered, said
from tasks.table.partition import held_out

Mask = npt.NDArray[np.bool_]
# Rows, and which of them are for the test.
SplitTables = Iterator[tuple[pa.Table, Mask]]

# Bits of a key that one pass looks at.
_DIGIT = 16


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Say of a row, from what it holds in some columns alone, whether it is for the test."""

    columns: tuple[str, ...]
    is_test: Callable[[pa.Table], Mask]
    # The rule in words.
    said: str


def by_lot(tables: Iterable[pa.Table], rows: int, tests: int, rng: np.random.Generator) -> SplitTables:
    """Draw exactly so many test rows, every choice equally likely."""
    for table in tables:
        mask = held_out(table.num_rows, rows, tests, rng)
        rows, tests = rows - len(mask), tests - int(mask.sum())
        yield table, mask


def by_hash(names: Sequence[str], test_fraction: float, seed: int) -> SplitRule:
    """Take the rows for the test whose hash of the named columns is in the lowest share of all hashes.

    So rows that are added or moved, and columns that are, move no other row; rows with equal keys stay together; and a
    larger fraction adds to the test rows of a smaller one. The size of the test part is only about the fraction: of n
    rows with keys of their own, off by some √(n · fraction · (1 − fraction)).
    """
    limit = np.uint64(test_fraction * 2.0**64)
    return SplitRule(
        columns=tuple(names),
        is_test=partial(_is_low, tuple(names), seed, limit),
        said=f"by a hash of {', '.join(map(quoted, names))}",
    )


def by_time(
    read: Callable[[], Iterable[pa.ChunkedArray]],
    name: str,
    rows: int,
    tests: int,
    date_format: str | None = None,
) -> SplitRule:
    """Take the last rows for the test: about `tests` of them, since rows of one time stay together.

    Args:
        read: Gives the column of times, some rows at a time, as often as it is called.
        name: The column.
        rows: How many there are.
        tests: How many are asked for.
        date_format: How text in the column is written; detected by default.

    Raises:
        BadTable: the column has no order, misses values, or all of its rows are of one time.
    """
    if tests == 0:
        return SplitRule((name,), _is_none, "by time")
    first = next(iter(read()))
    written = None
    if is_text(first.type) and not has_order(first):
        written = date_format or date_format_of(read, name)

    kind = order_of(times(first, written, name) if written else first, name)
    in_time = _InTime(name, written, kind)
    least = first_test_key(lambda: map(in_time.keys, read()), rows, tests)
    how = f", read as {written}" if written else ""
    return SplitRule(
        columns=(name,),
        is_test=partial(_is_late, in_time, least),
        said=f"by time, for the test what has {quoted(name)} of {said(least, kind)} or later{how}",
    )


@dataclass(frozen=True, slots=True)
class _InTime:
    """Turns a column of times into keys in their order; text is read as it is written."""

    name: str
    written: str | None
    kind: pa.DataType

    def keys(self, column: pa.ChunkedArray) -> Keys:
        read = times(column, self.written, self.name) if self.written else column
        return ordered(read, self.kind, self.name)


# Functions of a module rather than closures: other processes get them by name.
def _is_low(names: Sequence[str], seed: int, limit: np.uint64, rows: pa.Table) -> Mask:
    return hashes(rows, names, seed) < limit


def _is_late(in_time: _InTime, least: int, rows: pa.Table) -> Mask:
    return in_time.keys(rows[in_time.name]) >= np.uint64(least)


def _is_none(rows: pa.Table) -> Mask:
    return np.zeros(rows.num_rows, np.bool_)


def first_test_key(read: Callable[[], Iterable[Keys]], rows: int, tests: int) -> int:
    """Return the least key of the test rows, such that their number is nearest to `tests`; equal keys stay together.

    Exact in constant memory: the key in this place of the order is found digit by digit, each by a pass that counts.

    Raises:
        BadTable: all keys are equal.
    """
    rank, prefix, below = rows - tests, 0, 0
    for shift in range(64 - _DIGIT, -1, -_DIGIT):
        counts = np.zeros(2**_DIGIT, np.int64)
        for keys in read():
            counts += _digits(keys, prefix, shift)
        ends = below + np.cumsum(counts)
        digit = int(np.searchsorted(ends, rank, side="right"))
        below, prefix = int(ends[digit] - counts[digit]), prefix << _DIGIT | digit
    least = {rows - below: prefix, rows - int(ends[digit]): prefix + 1}
    sizes = [size for size in least if 0 < size < rows]
    if not sizes:
        raise BadTable(
            "`by`: all rows are of one time, none is later than the others; deal by another `method`"
        )
    bound = np.uint64(least[min(sizes, key=lambda size: abs(size - tests))])
    return min(int(later.min()) for keys in read() if len(later := keys[keys >= bound]))


def check_columns(names: Sequence[str], known: Sequence[str], setting: str = "by") -> None:
    """Refuse columns of a setting that are not there, or there twice.

    Raises:
        BadTable: with all findings together.
    """
    findings = []
    for name in names:
        near = difflib.get_close_matches(name, known, n=1)
        hint = (
            f"did you mean {quoted(near[0])}?" if near else f"there are {', '.join(map(quoted, known[:8]))}"
        )
        if name not in known:
            findings.append(f"`{setting}`: no column is named {quoted(name)}; {hint}")
        elif known.count(name) > 1:
            findings.append(
                f"`{setting}`: {known.count(name)} columns are named {quoted(name)}; rename all but one"
            )
    if findings:
        raise BadTable(*findings)


def check_sizes(method: str, test_fraction: float, training: int, tests: int, parameters: int) -> None:
    """Refuse parts that a rule has left too small.

    Raises:
        BadTable: there is no test row, though some are asked for, or fewer training rows than parameters.
    """
    where = f"`method` of {method!r} with `test_fraction` of {test_fraction:g} leaves"
    mend = "another column in `by`" if method == "time" else "another `seed`"
    if test_fraction > 0 and tests == 0:
        raise BadTable(
            f"{where} no test rows out of {training:,}; raise the fraction, set it to 0, or try {mend}"
        )
    if training < parameters:
        raise BadTable(
            f"{where} {counted(training, 'training row')} out of {training + tests:,} for "
            f"{counted(parameters, 'parameter')}; lower the fraction, use more rows, or try {mend}"
        )


def split_note(rule: SplitRule, tests: int, rows: int) -> str:
    """Say by what the rows were split, and how many the test has."""
    return f"rows split {rule.said}: {tests:,} of {rows:,} ({tests / rows:.1%}) are for the test"


def _digits(keys: Keys, prefix: int, shift: int) -> npt.NDArray[np.int64]:
    """Count by their next digit the keys that begin with the digits known."""
    known = shift + _DIGIT
    alike = keys if known == 64 else keys[keys >> np.uint64(known) == np.uint64(prefix)]
    digits = (alike >> np.uint64(shift)) & np.uint64(2**_DIGIT - 1)
    return np.bincount(digits.astype(np.int64), minlength=2**_DIGIT)
