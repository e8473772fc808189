"""What `repeats` leaves: a table with a row for each seed, and how far the trainings lie apart."""

from pathlib import Path

import pyarrow as pa

from tasks.outputs.result import Repeats
from tasks.store.artifact import Artifact
from tasks.store.formats import write_parquet

SUMMARY = "repeats.json"
TABLE = "repeats.parquet"


def write(folder: Path, table: pa.Table, summary: Repeats) -> None:
    """Write the table, and the summary of each of its columns."""
    write_parquet(folder / TABLE, table)
    (folder / SUMMARY).write_text(summary.model_dump_json(indent=1), encoding="utf-8")


def read(artifact: Artifact, root: Path) -> Repeats:
    """Return the summary."""
    return Repeats.model_validate_json(artifact.path(root, SUMMARY).read_bytes())
