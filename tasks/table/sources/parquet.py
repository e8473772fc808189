"""Parquet files, read some rows at a time; hive partitions are the folders' business."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from pyarrow import parquet

from tasks.table.sources.discovery import Member

_BUFFER = 2**20
"""Bytes that are read of a column at a time: a row group may be as large as the file."""


def schema(member: Member) -> pa.Schema:
    """Read names and types from the file's footer."""
    with _file(member) as file:
        return file.schema_arrow


def batches(member: Member, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield those of the named columns that there are, so many rows at a time."""
    with _file(member) as file:
        own = [name for name in names if name in file.schema_arrow.names]
        for batch in file.iter_batches(rows, columns=own):
            yield batch.select(own)


@contextmanager
def _file(member: Member) -> Iterator[parquet.ParquetFile]:
    with parquet.ParquetFile(member.opened(), buffer_size=_BUFFER) as file:
        yield file
