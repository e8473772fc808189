"""Values as keys: equal ones have equal hashes however they are stored, and keys are in the order of their values."""

import datetime
import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.errors import BadTable
from tasks.table.hashing import Keys, hashes, order_of, said
from tasks.table.hashing import ordered as ordered_as

PINNED = {
    "id": [627405149472732430, 15549969042648332857],
    "all": [17848796442803151265, 16301800479750038650],
}


def ordered(column: pa.ChunkedArray, name: str) -> Keys:
    return ordered_as(column, order_of(column, name), name)


def instant(*text: str, unit: str = "us") -> pa.ChunkedArray:
    return pa.chunked_array([np.array(text, f"datetime64[{unit}]")])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([7, -3, None], pa.int8()),
        pa.array([7, -3, None], pa.float32()),
        pa.array([7, -3, None], pa.decimal128(5, 2)),
        pa.array(["7", "-3.0", None]),
        pa.array(["07", "-3e0", None], pa.large_string()),
        pa.array([7, -3, None]).dictionary_encode(),
        pa.array(["7", "-3", None]).dictionary_encode(),
    ],
)
def test_equal_values_have_equal_hashes_however_they_are_stored(column: pa.Array) -> None:
    """One more row must not move others because it makes a column of integers one of floats, or of text."""
    expected = hashes(pa.table({"id": pa.array([7, -3, None], pa.int64())}), ["id"], 5)
    assert hashes(pa.table({"id": column}), ["id"], 5).tolist() == expected.tolist()
    assert len(set(expected.tolist())) == 3


def test_equal_times_have_equal_hashes_in_any_unit() -> None:
    day = pa.table({"at": [datetime.date(2024, 2, 29)]})
    for unit in ("s", "ms", "us", "ns"):
        stamped = pa.table({"at": instant("2024-02-29", unit=unit)})
        assert hashes(stamped, ["at"], 0) == hashes(day, ["at"], 0)


def test_hashes_stay_what_they_are() -> None:
    """A new release must not deal the rows of an old one anew: the values are written down here."""
    rows = pa.table({"id": [1, 2], "text": ["a", None], "x": [0.5, -0.0]})
    assert hashes(rows, ["id"], 0).tolist() == PINNED["id"]
    assert hashes(rows, ["x", "text", "id"], 9).tolist() == PINNED["all"]


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.integers(-(10**15), 10**15))
def test_keys_are_in_the_order_of_the_values(values: list[float], moment: int) -> None:
    """Numbers of any sign, and times; -0 and 0 are one."""
    keys = ordered(pa.chunked_array([pa.array(values, pa.float64())]), "x")
    np.testing.assert_array_equal(
        np.unique(values, return_inverse=True)[1], np.unique(keys, return_inverse=True)[1]
    )
    assert [float(said(int(key), pa.float64())) for key in keys] == [value + 0.0 for value in values]
    times = pa.chunked_array([pa.array([moment, moment + 1], pa.timestamp("us"))])
    first, second = ordered(times, "at").tolist()
    assert second - first == 1


def test_times_are_said_as_their_column_has_them() -> None:
    days = pa.chunked_array([pa.array([datetime.date(1969, 7, 20), datetime.date(2024, 2, 29)])])
    assert [said(int(key), days.type) for key in ordered(days, "day")] == ["1969-07-20", "2024-02-29"]
    stamps = instant("2024-02-29T12:30", unit="ns")
    assert said(int(ordered(stamps, "at")[0]), stamps.type) == "2024-02-29 12:30:00"
    midnight = instant("2024-02-29", unit="us")
    assert said(int(ordered(midnight, "at")[0]), midnight.type) == "2024-02-29"
    years = pa.chunked_array([pa.array([2024], pa.uint16())])
    assert said(int(ordered(years, "year")[0]), years.type) == "2024"


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["soon", "2025"], "`by` column 'at' holds string such as 'soon', which is not in the order of time"),
        (["2024-01-01", "1 March"], "`by` column 'at' holds string such as '2024-01-01'"),
        ([1.0, None], "`by` column 'at' misses values"),
        ([1.0, float("nan")], "`by` column 'at' misses values"),
        ([[1], [2]], "`by` column 'at' holds list"),
    ],
)
def test_what_has_no_order_is_refused(column: list[object], message: str) -> None:
    with pytest.raises(BadTable, match=re.escape(message)):
        ordered(pa.chunked_array([column]), "at")


@pytest.mark.parametrize(
    "texts",
    [
        ["2023", "2024.5", "1e4"],
        ["1969-12-31", "2024-02-29", "2024-02-29 12:00:00"],
        ["2024-02-29T12:00+02:00", "2024-02-29T11:00Z", "2024-02-29T11:00:00.5Z"],
    ],
)
def test_text_is_in_the_order_of_what_it_reads_as(texts: list[str]) -> None:
    """Numbers, dates, and times in zones."""
    keys = ordered(pa.chunked_array([texts]), "at")
    assert (np.diff(keys.astype(object)) > 0).all()


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(BadTable, match="`by` column 'at' holds list<item: int64>"):
        hashes(pa.table({"at": [[1], [2]]}), ["at"], 0)
