"""Judge a whole table by the summaries of its files: every rule that its values are held to, all findings together."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.table.errors import Violation, counted, quoted
from tasks.table.levels import MOST_LEVELS
from tasks.table.numerals import evidence
from tasks.table.summary import Summary
from tasks.table.terms.design import Terms, term_columns

Matrix = npt.NDArray[np.float64]
# Of each file, in their order, its name (None where there is only one) and the summaries of its columns.
Files = Sequence[tuple[str | None, Mapping[str, Summary]]]

_COPIED = 1 - 1e-12
_LARGEST = 1e140  # whose square, times as many rows as there can be, float64 holds
_FEWEST_FOR_CORRELATION = 3
# Pairs of features on one line that are named one by one.
_MOST_PAIRS = 20


@dataclass(frozen=True, slots=True)
class TableSummary:
    """What is known of a table once all of its rows were read.

    `scatter` has the centred sums of products (k, k) of the `paired` rows in which all k numeric columns have a value,
    the target last, or is None where they cannot be had.
    """

    features: tuple[str, ...]
    target: str
    categorical: tuple[str, ...]
    files: Files
    # Rows that can be used.
    rows: int
    paired: int = 0
    scatter: Matrix | None = None
    dates: tuple[str, ...] = ()
    # Terms, the columns that are in them alone, and for each of the files what functions gave, by name.
    terms: Terms | None = None
    within: tuple[str, ...] = ()
    computed: Sequence[tuple[str | None, Mapping[str, Summary]]] = ()

    @property
    def read(self) -> int:
        """Rows that there are."""
        return self.total(self.target, "rows")

    def parameters(self, *, pools: bool) -> int:
        """Weights and bias to be fitted: a weight for each number, and for each level of a category but the first.

        At least so many: how many months dates have is not known yet, nor which levels stay where rare ones are pooled.
        """
        plain = [name for name in self.features if name not in self.within]
        categorical = [name for name in plain if name in self.categorical]
        weights = len(plain) - len(categorical)
        weights += 0 if pools else sum(max(0, len(_levels(self, name)) - 1) for name in categorical)
        if self.terms is None:
            return 1 + weights
        by_label = {
            each.label: 1 if pools else len(_levels(self, each.column)) or 1 for each in self.terms.by_level
        }
        return 1 + weights + term_columns(self.terms, by_label)

    def total(self, name: str, field: str) -> int:
        """Add up a count of a column's summaries over the files."""
        return int(sum(_each(self, name, field)))

    def range(self, name: str) -> tuple[float, float] | tuple[None, None]:
        """Return the lowest and the highest of a column's numbers; None of categories, and where there are none."""
        lowest, highest = min(_each(self, name, "lowest")), max(_each(self, name, "highest"))
        return (lowest, highest) if lowest <= highest else (None, None)

    @property
    def numeric(self) -> tuple[str, ...]:
        """The columns of numbers, the target last."""
        others = {*self.categorical, *self.dates}
        return tuple(name for name in (*self.features, self.target) if name not in others)


def findings(
    table: TableSummary, *, missing: str, warn: Collection[str] = (), pools: bool = False
) -> Iterator[Violation]:
    """Find what no fit can use, and what is useless but harmless; `errors.raise_on_errors` tells the two apart.

    Args:
        table: all there is to know.
        missing: what to do with missing values in features: `error`, or they are no finding.
        warn: rules whose breach is a warning; the rows in question are dropped.
        pools: whether rare levels will be pooled, so that there may be many.
    """
    unusable = [each for name in (*table.features, table.target) for each in _unusable(table, name, missing)]
    unusable += _uncomputable(table)
    if not pools:
        unusable += [each for name in table.features for each in _crowded(table, name)]
    yield from unusable
    is_dropped = all(each.rule in warn for each in unusable)
    yield from _too_few(table.rows if is_dropped else table.read, table, pools=pools)
    yield from _constant(table)
    yield from _pairs(table)


def logarithm_findings(table: TableSummary) -> Iterator[Violation]:
    """Find a target that has no logarithm in some row."""
    lowest, _ = table.range(table.target)
    if lowest is not None and lowest <= 0:
        yield Violation(
            "unusable-column",
            f"`log_target`: column {quoted(table.target)} has values down to {lowest:g}, which have no logarithm",
            "correct or remove those rows, or leave `log_target` out",
            column=table.target,
            value=f"{lowest:g}",
        )


