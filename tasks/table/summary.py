"""What a column's values are like: a function of one part of the rows, and a merge in any order."""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and finite range of n rows; the first bad rows are numbered from 1, None if there are none."""

    rows: int = 0
    missing: int = 0
    first_missing: int | None = None
    infinite: int = 0
    first_infinite: int | None = None
    lowest: float = np.inf
    highest: float = -np.inf

    @property
    def finite(self) -> int:
        """How many values can be used."""
        return self.rows - self.missing - self.infinite

    @property
    def constant(self) -> bool:
        """Whether every finite value is the same (and there is one)."""
        return self.lowest == self.highest


def summarize(column: pa.ChunkedArray) -> Summary:
    """Summarize a whole column, chunk by chunk."""
    starts = np.cumsum([0, *(len(chunk) for chunk in column.chunks)])
    parts = (
        summarize_part(numbers(chunk), int(at)) for chunk, at in zip(column.chunks, starts[:-1], strict=True)
    )
    return reduce(merge, parts, Summary())


def summarize_part(values: npt.NDArray[np.float64], start: int = 0) -> Summary:
    """Summarize the values of shape (n,) of one part, of which `start` rows come before."""
    missing, infinite = np.isnan(values), np.isinf(values)
    finite = values[~(missing | infinite)]
    return Summary(
        rows=len(values),
        missing=int(np.count_nonzero(missing)),
        first_missing=start + int(np.argmax(missing)) + 1 if missing.any() else None,
        infinite=int(np.count_nonzero(infinite)),
        first_infinite=start + int(np.argmax(infinite)) + 1 if infinite.any() else None,
        lowest=float(finite.min(initial=np.inf)),
        highest=float(finite.max(initial=-np.inf)),
    )


def merge(a: Summary, b: Summary) -> Summary:
    """Combine the summaries of two parts; exact, and the same in any order."""
    return Summary(
        rows=a.rows + b.rows,
        missing=a.missing + b.missing,
        first_missing=_first(a.first_missing, b.first_missing),
        infinite=a.infinite + b.infinite,
        first_infinite=_first(a.first_infinite, b.first_infinite),
        lowest=min(a.lowest, b.lowest),
        highest=max(a.highest, b.highest),
    )


def numbers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Convert a numeric column of n rows to float64 of shape (n,), nulls to NaN."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _first(a: int | None, b: int | None) -> int | None:
    return min((row for row in (a, b) if row is not None), default=None)
