"""What a stage has left, as one table."""

from pathlib import Path

import pyarrow as pa

from tasks.outputs.parts import Name, read_parts
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet


def read_table(artifact: Artifact, root: Path, name: Name) -> pa.Table:
    """Return all training or test rows in memory."""
    return pa.concat_tables(read_parquet(part.file.path) for part in read_parts(artifact, root, name))
