"""The two formats between stages: npz for plain arrays, Parquet for named columns. Nothing is ever unpickled."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.store.syntax_trees import asked_again


def write_npz(place: Path | BinaryIO, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write named arrays; the bytes depend on the arrays alone."""
    np.savez(place, **dict(arrays))  # type: ignore[arg-type]  # the stub takes `allow_pickle` for one of the arrays


def read_npz(place: Path | BinaryIO) -> dict[str, NDArray[np.generic]]:
    """Read named arrays back.

    Raises:
        ValueError: an entry holds Python objects, which are not loaded.
    """
    with np.load(place, allow_pickle=False) as archive:
        return {name: asked_again(partial(archive.__getitem__, name)) for name in archive.files}


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write columns as plain values: random floats neither compress nor repeat, trying to costs 20 times the time."""
    pq.write_table(table, path, use_dictionary=False, compression="none")


def read_parquet(path: Path, columns: list[str] | None = None) -> pa.Table:
    """Read the named columns, or all of them, in the file's order of rows."""
    return pq.read_table(path, columns=columns, memory_map=True, partitioning=None)
