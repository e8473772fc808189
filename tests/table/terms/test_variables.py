"""Variables: their levels and numbers in rows, and an account of what is unknown or beyond a function."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.dates import TIME
from tasks.table.errors import BadTable
from tasks.table.levels import RARE
from tasks.table.terms.expression import ColumnValue, FunctionCall
from tasks.table.terms.variables import (
    PARTS,
    FittedLevels,
    FittedNumbers,
    LevelVariable,
    NumberVariable,
    VariableTally,
    fit_variable,
    level_counts,
    tally_variable,
)

LOG = NumberVariable(
    label="log(x)", expression=FunctionCall(function="log", arguments=(ColumnValue(name="x"),))
)
CITY = LevelVariable(label="city", column="city")


def test_weekdays_and_months_are_those_of_the_calendar() -> None:
    """Of each day of four centuries' turns."""
    days = [datetime(1899, 12, 25, tzinfo=UTC) + timedelta(days=389 * number) for number in range(300)]
    cells = {"d": pa.array(days, TIME)}
    months = level_counts(LevelVariable(label="m", column="d", part="month"), cells)
    weekdays = level_counts(LevelVariable(label="w", column="d", part="weekday"), cells)
    assert months == Counter(str(day.month) for day in days)
    assert weekdays == Counter(PARTS["weekday"][day.weekday()] for day in days)


def test_numbers_are_summed_without_gaps() -> None:
    """What has no value counts as missing."""
    found = tally_variable(LOG, {"x": pa.array([1.0, np.e, None, -1.0])})
    assert (found.missing, found.levels) == (2, None)
    assert found.total == pytest.approx(1)
    assert (found + found).missing == 4


def test_a_row_beyond_a_function_is_not_filled() -> None:
    """A gap is; the logarithm of a negative number is no gap."""
    fitted = fit_variable(LOG, VariableTally(0, total=6.0), 3, fill=True, min_frequency=1)
    assert isinstance(fitted, FittedNumbers)
    assert fitted.means == (2.0,)
    values = fitted.values({"x": pa.array([None, -1.0, 1.0])})
    assert values.beyond == 1
    np.testing.assert_array_equal(values.column(0), [2.0, np.nan, 0.0])


def test_unknown_levels_are_counted_and_gaps_are_not() -> None:
    """Whether or not gaps are filled."""
    tally = VariableTally(0, Counter(a=1, b=3))
    for fill in (False, True):
        fitted = fit_variable(CITY, tally, 4, fill=fill, min_frequency=1)
        assert isinstance(fitted, FittedLevels)
        values = fitted.values({"city": pa.array(["b", "c", None, "a"])})
        assert values.unknown == Counter(c=1)
        np.testing.assert_array_equal(values.column(1), [1, 0.75, 0.75 if fill else np.nan, 0])


def test_an_unknown_month_counts_as_an_average_row() -> None:
    """Training rows of some months alone."""
    variable = LevelVariable(label="month(d)", column="d", part="month")
    fitted = fit_variable(
        variable, VariableTally(0, Counter({"2": 3, "11": 1})), 4, fill=False, min_frequency=9
    )
    assert isinstance(fitted, FittedLevels)
    assert fitted.levels == ("2", "11")
    values = fitted.values(
        {"d": pa.array([datetime(2024, 11, 1, tzinfo=UTC), datetime(2024, 5, 1, tzinfo=UTC)], TIME)}
    )
    assert values.column(1).tolist() == [1, 0.25]
    assert values.unknown == Counter({"5": 1})


def test_a_level_that_is_named_as_the_pool_is_refused() -> None:
    """It could not be told from it."""
    with pytest.raises(
        BadTable, match="has a level '\\(rare\\)', as `min_frequency` calls rare ones; rename it"
    ):
        fit_variable(CITY, VariableTally(0, Counter({RARE: 1})), 1, fill=False, min_frequency=2)
