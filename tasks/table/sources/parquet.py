"""Parquet files, read some rows at a time; hive partitions are the folders' business."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import parquet

from tasks.table.cells import batch_without_views, without_views
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile, refuse_empty
from tasks.table.sources.source import TYPED, Written

# Bytes that are read of a column at a time: a row group may be as large as the file.
_BUFFER = 2**20


@dataclass(frozen=True, slots=True)
class ParquetTable:
    """A Parquet file, whose footer has been read."""

    file: DataFile
    schema: pa.Schema
    written: Written = TYPED

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        own = [name for name in types if name in self.schema.names]
        with _reader(self.file) as reader:
            for batch in reader.iter_batches(rows, columns=own):
                yield batch_without_views(batch.select(own))


def read(file: DataFile, _: Dialect) -> ParquetTable:
    """Read names and types from the file's footer."""
    with _reader(file) as reader:
        return ParquetTable(file, without_views(reader.schema_arrow))


@contextmanager
def _reader(file: DataFile) -> Iterator[parquet.ParquetFile]:
    with file.opened() as stream:
        refuse_empty(file, stream.read(1))
        stream.seek(0)
        # Checksums of pages are there if the writer made them, as Spark does; without this nobody looks at them.
        with parquet.ParquetFile(stream, buffer_size=_BUFFER, page_checksum_verification=True) as reader:
            yield reader
