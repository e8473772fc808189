"""Which rows belong together: those of a group or a day, as the split has it, are no independent evidence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds
from numpy.typing import NDArray

from tasks.table.columns import is_text

# What follows the day in a time that is text.
TIME_OF_DAY = r"[ T].*$"


@dataclass
class UnitSums:
    """Sums of a number over the rows of each unit, gathered batch by batch."""

    by: Sequence[str]
    by_day: bool = False
    _sums: dict[tuple[object, ...], list[float]] = field(default_factory=dict)

    def add(
        self,
        rows: Mapping[str, pa.ChunkedArray],
        values: NDArray[np.float64],
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Add the values (m,) of m rows, whose columns named in `by` say which unit they belong to.

        Rows count as one each, or by weights (m,), by which the values are multiplied already.
        """
        names = [f"unit {place}" for place in range(len(self.by))]
        keys = [_unit(rows[name], by_day=self.by_day) for name in self.by]
        counts = np.ones_like(values) if weights is None else weights
        table = pa.table([*keys, pa.array(values), pa.array(counts)], names=[*names, "value", "count"])
        found = table.group_by(names).aggregate([("value", "sum"), ("count", "sum")])
        columns = [found[name].to_pylist() for name in names]
        for *key, total, count in zip(
            *columns, found["value_sum"].to_pylist(), found["count_sum"].to_pylist(), strict=True
        ):
            sums = self._sums.setdefault(tuple(key), [0.0, 0.0])
            sums[0] += total
            sums[1] += count

    def arrays(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sums (u,) and the rows, or their weights, (u,) of the units."""
        both = np.array(list(self._sums.values()), np.float64).reshape(-1, 2)
        return both[:, 0], both[:, 1]


def _unit(column: pa.ChunkedArray, *, by_day: bool) -> pa.Array | pa.ChunkedArray:
    """Return what rows of one unit have in common, as text; numbers that stand for times are units each."""
    if by_day and kinds.is_timestamp(column.type):
        return column.cast(pa.date32(), safe=False).cast(pa.string())
    text = column.cast(pa.string())
    return pc.replace_substring_regex(text, TIME_OF_DAY, "") if by_day and is_text(column.type) else text
