"""What `split` leaves: training and test rows as numbers, in one file each or, where they are many, in several."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.neuron.parts import Batch
from tasks.store.parts import ParquetPart


@dataclass(frozen=True, slots=True)
class RowsPart:
    """A file of encoded rows, as the neuron takes them; in the file the target is the last column."""

    file: ParquetPart

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.file.rows

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield the rows, some at a time; with `rng` in a random order of the file's row groups."""
        for *features, target in self.file.batches(rng):
            yield Batch(features, target)
