"""Parquet: one file, or a folder of part files (hive partitions too) that share one schema."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet

from tasks.table.errors import BadTable, located, shown

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset, Fragment

SUFFIXES = (".parquet", ".parq", ".pq")


def header(path: Path) -> pa.Schema:
    """Read the schema from the first part's footer.

    Raises:
        BadTable: the folder holds no part.
    """
    return _dataset(path).schema


def read(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read all rows of the named columns (of every column by default), parts in the order of their names.

    Raises:
        BadTable: the folder holds no part, or two parts differ in their columns.
    """
    dataset = _dataset(path)
    findings = _differences(dataset, path)
    if findings:
        raise BadTable(*findings)
    return dataset.to_table(columns=None if names is None else list(names))


def _dataset(path: Path) -> "Dataset":
    import pyarrow.dataset as datasets  # brings pandas along: a third of a second that no cached run should pay

    parts = [path] if path.is_file() else _parts(path)
    if not parts:
        raise BadTable(f"{located(path)} is a folder without a .parquet file; name a file or such a folder")
    _refuse_doubled_names(parts[0])
    if path.is_file():
        return datasets.dataset(str(path), format="parquet")
    return datasets.dataset(
        [str(part) for part in parts], format="parquet", partitioning="hive", partition_base_dir=str(path)
    )


def _refuse_doubled_names(part: Path) -> None:
    doubled = [name for name, times in Counter(parquet.read_schema(part).names).items() if times > 1]
    if doubled:
        raise BadTable(*(f"several columns are named {shown(name)}; rename all but one" for name in doubled))


def _parts(folder: Path) -> list[Path]:
    """List the part files below a folder, without hidden ones and those marked by an underscore."""
    found = (part for part in folder.rglob("*") if part.suffix.lower() in SUFFIXES and part.is_file())
    return sorted(
        p for p in found if not any(name.startswith((".", "_")) for name in p.relative_to(folder).parts)
    )


def _differences(dataset: "Dataset", path: Path) -> list[str]:
    first, *others = dataset.get_fragments()
    expected = _types(first.physical_schema)
    findings = []
    for part in others:
        actual = _types(part.physical_schema)
        for name in sorted(name for name in {*expected, *actual} if expected.get(name) != actual.get(name)):
            here, there = (str(types.get(name, "absent")) for types in (actual, expected))
            findings.append(
                f"column {shown(name)} is {here} in {shown(_name(part, path))} but {there} in "
                f"{shown(_name(first, path))}; write all parts with one schema"
            )
    return findings


def _types(schema: pa.Schema) -> dict[str, pa.DataType]:
    return dict(zip(schema.names, schema.types, strict=True))


def _name(part: "Fragment", folder: Path) -> str:
    return str(Path(part.path).relative_to(folder))
