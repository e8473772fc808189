"""What `generate` and `ingest` leave: the rows to learn from, and what their columns are.

Rows are numbers in `data.npz` (the example problem, in memory), or columns in `data.parquet`, or, where they are many,
in `data-00000.parquet` and so on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field, field_serializer

from tasks.outputs.facts import Facts
from tasks.outputs.result import Truth
from tasks.outputs.sorting import in_order
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_npz
from tasks.store.parts import ParquetPart, gather, is_large, part_name, part_paths, write_part
from tasks.table.drift import TableSchema
from tasks.table.terms.design import Terms

DATA = "data"
ARRAYS = f"{DATA}.npz"
SCHEMA = "schema.json"

Sample: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]  # inputs (n, d) and targets (n,)


class DataFacts(Facts):
    """What is known of the rows: the columns by their roles, and what became of missing values."""

    features: tuple[str, ...]
    target: str
    categorical: tuple[str, ...] = ()
    # What is made of columns; those in `within` are in terms alone.
    terms: Terms | None = None
    within: tuple[str, ...] = ()
    missing: Literal["error", "drop", "mean"] = "error"
    missing_counts: Mapping[str, int] = Field(default_factory=dict)
    dropped: int = 0
    weightless: int = 0  # rows that were left out as they have a weight of 0
    truth: Truth | None = None

    @field_serializer("terms")
    def _in_full(self, terms: Terms | None) -> dict[str, Any] | None:
        """Write what tells the kinds of variables apart, which facts would leave out as their default."""
        return terms.model_dump(mode="json") if terms else None


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of the data, in memory or in files."""

    held: pa.Table | Sequence[ParquetPart]
    count: int
    schema: pa.Schema

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield these columns of all rows, some at a time."""
        if isinstance(self.held, pa.Table):
            yield self.held.select(list(columns))
            return
        for part in self.held:
            for batch in part.tables(columns=columns):
                yield pa.Table.from_batches([batch]).select(list(columns))  # a name with a dot brings others

    def in_parts(self, columns: int) -> bool:
        """Say whether the rows, with so many columns when encoded, are too large to be held in memory."""
        return not isinstance(self.held, pa.Table) and is_large(self.count, columns)

    @property
    def parts(self) -> Sequence[ParquetPart]:
        """The files of the rows; none of those in memory."""
        return () if isinstance(self.held, pa.Table) else self.held

    def whole(self, columns: Sequence[str]) -> pa.Table:
        """Return these columns of all rows in memory."""
        if isinstance(self.held, pa.Table):
            return self.held.select(list(columns))
        found = (read_parquet(part.path, list(columns)) for part in self.held)
        return pa.concat_tables(found).select(list(columns))  # a name with a dot brings others


def write_sample(folder: Path, sample: Sample) -> None:
    """Write rows of numbers as one file: `inputs` (n, d) and `targets` (n, 1), both float64."""
    inputs, targets = sample
    write_npz(folder / ARRAYS, {"inputs": inputs, "targets": targets[:, np.newaxis]})


def write_samples(folder: Path, samples: Iterable[Sample], facts: DataFacts) -> None:
    """Write rows of numbers as one part for each sample, with a column for every input and one for the target."""
    names = [*facts.features, facts.target]
    for number, (inputs, targets) in enumerate(samples):
        write_part(folder / part_name(DATA, number), pa.table([*inputs.T, targets], names=names))


def gather_rows(folder: Path, paths: Sequence[Path], schema: pa.Schema) -> None:
    """Make the files at `paths` the rows; those that lie beside `folder`, in the same draft, are moved."""
    gather(folder, DATA, paths, schema)


def sort_rows(
    folder: Path, paths: Sequence[Path], schema: pa.Schema, first: Sequence[str], aside: Path
) -> None:
    """Make the files at `paths` the rows, in an order that does not depend on theirs; see `sorting.in_order`."""
    written: list[Path] = []
    for table in in_order(paths, schema, first, aside):
        if table.num_rows:
            written.append(folder / part_name(DATA, len(written)))
            write_part(written[-1], table, nullable=True)
    if not written:
        write_part(folder / f"{DATA}.parquet", schema.empty_table(), nullable=True)
    elif len(written) == 1:
        written[0].rename(folder / f"{DATA}.parquet")


def write_schema(folder: Path, schema: TableSchema) -> None:
    """Write what a later run compares its columns with."""
    (folder / SCHEMA).write_text(schema.model_dump_json(indent=1), encoding="utf-8")


def row_file(number: int) -> str:
    """Name a part of the rows that lies elsewhere in the store."""
    return part_name(DATA, number)


def read_facts(artifact: Artifact) -> DataFacts:
    """Return what is known of the rows."""
    return DataFacts.of(artifact)


def read_rows(artifact: Artifact, root: Path) -> Rows:
    """Open the rows; those in memory are numbers, those in files may be text too."""
    if ARRAYS in artifact.files:
        facts, arrays = read_facts(artifact), read_npz(artifact.path(root, ARRAYS))
        names = [*facts.features, facts.target]
        table = pa.table([*arrays["inputs"].T, arrays["targets"][:, 0]], names=names)
        return Rows(table, table.num_rows, table.schema)

    parts = [ParquetPart(path) for path in part_paths(artifact, root, DATA)]
    return Rows(parts, sum(part.rows for part in parts), parts[0].schema)
