"""Tables that were given in memory, kept as files by what they hold, so that a run reads them as any other file."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.store.artifact import digest
from tasks.store.folders import FRAMES
from tasks.store.writing import draft, make_folder, whole

# Digits of a name. They are decimal: files whose names differ by digits count as one table that has changed.
DIGITS = 20


def keep(table: pa.Table, root: Path) -> Path:
    """Write a table into the store, unless it is there already; return its file.

    Args:
        table: the rows; of its schema the names and types are kept.
        root: the store's root.
    """
    with draft(root) as folder:
        written = folder / "frame.parquet"
        pq.write_table(table.replace_schema_metadata(None), written)
        number = int(digest(written), 16) % 10**DIGITS
        path = root / FRAMES / f"frame-{number:0{DIGITS}}.parquet"
        if not path.is_file():
            make_folder(path.parent)
            with whole(path) as part:
                shutil.copyfile(written, part)
    path.touch()  # `cache clean` spares what is younger than a running flow
    return path
