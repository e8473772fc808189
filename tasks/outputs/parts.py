"""What `split` leaves: training and test rows as numbers, how they were encoded, and a profile of the training rows.

`train.parquet` and, unless it is empty, `test.parquet`; large data is `train-00000.parquet` and so on. The profile
holds what later stages need to know of all training rows at once, so that none of them reads the rows for it again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa

from tasks.neuron.interleaved import unfilled
from tasks.neuron.parts import Batch, MemoryPart, Part
from tasks.neuron.profile import TableProfile
from tasks.neuron.sandwich import Clusters
from tasks.neuron.workers import spread
from tasks.outputs.facts import Facts
from tasks.outputs.moments import as_arrays, from_arrays
from tasks.outputs.result import Truth
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_npz, write_parquet
from tasks.store.parts import ParquetPart, part_name, part_paths, write_part
from tasks.table.encoding import Encoding

Name = Literal["train", "test"]
TRAIN: Name = "train"
TEST: Name = "test"
ENCODING = "encoding.json"
PROFILE = "profile.npz"
CLUSTERS = "clusters"


class PartsFacts(Facts):
    """What is known of the encoded rows."""

    features: tuple[str, ...]
    target: str
    truth: Truth | None = None


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


def write_rows(folder: Path, name: Name, rows: pa.Table) -> None:
    """Write all rows of a part as one file, in their order."""
    write_parquet(folder / f"{name}.parquet", rows)


def write_rows_part(folder: Path, name: Name, number: int, rows: pa.Table) -> None:
    """Write some of the rows of a part that is large."""
    write_part(folder / part_name(name, number), rows)


def write_clusters(folder: Path, number: int, clusters: pa.ChunkedArray) -> None:
    """Write the clusters (m,) of a part of the training rows, beside it: training does not depend on them."""
    write_parquet(folder / part_name(CLUSTERS, number), pa.table([clusters], names=[CLUSTERS]))


def read_clusters(artifact: Artifact, root: Path) -> Iterator[Clusters]:
    """Yield the clusters of each part of the training rows, in order."""
    for path in part_paths(artifact, root, CLUSTERS):
        found = read_parquet(path).column(0).combine_chunks().dictionary_encode()
        yield Clusters(found.indices.to_numpy(), found.dictionary.to_pylist())


def write_encoding(folder: Path, encoding: Encoding) -> None:
    """Write how columns became numbers."""
    (folder / ENCODING).write_text(encoding.model_dump_json(indent=1), encoding="utf-8")


def write_profile(folder: Path, profile: TableProfile) -> None:
    """Write what is known of all training rows."""
    sample = np.column_stack([profile.sample.matrix, profile.sample.target])
    beside = {"lowest": profile.lowest, "highest": profile.highest, "sample": sample}
    write_npz(folder / PROFILE, as_arrays(profile.moments) | beside)


def held(rows: pa.Table) -> MemoryPart:
    """Return encoded rows in memory as the neuron takes them."""
    *features, target = (column.to_numpy() for column in rows.columns)
    return MemoryPart(Batch(features, target))


def written(folder: Path, name: Name) -> Sequence[Part]:
    """Open the rows of a part that lie in a draft, in order."""
    return [RowsPart(ParquetPart(path)) for path in sorted(folder.glob(f"{name}*.parquet"))]


def training_part(artifact: Artifact) -> Artifact:
    """Return the record of what training may see and depend on: the training rows and their profile."""
    return artifact.only(*artifact.starting_with(TRAIN).files, PROFILE)


def read_facts(artifact: Artifact) -> PartsFacts:
    """Return what is known of the rows."""
    return PartsFacts.of(artifact)


def read_encoding(artifact: Artifact, root: Path) -> Encoding:
    """Return how columns became numbers."""
    return Encoding.model_validate_json(artifact.path(root, ENCODING).read_bytes())


def read_profile(artifact: Artifact, root: Path) -> TableProfile:
    """Return what is known of all training rows."""
    arrays = read_npz(artifact.path(root, PROFILE))
    lowest, highest, sample = (
        np.asarray(arrays[name], np.float64) for name in ("lowest", "highest", "sample")
    )
    return TableProfile(from_arrays(arrays), lowest, highest, Batch([*sample[:, :-1].T], sample[:, -1]))


def read_parts(artifact: Artifact, root: Path, name: Name) -> list[RowsPart]:
    """Open the training or the test rows, in order: no file, one, or many."""
    return [RowsPart(ParquetPart(path)) for path in part_paths(artifact, root, name)]


def read_held(part: RowsPart) -> MemoryPart:
    """Read all rows of a file into memory, the numbers of a row side by side."""
    types = [np.dtype(field.type.to_pandas_dtype()) for field in part.file.schema]
    rows = unfilled(part.rows, types)

    def put(placed: tuple[int, Batch]) -> None:
        start, batch = placed
        rows.put(start, batch.columns)

    for _ in spread(put, _placed(part)):
        pass
    *features, target = rows.columns
    return MemoryPart(Batch(features, target), rows)


def _placed(part: RowsPart) -> Iterator[tuple[int, Batch]]:
    """Yield the rows some at a time, each time with the number of those before."""
    start = 0
    for batch in part.batches():
        yield start, batch
        start += batch.rows
