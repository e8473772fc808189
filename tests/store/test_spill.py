"""Rows that are dealt to parts arrive where they were sent, in their order, and leave no files."""

from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.store.spill import spilled


@given(st.lists(st.lists(st.integers(0, 3), max_size=20), max_size=5))
def test_every_row_reaches_its_part_in_order(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[int]]
) -> None:
    """Part 4 gets none, and is there all the same."""
    folder = tmp_path_factory.mktemp("spill")
    schema = pa.schema({"row": pa.int64(), "s": pa.string()})
    sent: dict[int, list[int]] = {number: [] for number in range(5)}
    row = 0
    with spilled(folder, "rows", schema, 5) as spill:
        for batch in batches:
            rows = list(range(row, row := row + len(batch)))
            columns = {"row": rows, "s": [str(each) for each in rows]}
            spill.append(pa.table(columns, schema), np.array(batch, np.int64))
            for each, part in zip(rows, batch, strict=True):
                sent[part].append(each)
    taken = list(spill.taken())
    assert [part["row"].to_pylist() for part in taken] == list(sent.values())
    assert all(part["s"].to_pylist() == [str(each) for each in part["row"].to_pylist()] for part in taken)
    assert list(folder.iterdir()) == []


def test_the_files_are_closed_when_dealing_fails(tmp_path: Path) -> None:
    """What was appended before can be read: nothing is held open."""
    schema = pa.schema({"row": pa.int64()})
    rows = pa.table({"row": [1, 2]}, schema)
    with suppress(OSError), spilled(tmp_path, "rows", schema, 1) as spill:
        spill.append(rows, np.zeros(2, np.int64))
        raise OSError("the disk is gone")
    with pytest.raises(ValueError, match="closed"):
        spill.append(rows, np.zeros(2, np.int64))
    assert [part["row"].to_pylist() for part in spill.taken()] == [[1, 2]]
