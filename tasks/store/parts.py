"""Large data as a list of parts: Parquet files of a bounded size that are read and written some rows at a time.

A table of one file is `train.parquet`, of several `train-00000.parquet`, `train-00001.parquet` and so on.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.store.artifact import Artifact

# A table with more rows, or more values (512 MiB of float64), is kept in parts; a smaller one is one file, in memory.
MOST_ROWS = 5_000_000
MOST_VALUES = 2**26

# A part has about so many rows, or fewer where these have more values (128 MiB of float64).
PART_ROWS = 2**20
PART_VALUES = 2**24

# Parts of a table at most, since all are open while rows are dealt to them; larger tables have larger parts.
MOST_PARTS = 256

# Rows that are written and read at once, so that a column of them stays in the processor's cache; fewer where they
# have more values.
GROUP_ROWS = 2**16
GROUP_VALUES = 2**20


def is_large(rows: int, columns: int) -> bool:
    """Say whether a table is kept in parts."""
    return rows > MOST_ROWS or rows * columns > MOST_VALUES


def fits_one_part(rows: int, columns: int) -> bool:
    """Say whether a table is so small that its files are made one."""
    return rows <= part_rows(columns)


def part_rows(columns: int) -> int:
    """Return about how many rows a part has."""
    return min(PART_ROWS, PART_VALUES // columns + 1)


def part_count(rows: int, columns: int) -> int:
    """Return in how many parts a large table is kept; at least one."""
    return min(max(1, -(-rows // part_rows(columns))), MOST_PARTS)


def part_name(name: str, number: int) -> str:
    """Name a part's file.

    >>> part_name("train", 7)
    'train-00007.parquet'
    """
    return f"{name}-{number:05}.parquet"


def part_paths(artifact: Artifact, root: Path, name: str) -> list[Path]:
    """Return the files that hold the table called `name`, in order: none, one or many."""
    return [artifact.path(root, file) for file in sorted(artifact.starting_with(name).files)]


def write_part(path: Path, table: pa.Table, *, nullable: bool = False) -> None:
    """Write columns without missing values: declared so, they are read three times as fast.

    With `nullable` a column may hold missing values where the table's schema allows it.
    """
    schema = pa.schema([field.with_nullable(nullable and field.nullable) for field in table.schema])
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    pq.write_table(
        table.cast(schema),
        path,
        use_dictionary=texts or False,
        compression="none",
        row_group_size=_group(len(schema)),
    )


class PartWriter:
    """Writes rows that come some at a time, in their order, as parts.

    A part is written in a thread while the next one comes; so no more than two of them are in memory.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        """Begin parts called `name` in `folder`; `schema` says which columns may hold nulls."""
        self.folder, self.name, self.schema = folder, name, schema
        self.rows = 0
        self.paths: list[Path] = []
        self._held: list[pa.RecordBatch] = []
        self._thread = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None

    def append(self, rows: pa.RecordBatch) -> None:
        """Add rows."""
        self._held.append(rows)
        self.rows += rows.num_rows
        if sum(each.num_rows for each in self._held) >= part_rows(len(self.schema)):
            self._write()

    def finish(self) -> None:
        """Write the rows that are left, and wait for all that is written."""
        if any(each.num_rows for each in self._held):
            self._write()
        self._wait()
        self._thread.shutdown()

    def _write(self) -> None:
        self._wait()
        path = self.folder / part_name(self.name, len(self.paths))
        table = pa.Table.from_batches(self._held, self.schema)
        self._writing = self._thread.submit(write_part, path, table, nullable=True)
        self.paths.append(path)
        self._held = []

    def _wait(self) -> None:
        """Wait for the part that is written, and raise what kept it from being written."""
        if self._writing is not None:
            self._writing.result()
            self._writing = None


def gather(folder: Path, name: str, paths: Sequence[Path], schema: pa.Schema) -> None:
    """Make the files at `paths` one table in `folder`: a single file if they fit one part, else numbered through.

    Parts that lie beside the folder or below, which are drafts too, are moved.
    """
    mine = all(path.is_relative_to(folder.parent) for path in paths)
    if len(paths) == 1 and mine:
        paths[0].rename(folder / f"{name}.parquet")
    elif mine and not fits_one_part(sum(ParquetPart(path).rows for path in paths), len(schema)):
        for number, path in enumerate(paths):
            path.rename(folder / part_name(name, number))
    else:
        tables = [pq.read_table(path, partitioning=None) for path in paths] or [schema.empty_table()]
        pq.write_table(
            pa.concat_tables(tables),
            folder / f"{name}.parquet",
            use_dictionary=False,
            compression="none",
        )


@dataclass(frozen=True, slots=True)
class ParquetPart:
    """One file of columns, read some rows at a time, in constant memory; once dealt, of numbers, none missing."""

    path: Path

    @property
    def rows(self) -> int:
        """Return the number of rows, from the file's footer."""
        return int(pq.read_metadata(self.path).num_rows)

    @property
    def schema(self) -> pa.Schema:
        """Return names and types of the columns, from the file's footer."""
        return pq.read_schema(self.path)

    def tables(
        self, rng: np.random.Generator | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Yield all rows, some at a time, of all columns or some; with `rng` in a random order of the row groups."""
        with pq.ParquetFile(self.path) as file:  # mapped, all of it would count as held
            groups = np.arange(file.num_row_groups)
            if rng is not None:
                rng.shuffle(groups)
            yield from file.iter_batches(
                _group(len(file.schema_arrow)),
                row_groups=groups.tolist(),
                columns=None if columns is None else list(columns),
                use_threads=False,
            )

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Sequence[NDArray[Any]]]:
        """Yield the columns of all rows, some at a time; with `rng` in a random order of the file's row groups."""
        for batch in self.tables(rng):
            yield [column.to_numpy() for column in batch.columns]


def _group(columns: int) -> int:
    return min(GROUP_ROWS, GROUP_VALUES // columns + 1)
