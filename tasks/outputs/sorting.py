"""Rows that came in an order of chance, put in the one order that only they themselves decide.

A query, a compaction or a merge may hand out the same rows in any order. Sorted, they are the same bytes each time,
and so whatever reads them stays cached.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

from tasks.store.parts import ParquetPart, is_large, part_count
from tasks.store.spill import spilled
from tasks.table.hashing import hashes

# Of the hash that deals rows to parts; any will do, as long as it stays.
SEED = 0


def in_order(
    paths: Sequence[Path], schema: pa.Schema, first: Sequence[str], aside: Path
) -> Iterator[pa.Table]:
    """Yield the rows of Parquet files in an order that does not depend on theirs: one table, or one for each part.

    Of large data every row goes to the part that its hash says, and each part is sorted; so one part is in memory at a
    time. A part may have no rows.

    Args:
        paths: the files.
        schema: their columns.
        first: the columns that decide before the others.
        aside: a folder for what is in between.
    """
    files = [ParquetPart(path) for path in paths]
    rows = sum(file.rows for file in files)
    names = [*(name for name in first if name in schema.names), *schema.names]
    if not is_large(rows, len(schema)):
        tables = [pq.read_table(path, partitioning=None) for path in paths]
        yield _sorted(pa.concat_tables(tables or [schema.empty_table()]), names)
        return

    count = part_count(rows, len(schema))
    with spilled(aside, "unsorted", schema, count) as spill:
        for file in files:
            for batch in file.tables():
                table = _with_one_zero(pa.Table.from_batches([batch]).cast(schema))
                numbers = hashes(table, schema.names, SEED) % np.uint64(count)
                spill.append(table, numbers.astype(np.uint16))
    for part in spill.taken():
        yield _sorted(part, names)


def _sorted(table: pa.Table, names: Sequence[str]) -> pa.Table:
    table = _with_one_zero(table)
    keys = [(name, "ascending") for name in dict.fromkeys(names)]
    return table.take(pc.sort_indices(table, sort_keys=keys))


def _with_one_zero(table: pa.Table) -> pa.Table:
    """Write −0 as 0: the two are equal, and so their order would be one of chance."""
    columns = [
        pc.add(column, pa.scalar(0, column.type)) if kinds.is_floating(column.type) else column
        for column in table.columns
    ]
    return pa.table(columns, schema=table.schema)
