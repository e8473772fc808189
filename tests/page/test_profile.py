"""The data column by column, and how far the means moved."""

import numpy as np

from tasks.outputs.result import ColumnProfile
from tasks.page.profile import profile_table, profiled
from tests.page.examples import result_of, rows_of
from tests.page.reading import tables, text_of


def test_drift_is_in_standard_deviations_of_the_previous_run() -> None:
    """A mean that moved from 0.1 to 1.254 at a standard deviation of 5.77 drifted by 0.2."""
    now = result_of()
    moved = [column.model_copy(update={"mean": 1.254}) for column in now.profile]
    text = text_of(now.model_copy(update={"profile": moved}), past=[now])
    drift = next(block for block in tables(text) if block[0][-1] == "drift of the mean")
    assert [cells[-1] for cells in drift[2:]] == ["0.2"] * 3
    assert "drift" not in text_of(now)


def test_the_columns_are_profiled_in_their_order() -> None:
    """A single row has no standard deviation."""
    rows = np.array([[1.0, 5.0], [3.0, 5.0]])
    first, second = profiled(["x", "y"], rows_of(rows))
    assert first == ColumnProfile(name="x", rows=2, mean=2.0, sd=np.sqrt(2.0), lowest=1.0, highest=3.0)
    assert second.sd == 0
    assert profiled(["x", "y"], rows_of(rows[:1]))[0].sd is None


def test_a_centred_column_has_a_mean_of_zero() -> None:
    """Not the rounding that centring left."""
    column = ColumnProfile(name="x", rows=9, mean=-3.1e-17, sd=1.2345678, lowest=-2.5, highest=1e-17)
    assert profile_table([column], None).rows == [["x", "9", "0", "1.23", "-2.5", "0"]]