def weight_findings(table: TableSummary, name: str, *, missing: str) -> Iterator[Violation]:
    """Find what no row can count by in the column of weights."""
    kinds = [
        ("negative", "negative value", "correct or remove those rows; a weight of 0 leaves a row out"),
        ("infinite", "infinite value", "correct or remove those rows"),
        ("text", "text cell", "write numbers, or name another column"),
    ]
    if missing != "drop":
        kinds.append(("missing", "missing value", "fill them in, or set `missing` to drop"))
    for kind, noun, remedy in kinds:
        if total := table.total(name, kind):
            file, row, found = _first(table.files, name, f"first_{kind}")
            value = getattr(found, f"first_{kind}_value", None)
            said = f"{value:g}" if isinstance(value, float) else quoted(value) if value else ""
            yield Violation(
                "unusable-column",
                f"column {quoted(name)} of `weights` has {counted(total, noun)}, first {f'{said} ' if said else ''}"
                f"{_at(file, row, first=False)}",
                remedy,
                column=name,
                count=total,
                row=row,
                file=file,
                value=said or None,
            )


def _unusable(table: TableSummary, name: str, missing: str) -> Iterator[Violation]:
    total = table.total(name, "missing")
    is_target = name == table.target
    if total and total == table.total(name, "rows"):
        yield Violation(
            "unusable-column",
            f"column {quoted(name)} is empty, no row has a value",
            "fill it in, or choose other columns" if is_target else "fill it in, or `exclude` it",
            column=name,
            count=total,
        )
    elif total and (missing == "error" or (is_target and missing == "mean")):
        yield _missing(table, name, total, can_be_filled=missing == "mean")
    yield from _undated(table, name) if name in table.dates else _text(table, name)
    if table.total(name, "grouped"):  # rarely; what follows looks at every column of every file
        yield from grouped_numbers(table.files, name, table.numeric)
    yield from _shortened(table, name)
    yield from _infinite(table, name)
    yield from _unsquarable(table, name)


def _crowded(table: TableSummary, name: str) -> Iterator[Violation]:
    if len(_levels(table, name)) > MOST_LEVELS:
        yield Violation(
            "unusable-column",
            f"column {quoted(name)} has more than {MOST_LEVELS:,} levels",
            "pool the rare ones with `min_frequency`, or `exclude` it",
            column=name,
        )


def _infinite(table: TableSummary, name: str) -> Iterator[Violation]:
    if total := table.total(name, "infinite"):
        file, row, _ = _first(table.files, name, "first_infinite")
        yield Violation(
            "infinite-values",
            f"column {quoted(name)} has {counted(total, 'infinite value')}, {_at(file, row)}",
            f"correct or remove {_those(total)}",
            column=name,
            count=total,
            row=row,
            file=file,
        )


def _unsquarable(table: TableSummary, name: str) -> Iterator[Violation]:
    """Find a column whose squares, or those of its differences, leave the range of float64."""
    lowest, highest = table.range(name)
    if lowest is None or highest is None:
        return
    size, spread = max(abs(lowest), abs(highest)), highest - lowest
    if size > _LARGEST:
        what = f"has values of up to {size:.3g}, too large to square"
    elif 0 < spread < 1 / _LARGEST:
        what = f"has values that differ by {spread:.3g} at most, too little to square"
    else:
        return
    yield Violation(
        "unusable-column", f"column {quoted(name)} {what}", "give it in another unit", column=name
    )


def _missing(table: TableSummary, name: str, total: int, *, can_be_filled: bool) -> Violation:
    is_target = name == table.target
    file, row, _ = _first(table.files, name, "first_missing")
    word = next((each for _, files in table.files if (each := files[name].missing_word)), "")
    kind = f"cells such as {quoted(word)} are taken for it" if word else "empty or NaN"
    remedy = f"fill in or remove {_those(total)}" + (", or set `na_values`" if word else "")
    return Violation(
        "missing-target" if is_target else "missing-values",
        f"column {quoted(name)} has {counted(total, 'missing value')} ({kind}), {_at(file, row)}",
        remedy if can_be_filled else f"{remedy}, or set `missing`",
        column=name,
        count=total,
        row=row,
        file=file,
    )


def _text(table: TableSummary, name: str) -> Iterator[Violation]:
    total = table.total(name, "text")
    if total:
        file, row, found = _first(table.files, name, "first_text")
        cells = f"{counted(total, 'text cell')} in {counted(table.total(name, 'rows'), 'row')}"
        yield Violation(
            "text-in-numbers",
            f"column {quoted(name)} has {cells}, first {quoted(found.first_text_value)} {_at(file, row, first=False)}",
            _remedy(table, name, total),
            column=name,
            count=total,
            row=row,
            file=file,
            value=found.first_text_value,
        )
    elif any(summaries[name].stored_as_text for _, summaries in table.files):
        yield Violation(
            "text-in-numbers",
            f"column {quoted(name)} stores its numbers as text",
            "convert it to a numeric type",
            column=name,
        )


