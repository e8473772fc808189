"""Dates that are text: their format where only one fits, and times in their place."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.config import Input, Split
from tasks.ingest import ingest
from tasks.runtime.user_table import table_of
from tasks.split import split
from tasks.table.dates import TIME, as_times, date_format_of, times
from tasks.table.errors import BadTable
from tests.paths import DATA
from tests.rows import read_table

DAYS = [datetime(2023, 11, 20) + timedelta(days=number, minutes=7 * number) for number in range(40)]  # noqa: DTZ001


@pytest.mark.parametrize(
    "written",
    [
        *("%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%y"),
        *("%d/%m/%Y %H:%M", "%m/%d/%Y %H:%M:%S"),
    ],
)
def test_a_format_is_found_where_a_day_is_above_twelve(written: str) -> None:
    """And the times are those that were written."""
    column = pa.chunked_array([[day.strftime(written) for day in DAYS[part::2]] for part in (0, 1)])
    assert date_format_of(lambda: [column], "day") == written
    expected = [datetime.strptime(day.strftime(written), written) for day in DAYS[::2]]  # noqa: DTZ007
    assert times(column.slice(0, 20), written, "day").to_pylist() == expected


def test_days_that_may_be_months_are_refused() -> None:
    column = pa.chunked_array([["01/02/2024", "03/04/2024"]])
    with pytest.raises(
        BadTable, match="which may be %m/%d/%Y or %d/%m/%Y; set `date_format` to the right one"
    ):
        date_format_of(lambda: [column], "day")


@pytest.mark.parametrize(
    "cells", [["monday", "tuesday"], ["13/14/2024"], ["12/1/2023", "later"], [None, None]]
)
def test_what_is_no_date_has_no_format(cells: list[str | None]) -> None:
    column = pa.chunked_array([pa.array(cells, pa.string())])
    assert date_format_of(lambda: [column], "day") is None


def test_a_format_that_does_not_fit_is_refused_with_the_cell() -> None:
    column = pa.chunked_array([["12/01/2023", "2023-12-02"]])
    with pytest.raises(BadTable, match="does not fit '2023-12-02' in column 'day'"):
        times(column, "%m/%d/%Y", "day")


@pytest.mark.parametrize("given", [None, "%m/%d/%Y"])
def test_the_last_days_of_an_american_table_are_its_test(tmp_path: Path, given: str | None) -> None:
    """The last 8 of 40 rows, from 2023-12-22 on; and the note says how the dates were read."""
    options = Split(method="time", by=("day",), date_format=given)
    path = DATA / "cases/us-dates-in-time-split/rides.csv"
    data = ingest.fn(table_of(Input(data=str(path), target="rides"), options.by), tmp_path)
    parts = split.fn(data, options, 0, tmp_path)
    assert parts.notes[-1].startswith(
        "rows split by time, for the test what has 'day' of 2023-12-22 or later, read as %m/%d/%Y: 8 of 40"
    )
    assert [len(read_table(parts, tmp_path, part)) for part in ("train", "test")] == [32, 8]


def test_a_date_format_is_for_times_only() -> None:
    with pytest.raises(ValueError, match="`date_format` is only for `method` of 'time'"):
        Split(method="group", by=("day",), date_format="%d.%m.%Y")


def test_dates_of_any_kind_become_times() -> None:
    """Dates, times with a zone in UTC, and text in ISO 8601 or as a format says; what is none is said."""
    noon = datetime(2024, 2, 13, 11, tzinfo=UTC)
    naive = noon.replace(tzinfo=None)
    stored: list[tuple[pa.Array, str | None]] = [
        (pa.array([naive.date(), None]), None),
        (pa.array([naive, None], pa.timestamp("ns", "Europe/Berlin")), None),
        (pa.array(["2024-02-13 11:00", None]), None),
        (pa.array([b" 2024-02-13T11:00:00.0 ", None]).dictionary_encode(), None),
        (pa.array(["13.02.2024 11", None]), "%d.%m.%Y %H"),
    ]
    for column, date_format in stored:
        found, is_text = as_times(column, date_format)
        assert found.type == TIME
        assert found.cast(pa.date32()).to_pylist() == [naive.date(), None]
        assert is_text.to_pylist() == [False, False]
        if not pa.types.is_date(column.type):
            assert found.to_pylist() == [naive, None]

    odd = pa.array(["2024-02-30", "13/02/2024", "2024", "now", "2024-02-13"])
    found, is_text = as_times(odd)
    assert is_text.to_pylist() == [True] * 4 + [False]
    assert found.null_count == 4


def test_a_day_that_no_month_has_is_no_date() -> None:
    """In any format; Arrow's own reading would roll it over to the next month."""
    for cells, written in ((["2024-02-29", "2024-02-31"], None), (["29.02.2024", "31.02.2024"], "%d.%m.%Y")):
        times, is_none = as_times(pa.array(cells), written)
        assert is_none.to_pylist() == [False, True]
        assert times[0].as_py().isoformat() == "2024-02-29T00:00:00"


ROLLED = [
    ("%d.%m.%Y", "31.01.2026", "30.02.2026"),
    ("%m/%d/%Y", "01/31/2026", "02/29/2026"),
    ("%Y/%m/%d", "2028/02/29", "2028/02/31"),
    ("%d %b %Y", "30 Apr 2026", "31 Apr 2026"),
    ("%Y/%m/%d %H:%M:%S", "2026/01/31 10:00:59", "2026/01/31 10:00:60"),
    ("%Y-%m-%d %H:%M%z", "2026-02-28 00:30+0200", "2026-02-30 00:30+0200"),
]


@pytest.mark.parametrize(("written", "good", "bad"), ROLLED)
def test_an_impossible_date_is_refused_wherever_dates_are_read(written: str, good: str, bad: str) -> None:
    """As `ingest` refuses it: it fits no format, and what is split or weighed by it says which cell it is."""
    column = pa.chunked_array([[good, f" {good} ", None], [good, bad]])
    assert as_times(column.combine_chunks(), written)[1].to_pylist() == [False, False, False, False, True]
    with pytest.raises(BadTable) as caught:
        times(column, written, "day")
    assert f"`date_format` of '{written}' does not fit '{bad}' in column 'day'" in str(caught.value)
    assert date_format_of(lambda: [column], "day") is None

    possible = column.slice(0, 4)
    expected = as_times(possible.combine_chunks(), written)[0].to_pylist()
    assert times(possible, written, "day").cast(TIME).to_pylist() == expected


@settings(max_examples=30)
@given(st.lists(st.datetimes(datetime(1970, 1, 1), datetime(2068, 1, 1)), min_size=1))  # noqa: DTZ001
def test_times_are_those_that_ingest_reads(moments: list[datetime]) -> None:
    """The quick way and the strict one."""
    written = [moment.strftime("%d/%m/%Y %H:%M:%S") for moment in moments]
    expected = as_times(pa.array(written), "%d/%m/%Y %H:%M:%S")[0].to_pylist()
    assert times(pa.chunked_array([written]), "%d/%m/%Y %H:%M:%S", "day").to_pylist() == expected
