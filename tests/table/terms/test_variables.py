"""Variables: their levels and numbers in rows, and an account of what is unknown or beyond a function."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from tasks.table.dates import TIME
from tasks.table.errors import BadTable
from tasks.table.levels import RARE
from tasks.table.terms.expression import ColumnValue, FunctionCall
from tasks.table.terms.variables import (
    PARTS,
    FittedLevels,
    FittedNumbers,
    FittedPolynomial,
    LevelVariable,
    NumberVariable,
    PowerBasis,
    Standardization,
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


def number(basis: PowerBasis | Standardization, values: list[float]) -> tuple[NumberVariable, VariableTally]:
    variable = NumberVariable(label="t", expression=ColumnValue(name="x"), basis=basis)
    return variable, tally_variable(variable, {"x": pa.array(values, pa.float64())})


@pytest.mark.parametrize(
    ("basis", "values", "message"),
    [
        (
            PowerBasis(degree=2),
            [1.0, 3.0, 3.0],
            "term 't' needs more than 2 different values in the training rows, but has 2; lower its degree",
        ),
        (
            PowerBasis(degree=4),
            [1e90, 2e90, 4e90],
            "term 't' has powers that float64 does not hold; divide it by a constant",
        ),
        (
            Standardization(),
            [0.1, 0.1, 0.1],
            "term 't' has no scale, as all training rows have one value; leave it out",
        ),
        (
            Standardization(center=False),
            [0.0, 0.0],
            "term 't' has no scale, as all training rows have one value; leave it out",
        ),
    ],
)
def test_what_cannot_be_fitted_is_refused(
    basis: PowerBasis | Standardization, values: list[float], message: str
) -> None:
    """With what to do."""
    variable, found = number(basis, values)
    with pytest.raises(BadTable) as caught:
        fit_variable(variable, found, len(values), fill=False, min_frequency=1)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "basis", [PowerBasis(degree=2), PowerBasis(degree=2, raw=True), Standardization(center=False)]
)
def test_gaps_are_the_means_of_the_columns(basis: PowerBasis | Standardization) -> None:
    """Over the training rows that have a value; without replacement they are none."""
    values = [1.0, 2.0, 5.0, 11.0]
    variable, found = number(basis, values)
    for fill in (True, False):
        fitted = fit_variable(variable, found, 4, fill=fill, min_frequency=1)
        for place in range(variable.width):
            column = fitted.values({"x": pa.array([*values, None])}).column(place)
            mean = column[:4].mean() if fill else np.nan
            np.testing.assert_allclose(column[4], mean, rtol=1e-12, atol=1e-15)


def test_a_file_with_other_lengths_than_centres_is_refused() -> None:
    """It was altered, or written by hand."""
    with pytest.raises(ValidationError, match="`norm2` has 2 numbers, with 1 of `alpha`"):
        FittedPolynomial(label="t", expression=ColumnValue(name="x"), alpha=(1.0,), norm2=(1.0, 3.0))
