"""Arrow's own files (Feather version 2, .arrow, .ipc) and streams, read batch by batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

import pyarrow as pa

from tasks.table.cells import batch_without_views, without_views
from tasks.table.errors import BadTable, located
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile, refuse_empty
from tasks.table.sources.source import TYPED, Written

_FILE, _VERSION_1 = b"ARROW1", b"FEA1"

# What every message of a stream begins with.
_CONTINUED = b"\xff\xff\xff\xff"

_Reader: TypeAlias = pa.ipc.RecordBatchFileReader | pa.ipc.RecordBatchStreamReader


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """An Arrow file, whose schema has been read."""

    file: DataFile
    schema: pa.Schema
    written: Written = TYPED

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        own = [name for name in types if name in self.schema.names]
        with _reader(self.file) as reader:
            for whole in _batches(reader):
                batch = batch_without_views(whole.select(own))
                batch.validate(full=True)  # nothing else has looked whether offsets lead out of the buffers
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)


def read(file: DataFile, _: Dialect) -> ArrowTable:
    """Read names and types from the file's footer."""
    with _reader(file) as reader:
        return ArrowTable(file, without_views(reader.schema))


def _batches(reader: _Reader) -> Iterator[pa.RecordBatch]:
    if isinstance(reader, pa.ipc.RecordBatchStreamReader):
        yield from reader
    else:
        yield from (reader.get_batch(number) for number in range(reader.num_record_batches))


@contextmanager
def _reader(file: DataFile) -> Iterator[_Reader]:
    with file.opened() as stream:
        start = stream.read(len(_FILE))
        refuse_empty(file, start)
        if start.startswith(_VERSION_1):
            raise BadTable(f"{located(file.name)} is Feather version 1; write it again as version 2")
        stream.seek(0)
        opened = pa.ipc.open_stream if start.startswith(_CONTINUED) else pa.ipc.open_file
        with opened(stream) as reader:
            yield reader
