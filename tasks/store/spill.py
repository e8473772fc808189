"""Rows on their way to a part: appended to a file for each part, and read back when the part has all of its rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


class Spill:
    """Files of Arrow's streaming format, one for each of `count` parts."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, count: int) -> None:
        """Open the files in `folder`."""
        self.paths = [folder / f"{name}-{number}.arrows" for number in range(count)]
        self.writers = [pa.ipc.new_stream(str(path), schema) for path in self.paths]

    def append(self, rows: pa.Table, numbers: NDArray[np.integer]) -> None:
        """Append each of n rows to the part with its number, `numbers` (n,)."""
        order = np.argsort(numbers, kind="stable")
        ends = np.cumsum(np.bincount(numbers, minlength=len(self.writers)))
        sorted_rows, start = rows.take(pa.array(order)), 0
        for writer, end in zip(self.writers, ends.tolist(), strict=True):
            if end > start:
                writer.write_table(sorted_rows.slice(start, end - start))
            start = end

    def close(self) -> None:
        """Finish writing."""
        for writer in self.writers:
            writer.close()

    def taken(self) -> Iterator[pa.Table]:
        """Yield each part's rows in the order in which they were appended, and drop its file."""
        for path in self.paths:
            with pa.memory_map(str(path)) as source:
                yield pa.ipc.open_stream(source).read_all()
            path.unlink()


@contextmanager
def spilled(folder: Path, name: str, schema: pa.Schema, count: int) -> Iterator[Spill]:
    """Lend files to deal rows to; they are closed at the end."""
    spill = Spill(folder, name, schema, count)
    try:
        yield spill
    finally:
        spill.close()
