"""Taking rows in: some rows of a file become columns as they are used, and a summary of what was there."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from tasks.table.cells import (
    as_levels,
    as_numbers,
    as_text,
    is_bytes,
    parsed,
    plain,
    points,
    reads_as_foreign,
    with_nulls,
)
from tasks.table.columns import Columns, is_number, is_text
from tasks.table.dates import TIME, as_times
from tasks.table.errors import BadTable, Violation, located, quoted
from tasks.table.numerals import Notation
from tasks.table.sources.reader import Preview, batches
from tasks.table.sources.source import Member
from tasks.table.summary import Summary, merge, numbers, place, summarize_levels, summarize_numbers
from tasks.table.terms.expression import Expression, columns_of, compute


@dataclass(frozen=True, slots=True)
class CastPlan:
    """How the used columns are taken in, the target last: numbers of their kind, categories as text."""

    # By column, the type it has, or is likely to have, in the user's files.
    kinds: Mapping[str, pa.DataType]
    target: str
    categorical: frozenset[str]
    # Whether rows with a missing value in a feature are kept; they are left out otherwise.
    keep_missing: bool
    # Types of pass-through columns: used for splitting, not validated.
    carried: Mapping[str, pa.DataType] = field(default_factory=dict)
    # Of those the column of weights: numbers, which are judged too.
    weights: str | None = None
    # Columns of dates, and how text in them is written: in ISO 8601 by default.
    dates: frozenset[str] = frozenset()
    dates_format: str | None = None
    # Numbers that are computed of rows, by name: a row in which one has no value is not used.
    computed: Mapping[str, Expression] = field(default_factory=dict)

    @property
    def judged(self) -> list[str]:
        """The columns that have summaries."""
        return [*self.kinds, *([self.weights] if self.weights is not None else [])]

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns that are left; of those learnt from only a feature may hold nulls."""
        learnt = [
            pa.field(
                name,
                self._kept(name, kind),
                nullable=self.keep_missing and name != self.target,
            )
            for name, kind in self.kinds.items()
        ]
        beside = [pa.field(name, kind, nullable=name != self.weights) for name, kind in self.carried.items()]
        return pa.schema([*learnt, *beside])

    def _kept(self, name: str, kind: pa.DataType) -> pa.DataType:
        if name in self.dates:
            return TIME
        return pa.string() if name in self.categorical else plain(kind)


@dataclass(frozen=True, slots=True)
class Taken:
    """Some rows that were taken in, those that can be used, and a summary by column of all of them.

    `computed` sums up, by name, the numbers that are computed of rows: `infinite` are those that have no value.
    """

    rows: pa.RecordBatch
    summaries: Mapping[str, Summary]
    computed: Mapping[str, Summary] = field(default_factory=dict)


def layout(
    schemas: Sequence[pa.Schema],
    columns: Columns,
    *,
    is_text: bool,
    keep_missing: bool,
    passthrough: Mapping[str, pa.DataType],
    dates_format: str | None = None,
    computed: Mapping[str, Expression] | None = None,
) -> CastPlan:
    """Lay out the chosen columns of files with these schemas, and those that are passed through.

    Numbers whose type differs between files are floats, and so are all of text files, as a point may come in any row.
    """
    types = {}
    for name in columns.used:
        found = {schema.field(name).type for schema in schemas if name in schema.names} - {pa.null()}
        same = found.pop() if len(found) == 1 else pa.float64()
        types[name] = pa.float64() if is_text and not kinds.is_boolean(same) else same
        if name in columns.categorical or (name in columns.dates and (is_text or same == pa.float64())):
            types[name] = pa.string()
    return CastPlan(
        types,
        columns.target,
        frozenset(columns.categorical),
        keep_missing,
        passthrough,
        dates=frozenset(columns.dates),
        dates_format=dates_format,
        computed=computed or {},
    )


def carried(schemas: Sequence[pa.Schema], names: Sequence[str], *, is_text: bool) -> dict[str, pa.DataType]:
    """Return the types of pass-through columns: as stored, but text in text files or where files differ."""
    types = {}
    for name in names:
        found = {schema.field(name).type for schema in schemas if name in schema.names} - {pa.null()}
        same = found.pop() if len(found) == 1 and not is_text else pa.string()
        types[name] = same.value_type if kinds.is_dictionary(same) else same
    return types


def taken(look: Preview, plan: CastPlan) -> Iterator[Taken]:
    """Take the rows of a file in, some at a time.

    Raises:
        BadTable: the file is damaged.
    """
    start = 0
    for batch in batches(look, {**plan.kinds, **plan.carried}):
        yield _taken(batch, plan, start, look)
        start += batch.num_rows


