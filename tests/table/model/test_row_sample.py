"""A sample of rows: all of them where they are few, in their order, and every row as likely as another."""

import numpy as np
import pyarrow as pa

from tasks.table.model.row_sample import RowSample


def test_few_rows_are_all_kept_in_their_order() -> None:
    sample = RowSample(10)
    assert sample.rows.num_rows == 0
    for start in (0, 3, 6):
        x = pa.array(range(start, start + 3))
        sample.add({"x": x, "level": x.cast(pa.string())})
    assert sample.rows.to_pylist() == [{"x": n, "level": str(n)} for n in range(9)]


def test_every_row_is_as_likely_however_they_come() -> None:
    """Of 1000 rows in uneven blocks 100 are kept; over 400 samples each about 40 times, within 5 standard errors."""
    counts = np.zeros(1000)
    for seed in range(400):
        sample = RowSample(100, seed)
        for block in np.split(np.arange(1000.0), [1, 50, 700]):
            sample.add({"x": pa.array(block)})
        kept = sample.rows["x"].to_numpy().astype(int)
        assert np.all(np.diff(kept) > 0)
        counts[kept] += 1
    assert counts.sum() == 40_000
    assert np.abs(counts - 40).max() < 5 * np.sqrt(40 * 0.9)
