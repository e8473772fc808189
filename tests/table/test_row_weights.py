"""By how much rows count: a column, or half for every half-life of age, however the times are written."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.errors import BadTable
from tasks.table.row_weights import LEAST, RowWeights, by_age, by_column


def aged(column: pa.Array, half_life: str = "10d", date_format: str | None = None) -> RowWeights:
    chunks: Sequence[pa.ChunkedArray] = [pa.chunked_array([column[:2]]), pa.chunked_array([column[2:]])]
    return by_age(lambda: iter(chunks), "sold_on", half_life, date_format)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([date(2024, 5, 1), date(2024, 5, 21), date(2024, 5, 11)]),
        pa.array(
            [
                datetime(2024, 5, 1, tzinfo=UTC),
                datetime(2024, 5, 21, tzinfo=UTC),
                datetime(2024, 5, 11, tzinfo=UTC),
            ]
        ),
        pa.array(["2024-05-01", "2024-05-21", " 2024-05-11"]),
        pa.array(["2024-05-01T00:00:00", "2024-05-21T00:00:00", "2024-05-11T00:00:00"]),
        pa.array(["2024-05-01T00:00:00Z", "2024-05-21T00:00:00Z", "2024-05-11T00:00:00Z"]),
        pa.array(["05/01/2024", "05/21/2024", "05/11/2024"]),
    ],
)
def test_a_row_counts_half_for_every_half_life(column: pa.Array) -> None:
    weights = aged(column)
    np.testing.assert_allclose(weights.of(pa.table({"sold_on": column})), [0.25, 1.0, 0.5], rtol=1e-12)
    assert weights.relative
    assert weights.said == "by age, half for every 10d before the latest 'sold_on'"


@pytest.mark.parametrize(
    ("half_life", "weight"), [("12h", 2.0**-20), ("1w", 2.0 ** (-10 / 7)), ("1h", LEAST)]
)
def test_half_lives_are_hours_days_or_weeks_and_no_row_is_lost(half_life: str, weight: float) -> None:
    column = pa.array([date(2024, 5, 1), date(2024, 5, 11)])
    found = aged(column, half_life).of(pa.table({"sold_on": column}))
    np.testing.assert_allclose(found, [weight, 1.0], rtol=1e-12)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (
            pa.array([date(2024, 5, 1), None, date(2024, 5, 2)]),
            "column 'sold_on' of `half_life` misses 1 value",
        ),
        (
            pa.array([1.0, 2.0, 3.0]),
            "column 'sold_on' of `half_life` holds 'double'; name one of dates or times",
        ),
        (pa.array(["soon", "later", "never"]), "holds text such as 'soon', which is not read as a time"),
    ],
)
def test_what_is_no_time_is_refused(column: pa.Array, message: str) -> None:
    with pytest.raises(BadTable) as refused:
        aged(column)
    assert message in str(refused.value)


def test_a_column_counts_as_it_is() -> None:
    weights = by_column("n")
    assert weights.of(pa.table({"n": [3, 1]})).tolist() == [3.0, 1.0]
    assert not weights.relative
    assert weights.said == "by 'n'"
