"""Rows of the user's files with the predictions beside them, some at a time, and an account of what became of them."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from tasks.table.casting import merged, with_points
from tasks.table.errors import BadTable, Violation, counted, quoted, raise_on_errors
from tasks.table.levels import unknown_levels
from tasks.table.model.inputs import check_names, inputs
from tasks.table.model.linear import ColumnInput, LinearModel, ModelInput, NumberInput, Predicted, predict
from tasks.table.model.row_sample import RowSample
from tasks.table.model.uncertainty import Interval
from tasks.table.sources.reader import Preview, batches
from tasks.table.summary import Summary, numbers, summarize_numbers
from tasks.table.validation import grouped_numbers

# Unknown levels of a column that are counted one by one, and
MOST_LEVELS = 1000
# what the others go by.
OTHERS = "…"
# The ends of intervals.
BOUNDS = ("lower", "upper")
# What rows say of their prediction, if they are to: by which run's model, and when.
STAMP = pa.schema([("model_run", pa.string()), ("predicted_at", pa.timestamp("s", "UTC"))])


@dataclass(frozen=True, slots=True)
class Stamp:
    """By which run's model rows are predicted, and when."""

    run: str
    time: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """How many rows there were, how many have a prediction, and what was amiss by column."""

    rows: int = 0
    predicted: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    infinite: Counter[str] = field(default_factory=Counter)
    unknown: Mapping[str, Counter[str]] = field(default_factory=dict)
    # Missing values in whose place the model has the training rows' mean.
    filled: Counter[str] = field(default_factory=Counter)
    # What was left out of the files.
    skipped: tuple[Violation, ...] = ()
    # Smallest and largest prediction, and their sum.
    lowest: float | None = None
    highest: float | None = None
    total: float = 0.0

    @property
    def mean(self) -> float | None:
        """The mean prediction."""
        return self.total / self.predicted if self.predicted else None

    # Rows by the term that has no value there.
    beyond: Counter[str] = field(default_factory=Counter)

    def __add__(self, found: Predicted) -> "Account":
        """Return the account with some more rows."""
        names = dict.fromkeys([*self.unknown, *found.unknown])
        none: Counter[str] = Counter()
        values = found.values[np.isfinite(found.values)]
        ends = [end for end in (self.lowest, self.highest) if end is not None]
        ends += [float(values.min()), float(values.max())] if len(values) else []
        return Account(
            rows=self.rows + len(found.values),
            predicted=self.predicted + len(values),
            missing=self.missing + found.missing,
            infinite=self.infinite + found.infinite,
            beyond=self.beyond + found.beyond,
            unknown={
                name: _bounded(self.unknown.get(name, none), found.unknown.get(name, none)) for name in names
            },
            filled=self.filled + found.filled,
            skipped=self.skipped,
            lowest=min(ends, default=None),
            highest=max(ends, default=None),
            total=self.total + float(values.sum()),
        )


def columns_of(looks: Sequence[Preview], model: LinearModel) -> pa.Schema:
    """Return the columns of all files in the order in which they first come, as they are stored.

    In text files all cells are text. So are, in others, columns whose type differs from file to file.

    Raises:
        BadTable: a file cannot be read, or lacks a column of the model.
    """
    findings = [finding for each in looks for finding in each.violations]
    if findings:
        raise BadTable(*findings)
    types: dict[str, list[pa.DataType]] = {}
    for each in looks:
        check_names(model, each.stored.names if each.stored else (), each.member)
        for column in _columns(each):
            types.setdefault(column.name, []).append(column.type)
    return pa.schema([(name, _common(found)) for name, found in types.items()])


