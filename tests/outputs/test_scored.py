"""Files of rows, scored: every row is predicted, and the sums are NumPy's, in one file or in several."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.neuron.smearing import TargetScale
from tasks.outputs.model import TrainedModel
from tasks.outputs.parts import TEST, TRAIN, RowsPart
from tasks.outputs.scored import FileRows, score_files
from tasks.store.parts import ParquetPart

ROWS = 300
SCALE = TargetScale()
FITTED = TrainedModel(np.array([2.0, -1.0]), 0.5)


@pytest.fixture
def rows(tmp_path: Path) -> list[RowsPart]:
    """Write training rows and, more of them, test rows."""
    rng = np.random.default_rng(0)
    parts = []
    for number, count in enumerate((ROWS, 2 * ROWS)):
        path = tmp_path / f"rows-{number}.parquet"
        pq.write_table(pa.table(list(rng.normal(size=(3, count))), names=["a", "b", "y"]), path)
        parts.append(RowsPart(ParquetPart(path)))
    return parts


def test_rows_are_predicted_and_their_errors_summed_up(rows: list[RowsPart], tmp_path: Path) -> None:
    files = [FileRows(TRAIN, 0, rows[0]), FileRows(TEST, 0, rows[1])]
    found = score_files(FITTED, SCALE, 0.25, tmp_path, ("out.parquet", files))
    assert [name for name, _ in found] == [TRAIN, TEST]
    written = pq.read_table(tmp_path / "out.parquet").to_pandas()
    for (name, sums), part in zip(found, rows, strict=True):
        a, b, y = (column.to_numpy() for column in pq.read_table(part.file.path).columns)
        own = written[written["part"] == name]
        np.testing.assert_array_equal(own["actual"], y)
        np.testing.assert_allclose(own["predicted"], 2 * a - b + 0.5, rtol=1e-14)
        assert sums.neuron.squares == pytest.approx(float(np.sum((y - 2 * a + b - 0.5) ** 2)))
        assert sums.mean.squares == pytest.approx(float(np.sum((y - 0.25) ** 2)))


def test_sums_of_parts_join(rows: list[RowsPart], tmp_path: Path) -> None:
    """As if the rows had been in one file."""
    both = pa.concat_tables(pq.read_table(part.file.path) for part in rows)
    pq.write_table(both, tmp_path / "both.parquet")
    one = RowsPart(ParquetPart(tmp_path / "both.parquet"))
    ((_, whole),) = score_files(FITTED, SCALE, 0.0, tmp_path, ("one.parquet", [FileRows(TRAIN, 0, one)]))
    ((_, first),) = score_files(FITTED, SCALE, 0.0, tmp_path, ("a.parquet", [FileRows(TRAIN, 0, rows[0])]))
    ((_, second),) = score_files(FITTED, SCALE, 0.0, tmp_path, ("b.parquet", [FileRows(TRAIN, 1, rows[1])]))
    joined = first + second
    assert [each.error for each in joined.worst] == [each.error for each in whole.worst]
    assert {each.file for each in joined.worst} == {0, 1}
    assert joined.neuron.rows == whole.neuron.rows == 3 * ROWS
    assert joined.neuron.squares == pytest.approx(whole.neuron.squares, rel=1e-12)
    for added, all_at_once in ((joined.gains, whole.gains), (joined.squares, whole.squares)):
        assert (added.rows, added.mean, added.scatter) == pytest.approx(
            (all_at_once.rows, all_at_once.mean, all_at_once.scatter), rel=1e-12
        )


def test_a_prediction_whose_exponential_is_too_large_is_refused(rows: list[RowsPart], tmp_path: Path) -> None:
    far = TrainedModel(np.array([2000.0, 0.0]), 0.0)
    with pytest.raises(
        OverflowError, match=r"exp of a prediction in rows-0\.parquet is too large for a float"
    ):
        score_files(far, TargetScale(1.0), 0.0, tmp_path, ("a.parquet", [FileRows(TRAIN, 0, rows[0])]))