def _undated(table: TableSummary, name: str) -> Iterator[Violation]:
    if total := table.total(name, "text"):
        file, row, found = _first(table.files, name, "first_text")
        yield Violation(
            "unreadable-dates",
            f"column {quoted(name)} has {counted(total, 'cell')} that hold no date, first "
            f"{quoted(found.first_text_value)} {_at(file, row, first=False)}",
            "write dates as 2024-02-13, or set `dates_format`",
            column=name,
            count=total,
            row=row,
            file=file,
            value=found.first_text_value,
        )


def _uncomputable(table: TableSummary) -> Iterator[Violation]:
    """Find the rows in which a function of a term has no value, as the logarithm of a negative number."""
    for label in table.computed[0][1] if table.computed else ():
        each = [(file, summaries[label]) for file, summaries in table.computed]
        if total := sum(found.infinite for _, found in each):
            file, first = next((file, found) for file, found in each if found.infinite)
            row = first.first_infinite or 0
            yield Violation(
                "uncomputable-terms",
                f"term {quoted(label)} has no value in {counted(total, 'row')}, {_at(file, row)}, where "
                f"{first.first_text_value}",
                f"correct or remove {_those(total)}, or choose another function",
                column=label,
                count=total,
                row=row,
                file=file,
                value=first.first_text_value,
            )


def grouped_numbers(files: Files, name: str, numeric: Sequence[str]) -> Iterator[Violation]:
    """Find a point that may stand between thousands, below the rows by which a file's notation was settled.

    Args:
        files: the summaries of all files.
        name: the column in question.
        numeric: all columns of numbers: a fraction in any of them says what a point means.
    """
    found = [summaries[name] for _, summaries in files if name in summaries]
    total = sum(each.grouped for each in found)
    size = max((abs(end) for each in found if each.usable for end in (each.lowest, each.highest)), default=0)
    has_fractions = any(
        summaries[each].fractions for _, summaries in files for each in numeric if each in summaries
    )
    if total and size < 1000 and not has_fractions:
        file, row, first = _first(files, name, "first_grouped")
        yield Violation(
            "ambiguous-numbers",
            f"column {quoted(name)} has {quoted(first.first_grouped_value)} {_at(file, row, first=False)} "
            "beside whole numbers: '.' may stand between thousands or before decimals",
            "set `thousands` to '.' or `decimal` to '.'",
            column=name,
            count=total,
            row=row,
            file=file,
            value=first.first_grouped_value,
        )


def _shortened(table: TableSummary, name: str) -> Iterator[Violation]:
    total = table.total(name, "shortened")
    if total:
        yield Violation(
            "detected",
            f"column {quoted(name)}: {counted(total, 'cell')} such as 3.0 read as 3, one level",
            "write them one way",
            column=name,
            count=total,
        )


def _remedy(table: TableSummary, name: str, total: int) -> str:
    if table.total(name, "foreign"):
        _, _, found = _first(table.files, name, "first_text")
        setting = "decimal" if evidence([found.first_text_value.strip()], ",").fraction else "thousands"
        return f"write numbers with one decimal sign and without separators, or set `{setting}`"
    if 2 * total < table.total(name, "rows"):
        return "correct those cells or remove their rows"
    return "add it to `categorical`, encode it as numbers, or choose other columns"


def _too_few(rows: int, table: TableSummary, *, pools: bool) -> Iterator[Violation]:
    parameters = table.parameters(pools=pools)
    if table.read == 0:
        yield Violation("too-few-rows", "the table has no rows", "add some below the column names", count=0)
    elif rows < parameters:
        left = " without a missing value" if rows < table.read else ""
        useless = next((name for name in table.numeric if not _usable(table, name)), None)
        yield Violation(
            "too-few-rows",
            f"{counted(rows, 'row')}{left} cannot determine {counted(parameters, 'parameter')}"
            + (f", as column {quoted(useless)} has no number in any row" if useless else ""),
            f"`exclude` {quoted(useless)}"
            if useless
            else f"add {counted(parameters - rows, 'row')} or use fewer `features`",
            count=rows,
        )
    elif rows == parameters:
        yield Violation(
            "exact-fit",
            f"{counted(rows, 'row')} for as many parameters: an exact fit without standard errors",
            "add rows",
            count=rows,
        )