def merged(a: Mapping[str, Summary], b: Mapping[str, Summary]) -> dict[str, Summary]:
    """Combine the summaries of two parts of a file, column by column."""
    return {name: merge(a[name], b[name]) for name in b} if a else dict(b)


def with_points(summary: Summary, raw: pa.Array, start: int) -> Summary:
    """Add to a summary how many cells could be thousands, and how many show that a point stands before decimals.

    Args:
        summary: of the column.
        raw: the cells as they are written.
        start: how many rows of the file came before.
    """
    pointed, grouped = points(raw)
    found = np.asarray(grouped)
    first = raw.filter(grouped)[:1].to_pylist()
    return replace(
        summary,
        grouped=int(np.count_nonzero(found)),
        first_grouped=place(found, start),
        first_grouped_value=_readable(first[0]) if first else "",
        fractions=int(np.count_nonzero(np.asarray(pointed) & ~found)),
    )


def _taken(batch: pa.RecordBatch, plan: CastPlan, start: int, look: Preview) -> Taken:
    columns, summaries = [], {}
    for name, cells in zip(batch.schema.names, batch.columns, strict=True):
        raw = with_nulls(cells, look.written.missing) if look.is_text and is_bytes(cells.type) else cells
        if name == plan.weights:
            column, summaries[name] = _weight(raw, start, look.written.numerals.of(name))
        elif name in plan.carried:
            column = _carried(name, raw, plan.carried[name], start, look.member)
        elif name in plan.categorical:
            column, summaries[name] = _levels(name, raw, cells, start, look)
        elif name in plan.dates:
            column, summaries[name] = _dates(raw, plan.dates_format, start)
        else:
            numerals = look.written.numerals
            column, summaries[name] = _number(raw, plan.kinds[name], start, numerals.of(name))
            if name in numerals.unsettled and is_bytes(raw.type):
                summaries[name] = with_points(summaries[name], raw, start)
        columns.append(column)
    cells = dict(zip(batch.schema.names, columns, strict=True))
    beyond, computed = _computed(plan, cells, start)
    return Taken(_usable(columns, plan, beyond), summaries, computed)


def _computed(
    plan: CastPlan, cells: Mapping[str, pa.Array], start: int
) -> tuple[npt.NDArray[np.bool_] | None, dict[str, Summary]]:
    """Compute what terms are made of; return the rows in which one has no value, and a summary of each."""
    beyond, summaries = None, {}
    for label, expression in plan.computed.items():
        found = compute(expression, cells).is_beyond
        first = int(np.argmax(found)) if found.any() else None
        values = "" if first is None else ", ".join(_valued(expression, cells, first))
        summaries[label] = Summary(
            rows=len(found),
            infinite=int(np.count_nonzero(found)),
            first_infinite=place(found, start),
            first_text=place(found, start),
            first_text_value=values,
        )
        beyond = found if beyond is None else beyond | found
    return beyond, summaries


def _valued(expression: Expression, cells: Mapping[str, pa.Array], row: int) -> Iterator[str]:
    for name in dict.fromkeys(columns_of(expression)):
        yield f"{name} = {cells[name][row].as_py()}"


def _dates(raw: pa.Array, dates_format: str | None, start: int) -> tuple[pa.Array, Summary]:
    """Return a column of dates as times, null where a cell is none, and its summary."""
    column, text = as_times(raw, dates_format)
    missing, is_text_cell = np.asarray(pc.is_null(raw)), np.asarray(text)
    cells = raw.filter(text)[:1].to_pylist()
    return column, Summary(
        rows=len(column),
        missing=int(np.count_nonzero(missing)),
        first_missing=place(missing, start),
        text=int(np.count_nonzero(is_text_cell)),
        first_text=place(is_text_cell, start),
        first_text_value=_readable(cells[0]) if cells else "",
    )


def _levels(name: str, raw: pa.Array, cells: pa.Array, start: int, look: Preview) -> tuple[pa.Array, Summary]:
    """Return a column of categories as text, and its summary."""
    column = _category(name, raw, start, look.member)
    shortened = 0
    if look.is_text:
        column, shortened = as_levels(column)
    summary = summarize_levels(column, start)
    if raw is cells or not summary.missing:
        return column, replace(summary, shortened=shortened)
    words = cells.filter(pc.and_(pc.is_null(raw), pc.greater(pc.binary_length(cells), 0)))
    word = _readable(words[0].as_py()) if len(words) else ""
    return column, replace(summary, shortened=shortened, missing_word=word)


