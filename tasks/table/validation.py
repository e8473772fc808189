"""Refuse what no fit can use, before any training, with all findings together."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.table.columns import Columns, check_names
from tasks.table.errors import BadTable, counted, shown
from tasks.table.summary import Summary, numbers, summarize

Vector = npt.NDArray[np.float64]

_COPIED = 1 - 1e-12
_FEWEST_FOR_CORRELATION = 3


def validate(table: pa.Table, columns: Columns, *, parameters: int) -> tuple[str, ...]:
    """Check the chosen columns of a table of n rows, and return warnings about what is useless but harmless.

    Args:
        table: all columns in `columns`, numeric.
        columns: the features and the target.
        parameters: weights and bias to be fitted.

    Raises:
        BadTable: a missing value, NaN or infinity, a constant target, a feature that copies the target, or
            fewer rows than parameters; with column, count, first row (counted from 1) and remedy.
    """
    check_names(table.column_names, columns.target, columns.features)
    summaries = {name: summarize(table[name]) for name in columns.used}
    errors = [
        *_too_few(table.num_rows, parameters),
        *(finding for name, summary in summaries.items() for finding in _unusable(name, summary)),
        *_constant_target(columns.target, summaries[columns.target]),
    ]
    copies, warnings = _copies(table, columns)
    if errors or copies:
        raise BadTable(*errors, *copies)
    return (*warnings, *_constant_features(columns, summaries), *_exact_fit(table.num_rows, parameters))


def correlation(a: Vector, b: Vector) -> float:
    """Pearson's r of two vectors of shape (n,) over the rows where both are finite; 0 if one is constant.

    Centred and scaled before the products, so that neither a large mean nor a large unit spoils it.
    """
    both = np.isfinite(a) & np.isfinite(b)
    if np.count_nonzero(both) < _FEWEST_FOR_CORRELATION:
        return 0.0
    u, v = _standard(a[both]), _standard(b[both])
    return float(u @ v)


def _standard(values: Vector) -> Vector:
    scaled = values / (np.max(np.abs(values)) or 1.0)
    if scaled.min() == scaled.max():
        return np.zeros_like(scaled)
    centred = scaled - scaled.mean()
    return np.asarray(centred / np.linalg.norm(centred), dtype=np.float64)


def _too_few(rows: int, parameters: int) -> Iterator[str]:
    if rows == 0:
        yield "the table has no rows; add some below the column names"
    elif rows < parameters:
        yield (
            f"{counted(rows, 'row')} cannot determine {counted(parameters, 'parameter')}; "
            f"add {counted(parameters - rows, 'row')} or use fewer `features`"
        )


def _unusable(name: str, summary: Summary) -> Iterator[str]:
    if summary.missing:
        yield (
            f"column {shown(name)} has {counted(summary.missing, 'missing value')} (empty or NaN), "
            f"first in row {summary.first_missing:,}; fill in or remove {_those(summary.missing)}"
        )
    if summary.infinite:
        yield (
            f"column {shown(name)} has {counted(summary.infinite, 'infinite value')}, "
            f"first in row {summary.first_infinite:,}; correct or remove {_those(summary.infinite)}"
        )


def _those(count: int) -> str:
    return "that row" if count == 1 else "those rows"


def _constant_target(name: str, summary: Summary) -> Iterator[str]:
    if summary.constant and summary.finite > 1:
        yield f"`target` {shown(name)} is {summary.lowest:g} in every row; choose a column that varies"


def _constant_features(columns: Columns, summaries: dict[str, Summary]) -> Iterator[str]:
    for name in columns.features:
        if summaries[name].constant:
            yield f"feature {shown(name)} is {summaries[name].lowest:g} in every row; it tells nothing"


def _exact_fit(rows: int, parameters: int) -> Iterator[str]:
    if rows == parameters:
        yield f"{counted(rows, 'row')} for as many parameters: an exact fit without standard errors; add rows"


def _copies(table: pa.Table, columns: Columns) -> tuple[list[str], list[str]]:
    """Find features that determine the target alone, as errors and warnings.

    A sole feature on an exact line may well be meant (a first try, a change of units) and is only a warning,
    unless it equals the target value for value.
    """
    target = numbers(table[columns.target])
    errors, warnings = [], []
    for name in columns.features:
        feature = numbers(table[name])
        r = correlation(feature, target)
        if abs(r) <= _COPIED:
            continue
        if np.array_equal(feature, target) or len(columns.features) > 1:
            errors.append(
                f"feature {shown(name)} copies the target {shown(columns.target)} (r = {r:+.0f}); drop it"
            )
        else:
            warnings.append(f"feature {shown(name)} determines the target {shown(columns.target)} exactly")
    return errors, warnings
