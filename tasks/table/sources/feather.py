"""Arrow's own files (Feather version 2, .arrow, .ipc), read batch by batch."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pyarrow as pa

from tasks.table.errors import BadTable, located
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile, refuse_empty

_VERSION_1 = b"FEA1"


@dataclass(frozen=True, slots=True)
class ArrowTable:
    """An Arrow file, whose schema has been read."""

    file: DataFile
    schema: pa.Schema
    is_text: bool = False
    decimal: str = "."

    def batches(
        self, types: Mapping[str, pa.DataType], rows: int, *, verbatim: bool = False
    ) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        del verbatim  # cells are as they are stored in any case
        own = [name for name in types if name in self.schema.names]
        with _reader(self.file) as reader:
            for number in range(reader.num_record_batches):
                batch = reader.get_batch(number).select(own)
                batch.validate(full=True)  # nothing else has looked whether offsets lead out of the buffers
                for start in range(0, batch.num_rows, rows):
                    yield batch.slice(start, rows)


def read(file: DataFile, _: Dialect) -> ArrowTable:
    """Read names and types from the file's footer."""
    with _reader(file) as reader:
        return ArrowTable(file, reader.schema)


@contextmanager
def _reader(file: DataFile) -> Iterator[pa.ipc.RecordBatchFileReader]:
    with file.opened() as stream:
        start = stream.read(len(_VERSION_1))
        refuse_empty(file, start)
        if start == _VERSION_1:
            raise BadTable(f"{located(file.name)} is Feather version 1; write it again as version 2")
        stream.seek(0)
        with pa.ipc.open_file(stream) as reader:
            yield reader