def _constant(table: TableSummary) -> Iterator[Violation]:
    for name in (*table.features, table.target):
        lowest, highest = (
            float(pick(_each(table, name, end))) for pick, end in ((min, "lowest"), (max, "highest"))
        )
        levels = _levels(table, name)
        if not (lowest == highest or len(levels) == 1) or _usable(table, name) < 2:
            continue
        value = f"{lowest:g}" if lowest == highest else quoted(next(iter(levels)))
        if name == table.target:
            yield Violation(
                "constant-target",
                f"`target` {quoted(name)} is {value} in every row",
                "choose a column that varies",
                column=name,
                value=value,
            )
        else:
            yield Violation(
                "constant-columns",
                f"feature {quoted(name)} is {value} in every row",
                "it tells nothing",
                column=name,
                value=value,
            )


def _pairs(table: TableSummary) -> Iterator[Violation]:
    """Find features that determine the target, or each other, alone.

    A sole feature on an exact line may well be meant (a first try, a change of units) and is only a warning,
    unless it equals the target value for value.
    """
    if table.scatter is None or table.paired < _FEWEST_FOR_CORRELATION:
        return
    r = correlations(table.scatter)
    names = table.numeric
    for at in np.flatnonzero(np.abs(r[-1, :-1]) > _COPIED).tolist():
        feature, target = names[at], names[-1]
        if len(table.features) > 1 or _equal(table, at, -1):
            yield Violation(
                "copied-target",
                f"feature {quoted(feature)} copies the target {quoted(target)} (r = {r[-1, at]:+.0f})",
                "drop it",
                column=feature,
            )
        else:
            yield Violation(
                "exact-fit",
                f"feature {quoted(feature)} determines the target {quoted(target)} exactly",
                "the errors say nothing",
                column=feature,
            )
    pairs = np.argwhere(np.triu(np.abs(r[:-1, :-1]) > _COPIED, k=1)).tolist()
    for a, b in pairs[:_MOST_PAIRS]:
        same = "equals" if _equal(table, a, b) else f"lies on a line with (r = {r[a, b]:+.0f})"
        yield Violation(
            "duplicate-columns",
            f"feature {quoted(names[b])} {same} {quoted(names[a])}",
            "`exclude` one of them: their weights cannot be told apart",
            column=names[b],
        )
    if len(pairs) > _MOST_PAIRS:
        yield Violation(
            "duplicate-columns",
            f"{len(pairs) - _MOST_PAIRS:,} more pairs of features lie on a line",
            "`exclude` one of each pair",
            count=len(pairs) - _MOST_PAIRS,
        )


def correlations(scatter: Matrix) -> Matrix:
    """Turn centred sums of products (k, k) into Pearson's r (k, k); 0 where a column is constant."""
    deviation = np.sqrt(np.maximum(np.diag(scatter), 0))
    scale = np.where(deviation > 0, deviation, np.inf)
    return np.asarray(scatter / scale[:, None] / scale, dtype=np.float64)


def _equal(table: TableSummary, a: int, b: int) -> bool:
    """Say whether two columns on a line with r = 1 hold the same values, as their spread and range show."""
    assert_scatter = table.scatter
    names = table.numeric
    ranges = [
        [min(_each(table, names[at], "lowest")), max(_each(table, names[at], "highest"))] for at in (a, b)
    ]
    return (
        assert_scatter is not None
        and ranges[0] == ranges[1]
        and bool(assert_scatter[a, b] > 0)
        and bool(np.isclose(assert_scatter[a, a], assert_scatter[b, b], rtol=1e-12, atol=0))
    )


def _each(table: TableSummary, name: str, field: str) -> list[float]:
    return [getattr(summaries[name], field) for _, summaries in table.files]


def _usable(table: TableSummary, name: str) -> int:
    return sum(summaries[name].usable for _, summaries in table.files)


def _levels(table: TableSummary, name: str) -> frozenset[str]:
    return frozenset().union(*(summaries[name].levels for _, summaries in table.files))


def _first(files: Files, name: str, field: str) -> tuple[str | None, int, Summary]:
    """Return the file and the row of the first cell of a kind, and the summary that tells of it."""
    return next(
        (file, row, summaries[name])
        for file, summaries in files
        if name in summaries and (row := getattr(summaries[name], field)) is not None
    )


def _at(file: str | None, row: int, *, first: bool = True) -> str:
    where = f"in row {row:,}" + (f" of {quoted(file)}" if file else "")
    return f"first {where}" if first else where


def _those(count: int) -> str:
    return "that row" if count == 1 else "those rows"
