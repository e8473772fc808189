"""What a column's values are like: a function of one part of the rows, and a merge in any order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tasks.table.levels import MOST_LEVELS


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts and finite range of the n cells of a column in one file.

    A cell is missing, or text where a number should be, or infinite, or usable; the first one of each kind that
    cannot be used is numbered from 1, None where there is none. Of categories the levels stand in for the range.
    """

    rows: int = 0
    missing: int = 0
    first_missing: int | None = None
    # The first cell that was taken for a missing value, where it is not empty.
    missing_word: str = ""
    # Cells of a category such as 3.0 that were read as 3.
    shortened: int = 0
    text: int = 0
    first_text: int | None = None
    first_text_value: str = ""
    # Of the text cells, those that are numbers in another country's way of writing.
    foreign: int = 0
    # Cells such as 6.953, and those with another kind of fraction, where nothing says what a point means.
    grouped: int = 0
    first_grouped: int | None = None
    first_grouped_value: str = ""
    fractions: int = 0
    infinite: int = 0
    first_infinite: int | None = None
    lowest: float = np.inf
    highest: float = -np.inf
    levels: frozenset[str] = frozenset()
    stored_as_text: bool = False
    # Of weights: those below zero, and those of zero.
    negative: int = 0
    first_negative: int | None = None
    first_negative_value: float = 0.0
    zeros: int = 0

    @property
    def usable(self) -> int:
        """How many values can be used."""
        return self.rows - self.missing - self.text - self.infinite

    @property
    def constant(self) -> bool:
        """Whether every usable value is the same (and there is one)."""
        return self.lowest == self.highest or len(self.levels) == 1


def merge(a: Summary, b: Summary) -> Summary:
    """Combine the summaries of two parts of a file; exact, and the same in any order."""
    first_text = _first(a.first_text, b.first_text)
    first_grouped = _first(a.first_grouped, b.first_grouped)
    first_negative = _first(a.first_negative, b.first_negative)
    return Summary(
        rows=a.rows + b.rows,
        missing=a.missing + b.missing,
        first_missing=_first(a.first_missing, b.first_missing),
        missing_word=a.missing_word or b.missing_word,
        shortened=a.shortened + b.shortened,
        text=a.text + b.text,
        first_text=first_text,
        first_text_value=(a if a.first_text == first_text else b).first_text_value,
        foreign=a.foreign + b.foreign,
        grouped=a.grouped + b.grouped,
        first_grouped=first_grouped,
        first_grouped_value=(a if a.first_grouped == first_grouped else b).first_grouped_value,
        fractions=a.fractions + b.fractions,
        infinite=a.infinite + b.infinite,
        first_infinite=_first(a.first_infinite, b.first_infinite),
        lowest=min(a.lowest, b.lowest),
        highest=max(a.highest, b.highest),
        levels=_bounded(a.levels | b.levels),
        stored_as_text=a.stored_as_text or b.stored_as_text,
        negative=a.negative + b.negative,
        first_negative=first_negative,
        first_negative_value=(a if a.first_negative == first_negative else b).first_negative_value,
        zeros=a.zeros + b.zeros,
    )


def summarize_numbers(values: npt.NDArray[np.float64], start: int = 0) -> Summary:
    """Summarize the values (n,) of one part, of which `start` rows come before; NaN is a missing value."""
    missing, infinite = np.isnan(values), np.isinf(values)
    finite = values if not (missing.any() or infinite.any()) else values[~(missing | infinite)]
    return Summary(
        rows=len(values),
        missing=int(np.count_nonzero(missing)),
        first_missing=place(missing, start),
        infinite=int(np.count_nonzero(infinite)),
        first_infinite=place(infinite, start),
        lowest=float(finite.min(initial=np.inf)),
        highest=float(finite.max(initial=-np.inf)),
    )


def summarize_levels(column: pa.StringArray, start: int = 0) -> Summary:
    """Summarize the categories of one part."""
    missing = np.asarray(pc.is_null(column))
    levels = frozenset(level for level in pc.unique(column).to_pylist() if level is not None)
    return Summary(
        rows=len(column),
        missing=column.null_count,
        first_missing=place(missing, start),
        levels=_bounded(levels),
    )


def place(found: npt.NDArray[np.bool_], start: int) -> int | None:
    """Return the number, from 1, of the first row for which `found` (n,) holds, of which `start` rows come before."""
    return start + int(np.argmax(found)) + 1 if found.any() else None


def numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """Convert a numeric column of n rows to float64 of shape (n,), nulls to NaN."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def _bounded(levels: frozenset[str]) -> frozenset[str]:
    """Keep the first levels in the order of the alphabet: the same ones, whatever the parts."""
    return levels if len(levels) <= MOST_LEVELS + 1 else frozenset(sorted(levels)[: MOST_LEVELS + 1])


def _first(a: int | None, b: int | None) -> int | None:
    return min((row for row in (a, b) if row is not None), default=None)
