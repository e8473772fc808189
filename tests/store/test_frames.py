"""Tables given in memory, as files of the store."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.runtime.cleaning import remove_remains
from tasks.store.folders import FRAMES
from tasks.store.frames import keep

TABLE = pa.table({"x": [1.0, None], "k": ["a", "b"]})


def test_the_same_rows_are_one_file(tmp_path: Path) -> None:
    """What else a schema says, such as pandas about its index, does not count."""
    path = keep(TABLE, tmp_path)
    assert keep(TABLE.replace_schema_metadata({"pandas": "{}"}), tmp_path) == path
    assert keep(TABLE.slice(1), tmp_path) != path
    assert pq.read_table(path).equals(TABLE)
    assert len(list((tmp_path / FRAMES).iterdir())) == 2


def test_a_table_that_no_run_read_is_removed(tmp_path: Path) -> None:
    path = keep(TABLE, tmp_path)
    remove_remains(tmp_path)
    assert not path.exists()