def column_notes(looks: Sequence[Preview], columns: pa.Schema, model: LinearModel) -> Iterator[Violation]:
    """Say what was detected about the model's columns, and which other ones are not in every file."""
    needed = {column.name for column in model.inputs}
    for look in looks:
        for finding in look.written.findings:
            if finding.column is None or finding.column in needed:
                yield replace(finding, file=look.member.name)
        absent = [name for name in columns.names if look.stored and name not in look.stored.names]
        if absent:
            yield Violation(
                "mixed-types",
                f"{quoted(look.member.name)} lacks {', '.join(map(quoted, absent[:5]))}",
                "its rows have no value there",
                file=look.member.name,
            )


def _common(found: Sequence[pa.DataType]) -> pa.DataType:
    known = {kind for kind in found if not pa.types.is_null(kind)} or {found[0]}
    return known.pop() if len(known) == 1 else pa.string()


def scored_columns(
    columns: pa.Schema, model: LinearModel, column: str, *, as_text: bool, interval: bool = False
) -> pa.Schema:
    """Return the columns of the rows with their predictions in `column`, and the ends of intervals after them.

    Unless they are written as text again, the model's numbers in text files become numbers.

    Raises:
        BadTable: there is a column of this name.
    """
    if column in columns.names:
        raise BadTable(f"`column`: the data have a column {quoted(column)} already; give another name")
    bounds = BOUNDS if interval else ()
    for name in bounds:
        if name in columns.names or name == column:
            raise BadTable(f"`interval` adds a column {quoted(name)}, and there is one already; rename it")
    numbers = {each.name for each in model.inputs if _is_number(each) and not as_text}
    typed = [
        pa.field(each.name, pa.float64()) if each.name in numbers and pa.types.is_string(each.type) else each
        for each in columns
    ]
    return pa.schema([*typed, *((name, pa.float64()) for name in (column, *bounds))])


def _is_number(column: ModelInput) -> bool:
    return isinstance(column, NumberInput) or (isinstance(column, ColumnInput) and column.holds == "number")


def stamped_columns(columns: pa.Schema) -> pa.Schema:
    """Return columns with those of `STAMP` behind them.

    Raises:
        BadTable: one of these is there already.
    """
    for name in STAMP.names:
        if name in columns.names:
            raise BadTable(f"`stamp` adds a column {quoted(name)}, and there is one already; rename it")
    return pa.schema([*columns, *STAMP])


def stamped(rows: pa.RecordBatch, stamp: Stamp) -> pa.RecordBatch:
    """Return rows that say by which run's model they were predicted, and when."""
    added = [
        pa.repeat(pa.scalar(value, field.type), rows.num_rows)
        for field, value in zip(STAMP, (stamp.run, stamp.time), strict=True)
    ]
    return pa.RecordBatch.from_arrays([*rows.columns, *added], schema=pa.schema([*rows.schema, *STAMP]))


def scored(
    model: LinearModel,
    looks: Sequence[Preview],
    columns: pa.Schema,
    out: pa.Schema,
    warn: Collection[str] = (),
    interval: Interval | None = None,
    sample: RowSample | None = None,
) -> Iterator[tuple[pa.RecordBatch, Predicted] | Violation]:
    """Yield all rows in their order, with their predictions, null where there is none; and what was left out.

    Args:
        model: the formula.
        looks: the files, looked at.
        columns: what `columns_of` says of them.
        out: what `scored_columns` makes of it.
        warn: rules whose breach is a warning.
        interval: whose bounds stand beside the predictions.
        sample: keeps some of the rows, as far as the model uses them.

    Raises:
        BadTable: a file is damaged, or a value cannot be used, or may have two meanings.
    """
    types = dict(zip(columns.names, columns.types, strict=True))
    raise_on_errors(_first_doubts(looks, model), warn)
    found_points: list[dict[str, Summary]] = []
    for look in looks:
        start, late = 0, dict[str, Summary]()
        try:
            for rows in batches(look, types):
                used = inputs(model, rows, start, look, warn)
                late = merged(late, _late_points(model, rows, used, start, look))
                predicted = predict(model, _sampled(used, sample), interval)
                kept = [_kept(column, field, used) for column, field in zip(rows.columns, out, strict=False)]
                found = (predicted.values, *predicted.bounds)
                values = [pa.array(each, mask=np.isnan(each)) for each in found]
                yield pa.RecordBatch.from_arrays([*kept, *values], schema=out), predicted
                start += rows.num_rows
        except BadTable as error:
            yield from raise_on_errors(error.violations, warn)
        found_points.append(late)
    yield from raise_on_errors(_late_doubts(looks, found_points), warn)


