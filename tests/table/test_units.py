"""Rows of a group or a day are summed up as one unit, whatever batches they come in."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.units import UnitSums


def sums_of(units: UnitSums, table: pa.Table, values: np.ndarray) -> list[tuple[float, float]]:
    for start in range(0, table.num_rows, 2):
        rows = table.slice(start, 2)
        units.add({name: rows[name] for name in units.by}, values[start : start + 2])
    sums, counts = units.arrays()
    return sorted(zip(sums.tolist(), counts.tolist(), strict=True))


def test_groups_are_those_of_all_columns_together() -> None:
    """Missing values are a group too."""
    table = pa.table({"a": ["u", "u", "v", None, "u"], "b": [1, 1, 1, None, 2]})
    found = sums_of(UnitSums(("a", "b")), table, np.array([1.0, 2.0, 4.0, 8.0, 16.0]))
    assert found == [(3.0, 2.0), (4.0, 1.0), (8.0, 1.0), (16.0, 1.0)]


@pytest.mark.parametrize(
    "times",
    [
        pa.array(
            [
                datetime(2026, 11, 27, 1, tzinfo=UTC),
                datetime(2026, 11, 27, 23, tzinfo=UTC),
                datetime(2026, 11, 28, tzinfo=UTC),
            ]
        ),
        pa.array(["2026-11-27 01:00", "2026-11-27T23:00", "2026-11-28"]),
        pa.array(["27.11.2026 01:00", "27.11.2026 23:00", "28.11.2026 00:00"]),
        pa.array([20261127, 20261127, 20261128]),
    ],
)
def test_times_of_one_day_are_one_unit(times: pa.Array) -> None:
    """Times and text; numbers, whose unit is not known, are taken as they are."""
    found = sums_of(UnitSums(("t",), by_day=True), pa.table({"t": times}), np.array([1.0, 2.0, 4.0]))
    assert found == [(3.0, 2.0), (4.0, 1.0)]


def test_rows_may_count_by_weights() -> None:
    """A unit counts as much as its rows do together."""
    units, table = UnitSums(("a",)), pa.table({"a": ["u", "v", "u"]})
    units.add({"a": table["a"]}, np.array([1.0, 2.0, 4.0]), np.array([0.5, 3.0, 0.25]))
    sums, counts = units.arrays()
    assert sorted(zip(sums.tolist(), counts.tolist(), strict=True)) == [(2.0, 3.0), (5.0, 0.75)]
