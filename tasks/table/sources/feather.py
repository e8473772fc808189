"""Arrow's own files (Feather version 2, .arrow, .ipc), read batch by batch."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa

from tasks.table.errors import BadTable, located
from tasks.table.sources.discovery import Member


def schema(member: Member) -> pa.Schema:
    """Read names and types from the file's footer."""
    with _file(member) as file:
        return file.schema


def batches(member: Member, names: Sequence[str], rows: int) -> Iterator[pa.RecordBatch]:
    """Yield those of the named columns that there are, at most so many rows at a time."""
    with _file(member) as file:
        own = [name for name in names if name in file.schema.names]
        for number in range(file.num_record_batches):
            batch = file.get_batch(number).select(own)
            batch.validate(full=True)  # nothing else has looked whether offsets lead out of the buffers
            for start in range(0, batch.num_rows, rows):
                yield batch.slice(start, rows)


@contextmanager
def _file(member: Member) -> Iterator[pa.ipc.RecordBatchFileReader]:
    with member.opened() as stream:
        if stream.read(4) == b"FEA1":
            raise BadTable(f"{located(member.name)} is Feather version 1; write it again as version 2")
        stream.seek(0)
        with pa.ipc.open_file(stream) as file:
            yield file