def _number(raw: pa.Array, kind: pa.DataType, start: int, notation: Notation) -> tuple[pa.Array, Summary]:
    """Return a column as numbers, null where there is none that can be used, and its summary."""
    holds_text = is_bytes(raw.type.value_type if kinds.is_dictionary(raw.type) else raw.type)
    column, text = parsed(raw, kind, notation) if holds_text else (as_numbers(raw, kind), None)
    summary = summarize_numbers(numbers(column), start)
    if summary.infinite:
        column = pc.if_else(pc.is_finite(column), column, None)
    return column, summary if text is None else _with_text(summary, raw, np.asarray(text), start)


def _weight(raw: pa.Array, start: int, notation: Notation) -> tuple[pa.Array, Summary]:
    """Return a column of weights, null where a row is left out, and its summary."""
    column, summary = _number(raw, pa.float64(), start, notation)
    values = numbers(column)
    negative, zero = values < 0, values == 0
    first = place(negative, start)
    summary = replace(
        summary,
        negative=int(np.count_nonzero(negative)),
        first_negative=first,
        first_negative_value=float(values[first - start - 1]) if first else 0.0,
        zeros=int(np.count_nonzero(zero)),
    )
    return pc.if_else(pa.array(zero), None, column), summary


def _with_text(summary: Summary, raw: pa.Array, text: npt.NDArray[np.bool_], start: int) -> Summary:
    """Tell the cells of text from those that are missing; both have been read as null."""
    missing = np.asarray(pc.is_null(raw))
    cells = [_readable(cell) for cell in raw.filter(pa.array(text)).to_pylist()]
    return replace(
        summary,
        missing=int(np.count_nonzero(missing)),
        first_missing=place(missing, start),
        text=len(cells),
        first_text=place(text, start),
        first_text_value=cells[0] if cells else "",
        foreign=sum(map(reads_as_foreign, cells)),
        stored_as_text=is_text(raw.type),
    )


def _usable(
    columns: Sequence[pa.Array], plan: CastPlan, beyond: npt.NDArray[np.bool_] | None
) -> pa.RecordBatch:
    """Keep the rows that have a value wherever one is needed, and for which all terms can be computed."""
    schema = plan.schema
    needed = [
        pc.is_valid(column)
        for column, field in zip(columns, schema, strict=True)
        if column.null_count and not field.nullable
    ]
    if beyond is not None and beyond.any():
        needed.append(pa.array(~beyond))
    if needed:
        whole = reduce(pc.and_, needed)
        columns = [column.filter(whole) for column in columns]
    return pa.RecordBatch.from_arrays([*columns], schema=schema)


def _carried(name: str, raw: pa.Array, kind: pa.DataType, start: int, member: Member) -> pa.Array:
    if kinds.is_string(kind):
        return _category(name, raw, start, member)
    return (raw.dictionary_decode() if kinds.is_dictionary(raw.type) else raw).cast(kind)


def _category(name: str, raw: pa.Array, start: int, member: Member) -> pa.StringArray:
    try:
        return as_text(raw)
    except pa.ArrowInvalid as error:
        raise BadTable(_no_category(name, raw, start, member)) from error


def _no_category(name: str, raw: pa.Array, start: int, member: Member) -> Violation:
    """Say why a column cannot be one of categories: bytes that are no text, or numbers that are not whole."""
    if is_number(raw.type):
        values = (raw.dictionary_decode() if kinds.is_dictionary(raw.type) else raw).to_pylist()
        at = next(place for place, value in enumerate(values) if value is not None and not _is_whole(value))
        return Violation(
            "unusable-column",
            f"column {quoted(name)} of {located(member.name)} has {values[at]!r} in row {start + at + 1:,}",
            "a category is text, a whole number or a boolean",
            column=name,
            row=start + at + 1,
            file=member.name,
        )
    row = start + _first_undecodable(raw) + 1
    return Violation(
        "unreadable-files",
        f"column {quoted(name)} of {located(member.name)} is not UTF-8, first in row {row:,}",
        "give the `encoding`, such as cp1252",
        column=name,
        row=row,
        file=member.name,
    )


def _is_whole(value: float) -> bool:
    """Say whether a float is NaN, which is a missing value, or a whole number of 64 bits."""
    return math.isnan(value) or (abs(value) < 2.0**63 and value == int(value))


def _first_undecodable(column: pa.Array) -> int:
    cells = (cell or b"" for cell in column.to_pylist())
    return next((number for number, cell in enumerate(cells) if "\ufffd" in cell.decode(errors="replace")), 0)


def _readable(cell: str | bytes) -> str:
    return cell if isinstance(cell, str) else cell.decode(errors="backslashreplace")
