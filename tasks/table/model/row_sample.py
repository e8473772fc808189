"""A random sample of rows that come some at a time, however many there will be."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa


class RowSample:
    """Keeps some rows, every set of them equally likely: each row draws a number, and the smallest stay."""

    def __init__(self, most: int, seed: int = 0) -> None:
        """Begin to keep at most so many rows."""
        self._most = most
        self._rng = np.random.default_rng(seed)
        self._numbers = np.empty(0)
        self._rows: pa.Table | None = None

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Look at further rows, by name the same columns each time."""
        added = pa.table(dict(columns))
        drawn = self._rng.random(added.num_rows)
        if len(self._numbers) == self._most:
            small = drawn < self._numbers.max()  # later on nearly none
            added, drawn = added.filter(pa.array(small)), drawn[small]
        rows = pa.concat_tables([*([self._rows] if self._rows else []), added])
        numbers = np.concatenate([self._numbers, drawn])
        kept = np.sort(np.argsort(numbers)[: self._most])
        self._numbers, self._rows = numbers[kept], rows.take(pa.array(kept)).combine_chunks()

    @property
    def rows(self) -> pa.Table:
        """The rows that are kept, in their order; without columns if there were none."""
        return pa.table({}) if self._rows is None else self._rows
