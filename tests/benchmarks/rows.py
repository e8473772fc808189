"""Rows to train on: standard normal float32 features and a linear target with noise, in memory and in files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.neuron.parts import Batch, MemoryPart, Part
from tasks.outputs.parts import RowsPart
from tasks.store.parts import ParquetPart, part_count, part_name, write_part

Table = NDArray[np.float32]


class Source(Protocol):
    """Where contenders find the rows."""

    def parts(self, rows: int) -> Sequence[Part]:
        """Return about the first `rows` rows as our training takes them."""

    def tables(self, rows: int) -> Iterator[tuple[Table, Table]]:
        """Yield the same rows as features (m, d), row by row in memory, and targets (m,)."""


@dataclass(frozen=True)
class Held:
    """Rows in memory, by column and by row, so that nobody has to turn them."""

    columns: Sequence[Table]

    @cached_property
    def features(self) -> Table:
        """Return the features (n, d)."""
        return np.ascontiguousarray(np.stack(self.columns[:-1]).T)

    def parts(self, rows: int) -> list[MemoryPart]:
        """Return one part."""
        *features, target = self.columns
        return [MemoryPart(Batch(features, target).cut(0, rows))]

    def tables(self, rows: int) -> Iterator[tuple[Table, Table]]:
        """Yield all at once."""
        yield self.features[:rows], self.columns[-1][:rows]


@dataclass(frozen=True)
class Filed:
    """Rows in Parquet files, as `split` leaves them."""

    folder: Path

    @cached_property
    def shards(self) -> list[RowsPart]:
        """Return all files."""
        return [RowsPart(ParquetPart(path)) for path in sorted(self.folder.glob("*.parquet"))]

    def parts(self, rows: int) -> list[RowsPart]:
        """Return as many files as hold so many rows."""
        found, left = [], rows
        for shard in self.shards:
            if left <= 0:
                break
            found.append(shard)
            left -= shard.rows
        return found

    def tables(self, rows: int) -> Iterator[tuple[Table, Table]]:
        """Yield what our own reader reads at once, turned."""
        left = rows
        for shard in self.parts(rows):
            for batch in shard.batches():
                count = min(left, batch.rows)
                if count <= 0:
                    return
                left -= count
                yield np.stack([column[:count] for column in batch.features], axis=1), batch.target[:count]


def drawn(rows: int, features: int, rng: np.random.Generator) -> list[Table]:
    """Draw d features and the target y = Σ j·xⱼ / d + 5 + noise of one, (rows,) each."""
    columns = [rng.standard_normal(rows, dtype=np.float32) for _ in range(features)]
    target = rng.standard_normal(rows, dtype=np.float32)
    target += 5
    for j, column in enumerate(columns, start=1):
        target += np.float32(j / features) * column
    return [*columns, target]


def truth(features: int) -> NDArray[Any]:
    """Return the weights (d,) behind the target."""
    return np.arange(1, features + 1) / features


def write(folder: Path, rows: int, features: int) -> Filed:
    """Draw and write a table in as many parts as `split` would make of it."""
    count = part_count(rows, features + 1)
    names = [*(f"x{j}" for j in range(features)), "y"]
    for number in range(count):
        some = rows * (number + 1) // count - rows * number // count
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(number,)))
        write_part(folder / part_name("train", number), pa.table(drawn(some, features, rng), names=names))
    return Filed(folder)


def write_plain(folder: Path, rows: int, features: int, files: int) -> None:
    """Draw and write a table as a user might: by pyarrow's defaults, in so many files."""
    names = [*(f"x{j}" for j in range(features)), "y"]
    for number in range(files):
        some = rows * (number + 1) // files - rows * number // files
        rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(number,)))
        table = pa.table(drawn(some, features, rng), names=names)
        pq.write_table(table, folder / f"rows-{number:03}.parquet")