def _first_doubts(looks: Sequence[Preview], model: LinearModel) -> Iterator[Violation]:
    """Yield the numbers of two meanings among the files' first rows; those of `column_notes` that are no mere notes."""
    needed = {column.name for column in model.inputs if _is_number(column)}
    for look in looks:
        for finding in look.written.findings:
            if finding.rule == "ambiguous-numbers" and finding.column in needed:
                yield replace(finding, file=look.member.name)


def _late_points(
    model: LinearModel, rows: pa.RecordBatch, used: Mapping[str, pa.Array], start: int, look: Preview
) -> dict[str, Summary]:
    """Summarize the columns of whole numbers below a thousand in which a point may come that says not what it means."""
    unsettled = look.written.numerals.unsettled if look.is_text else frozenset()
    return {
        column.name: with_points(
            summarize_numbers(numbers(used[column.name]), start), rows.column(column.name), start
        )
        for column in model.inputs
        if _is_number(column) and column.name in unsettled
    }


def _late_doubts(looks: Sequence[Preview], found: Sequence[Mapping[str, Summary]]) -> Iterator[Violation]:
    """Yield the numbers of two meanings below a file's first rows, as `ingest` does."""
    files = [
        (look.member.name if len(looks) > 1 else None, late) for look, late in zip(looks, found, strict=True)
    ]
    names = list(dict.fromkeys(name for late in found for name in late))
    for name in names:
        yield from grouped_numbers(files, name, names)


def _sampled(used: dict[str, pa.Array], sample: RowSample | None) -> dict[str, pa.Array]:
    if sample:
        sample.add(used)
    return used


def _kept(column: pa.Array, field: pa.Field, used: Mapping[str, pa.Array]) -> pa.Array:
    if column.type == field.type:
        return column
    return used[field.name] if field.type == pa.float64() and field.name in used else column.cast(field.type)


def scoring_notes(account: Account) -> Iterator[str]:
    """Say which rows have no prediction and why, what was filled in, and which levels no training row has."""
    lost = account.rows - account.predicted
    if lost:
        yield f"{counted(lost, 'row')} without a prediction: {'; '.join(_reasons(account))}"
    for name, count in account.filled.items():
        values = counted(count, "missing value")
        yield f"column {quoted(name)}: {values} replaced by the training rows' mean, as in the run"
    for name, levels in account.unknown.items():
        yield from unknown_levels(name, (), levels, "row")
    yield from map(str, account.skipped)


def _columns(seen: Preview) -> pa.Schema:
    """Return a file's columns but for those that share a name."""
    stored = seen.stored or pa.schema([])
    return pa.schema(
        [
            (column.name, pa.string() if seen.is_text else column.type)
            for column in stored
            if stored.names.count(column.name) == 1
        ]
    )


def _bounded(known: Counter[str], more: Counter[str]) -> Counter[str]:
    """Add counts; of levels beyond so many only the sum."""
    total = Counter(known)
    for level, count in more.items():
        total[level if level in total or len(total) < MOST_LEVELS else OTHERS] += count
    return total


def _reasons(account: Account) -> Iterator[str]:
    for name, count in account.missing.items():
        yield f"column {quoted(name)} misses {counted(count, 'value')}, and the model has no mean for it"
    for name, count in account.infinite.items():
        yield f"column {quoted(name)} has {counted(count, 'infinite value')}"
    for label, count in account.beyond.items():
        yield f"term {quoted(label)} has no value in {counted(count, 'row')}"
    if not (account.missing or account.infinite or account.beyond):
        yield "the sum is beyond all bounds"
