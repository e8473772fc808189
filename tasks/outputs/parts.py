"""What `split` leaves: training and test rows as numbers, how they were encoded, and a profile of the training rows.

`train.parquet` and, unless it is empty, `test.parquet`; large data is `train-00000.parquet` and so on. What people know
a row by lies beside them: its key where there is one, else, where the rows keep their order, which of them are for the
test. The profile
holds what later stages need to know of all training rows at once, so that none of them reads the rows for it again.
`tasks.outputs.distributions` describes a third file: some of the training rows before encoding.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.neuron.interleaved import unfilled
from tasks.neuron.parts import Batch, MemoryPart, Part, batch_of
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
KEYS = "keys"
# The column of the rows' weights, behind the target; R's name for it.
WEIGHTS = "(weights)"
ORDER = "order.npz"


class PartsFacts(Facts):
    """What is known of the encoded rows."""

    features: tuple[str, ...]
    target: str
    truth: Truth | None = None
    # By what the rows count: a column, or their age.
    weights: str | None = None
    by_age: bool = False


@dataclass(frozen=True, slots=True)
class RowsPart:
    """A file of encoded rows, as the neuron takes them; in the file the target is the last column but for weights."""

    file: ParquetPart

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.file.rows

    @property
    def weighted(self) -> bool:
        """Return whether the last column holds the rows' weights."""
        return bool(self.file.schema.names[-1] == WEIGHTS)

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        """Yield the rows, some at a time; with `rng` in a random order of the file's row groups."""
        weighted = self.weighted
        for columns in self.file.batches(rng):
            yield batch_of(columns, weighted=weighted)


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


def write_keys(folder: Path, name: Name, number: int, keys: pa.ChunkedArray) -> None:
    """Write the keys (m,) of a part of the rows as text, beside it."""
    write_parquet(folder / part_name(f"{KEYS}-{name}", number), pa.table([keys], names=[KEYS]))


def write_order(folder: Path, is_test: NDArray[np.bool_]) -> None:
    """Write which rows (n,) of the data are for the test, where both parts keep their order."""
    write_npz(folder / ORDER, {"is_test": np.packbits(is_test), "rows": np.array(len(is_test))})


def read_labels(artifact: Artifact, root: Path, name: Name, places: Sequence[tuple[int, int]]) -> list[str]:
    """Return what people know some rows by: their key, else their number in the data; empty where neither is known.

    Args:
        artifact: Of `split`.
        root: Of the store.
        name: Of the part.
        places: Of each row the number of its file and its place there, both from 0.
    """
    files = part_paths(artifact, root, f"{KEYS}-{name}")
    if files:
        keys = {file: read_parquet(files[file]).column(0) for file, _ in places}
        return [str(keys[file][row].as_py()) for file, row in places]
    if ORDER not in artifact.files:
        return [""] * len(places)
    stored = read_npz(artifact.path(root, ORDER))
    is_test = np.unpackbits(np.asarray(stored["is_test"], np.uint8), count=int(stored["rows"])).astype(bool)
    numbers = np.flatnonzero(is_test == (name == TEST)) + 1
    return [f"{numbers[row]:,}" for _, row in places]


def write_encoding(folder: Path, encoding: Encoding) -> None:
    """Write how columns became numbers."""
    (folder / ENCODING).write_text(encoding.model_dump_json(indent=1), encoding="utf-8")


def write_profile(folder: Path, profile: TableProfile) -> None:
    """Write what is known of all training rows."""
    sample = np.column_stack([np.asarray(column, np.float64) for column in profile.sample.stored])
    beside = {"lowest": profile.lowest, "highest": profile.highest, "sample": sample}
    write_npz(folder / PROFILE, as_arrays(profile.moments) | beside)


def held(rows: pa.Table) -> MemoryPart:
    """Return encoded rows in memory as the neuron takes them."""
    return MemoryPart(
        batch_of([column.to_numpy() for column in rows.columns], weighted=rows.column_names[-1] == WEIGHTS)
    )


def written(folder: Path, name: Name) -> Sequence[Part]:
    """Open the rows of a part that lie in a draft, in order."""
    return [RowsPart(ParquetPart(path)) for path in sorted(folder.glob(f"{name}*.parquet"))]


def in_file(files: Iterable[Path]) -> Part:
    """Open the rows of a shard, which lie in one of its files."""
    (path,) = (path for path in files if path.name.startswith((TRAIN, TEST)))
    return RowsPart(ParquetPart(path))


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
    return profile_in(artifact.path(root, PROFILE))


def profile_in(path: Path) -> TableProfile:
    """Return what `write_profile` has left in a file."""
    arrays = read_npz(path)
    lowest, highest, sample = (
        np.asarray(arrays[name], np.float64) for name in ("lowest", "highest", "sample")
    )
    return TableProfile(
        from_arrays(arrays), lowest, highest, batch_of([*sample.T], weighted="weight" in arrays)
    )


def read_parts(artifact: Artifact, root: Path, name: Name) -> list[RowsPart]:
    """Open the training or the test rows, in order: no file, one, or many."""
    return [RowsPart(ParquetPart(path)) for path in part_paths(artifact, root, name)]


def read_held(part: RowsPart) -> MemoryPart:
    """Read all rows of a file into memory, the numbers of a row side by side."""
    types = [np.dtype(field.type.to_pandas_dtype()) for field in part.file.schema]
    rows = unfilled(part.rows, types)

    def put(placed: tuple[int, Batch]) -> None:
        start, batch = placed
        rows.put(start, batch.stored)

    for _ in spread(put, _placed(part)):
        pass
    return MemoryPart(batch_of(rows.columns, weighted=part.weighted), rows)


def _placed(part: RowsPart) -> Iterator[tuple[int, Batch]]:
    """Yield the rows some at a time, each time with the number of those before."""
    start = 0
    for batch in part.batches():
        yield start, batch
        start += batch.rows
