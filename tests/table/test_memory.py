"""A table larger than memory passes: how much is needed at once does not depend on how many rows there are."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest

from tests.processes import python

BLOCK = 1_000_000
PEAK = """
import sys
from pathlib import Path
from tasks.config import Input
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
from tests.memory import peak
artifact = ingest.fn(table_of(Input(data=sys.argv[1], target="y")), Path(sys.argv[2]))
assert len(artifact.files) > 4
print(peak())
"""


def peak(path: Path, store: Path) -> float:
    """Take a table in, in a process of its own; return the most memory that it held, in MiB."""
    return float(python("-c", PEAK, path, store).stdout)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Six million rows and five times as many, a CSV of 0.9 GB that is 0.7 GB in memory, need about the same."""
    rng = np.random.default_rng(0)
    block = pa.table({name: rng.normal(size=BLOCK).round(6) for name in ("x", "z", "y")})
    peaks = []
    for blocks in (6, 30):
        path = tmp_path / f"{blocks}.csv"
        with arrow_csv.CSVWriter(path, block.schema) as writer:
            for _ in range(blocks):
                writer.write_table(block)
        peaks.append(peak(path, tmp_path / "store"))
        path.unlink()
    assert peaks[1] < peaks[0] + 100
    assert peaks[1] < 600
