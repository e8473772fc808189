"""Expressions: NumPy's answers, gaps told from values that no function has, and dates against the calendar."""

import math
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.table.dates import TIME
from tasks.table.terms.expression import (
    DAYS_A_YEAR,
    FUNCTIONS,
    ColumnValue,
    ConstantValue,
    DateValue,
    FunctionCall,
    FunctionName,
    columns_of,
    compute,
)

X, Z = ColumnValue(name="x"), ColumnValue(name="z")


def call(name: FunctionName, *arguments: Any) -> FunctionCall:
    return FunctionCall(function=name, arguments=arguments)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (call("log", X), math.log(2.5)),
        (call("log2", X), math.log2(2.5)),
        (call("log10", X), math.log10(2.5)),
        (call("log1p", X), math.log1p(2.5)),
        (call("exp", X), math.exp(2.5)),
        (call("sqrt", X), math.sqrt(2.5)),
        (call("abs", call("negate", X)), 2.5),
        (call("power", X, ConstantValue(value=-2.0)), 2.5**-2),
        (call("add", X, Z), 6.5),
        (call("subtract", X, Z), -1.5),
        (call("multiply", X, Z), 10.0),
        (call("divide", X, Z), 0.625),
    ],
)
def test_functions_compute_what_their_names_say(expression: FunctionCall, expected: float) -> None:
    """To the last bit or two, as Python's own functions do; and each is covered here."""
    cells = {"x": pa.array([2.5]), "z": pa.array([4], pa.int32())}
    assert compute(expression, cells).values.tolist() == [pytest.approx(expected, rel=4e-16)]
    assert expression.function in FUNCTIONS


@pytest.mark.parametrize(
    ("expression", "beyond"),
    [
        (call("log", X), [True, True, False, False]),
        (call("sqrt", X), [True, False, False, False]),
        (call("divide", ConstantValue(value=1.0), X), [False, True, False, False]),
        (call("exp", call("multiply", X, ConstantValue(value=1e3))), [False, False, True, False]),
        (call("power", X, ConstantValue(value=0.5)), [True, False, False, False]),
        (X, [False, False, False, False]),
    ],
)
def test_what_no_function_has_is_told_from_what_is_missing(expression: Any, beyond: list[bool]) -> None:
    """Both are NaN, of which only the first is beyond."""
    found = compute(expression, {"x": pa.array([-1.0, 0.0, 2.0, None])})
    assert found.is_beyond.tolist() == beyond
    assert found.is_missing.tolist() == [False, False, False, True]
    assert np.isnan(found.values).tolist() == [*beyond[:3], True]


def test_infinity_has_no_function_that_is_worth_having() -> None:
    """e^−∞ is 0, but the cell is no number."""
    assert compute(call("exp", X), {"x": pa.array([-math.inf])}).is_beyond.tolist() == [True]


@given(st.lists(st.integers(-6 * 10**9, 8 * 10**9) | st.none(), min_size=1))
def test_years_and_trends_are_those_of_the_calendar(seconds: list[int | None]) -> None:
    """A trend is the days since 2000-01-01, of a day's time too, in years of 365.25."""
    start = datetime(1970, 1, 1, tzinfo=UTC)
    times = [None if each is None else start + timedelta(seconds=each) for each in seconds]
    cells = {"d": pa.array(times, TIME)}
    years = compute(DateValue(part="year", column="d"), cells).values
    trend = compute(DateValue(part="trend", column="d"), cells).values
    for time, year, passed in zip(times, years, trend, strict=True):
        if time is None:
            assert math.isnan(year)
            assert math.isnan(passed)
        else:
            assert year == time.year
            days = (time - datetime(2000, 1, 1, tzinfo=UTC)).total_seconds() / 86400
            assert passed * DAYS_A_YEAR == pytest.approx(days, rel=1e-12, abs=1e-9)


def test_dates_in_chunks_are_dates_too() -> None:
    """As training rows come."""
    column = pa.chunked_array([pa.array([date(2024, 2, 13)]).cast(TIME), pa.array([None], TIME)])
    found = compute(DateValue(part="year", column="d"), {"d": column})
    assert found.values[0] == 2024
    assert found.is_missing.tolist() == [False, True]


def test_columns_are_named_as_often_as_they_stand_there() -> None:
    """In their order."""
    assert [*columns_of(call("add", call("log", X), call("multiply", Z, X)))] == ["x", "z", "x"]


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "call", "function": "system", "arguments": []},
        {"type": "call", "function": "log", "arguments": []},
        {"type": "call", "function": "power", "arguments": [{"type": "column", "name": "x"}] * 2},
    ],
)
def test_data_that_calls_anything_else_is_refused(payload: dict[str, Any]) -> None:
    """A model file can name no function but those of the list, with their arguments."""
    with pytest.raises(ValidationError):
        FunctionCall.model_validate(payload)
