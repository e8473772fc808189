"""Terms in SQL: DuckDB computes what `predict` does, on rows with gaps, new levels and what no function has."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sqlglot

from tasks.table.dates import TIME
from tasks.table.encoding import ColumnRoles, Encoding, fit, tally
from tasks.table.errors import BadTable
from tasks.table.levels import RARE
from tasks.table.model.exports import EXPORTS, export_of
from tasks.table.model.linear import LinearModel, linear_model, predict
from tasks.table.model.sql import expression, half_width
from tasks.table.model.sql_dialect import DIALECTS
from tasks.table.model.uncertainty import Interval, Uncertainty, design_of
from tasks.table.terms.formula import parse
from tests.table.model.test_exports import in_duckdb as as_duckdb

ROWS = 400
FORMULAS = [
    "y ~ area * city + log(income) + C(store) + month(`sold on`)",
    "y ~ city:kind + area:city + I((area + 1)**2 / income) + weekday(`sold on`):area",
    "y ~ sqrt(income) + log1p(area) + log2(area) + log10(income) + exp(-area) + abs(area - 3) + I(area**-1.5)",
    "y ~ trend(`sold on`) * city + year(`sold on`) + I(-area)",
    "y ~ poly(area, 3) * city + poly(log(income), 2, raw=TRUE) + scale(income) + center(trend(`sold on`))",
    "y ~ poly(area, 2):scale(income) + city:poly(log(income), 2) + scale(area, center=FALSE):city",
]
UNDATED = "y ~ area * city + log(income) + C(store) + city:kind + I((area + 1)**2 / income)"


def drawn(seed: int, *, hostile: bool = False) -> pa.Table:
    """Draw rows; hostile ones have gaps, levels that no training row has, and numbers beyond the functions."""
    rng = np.random.default_rng(seed)
    names = ["Bonn", "O'Hara", "Rom", *(["new"] if hostile else [])]
    area, income = rng.uniform(0.1, 9, ROWS), rng.lognormal(2, 1, ROWS)
    if hostile:
        area[::11] = rng.normal(size=len(area[::11]))
        income[::13] *= -1
        income[::26] = 0
    first = datetime(1960, 1, 1, 5, 30, tzinfo=UTC)
    columns: dict[str, Sequence[Any]] = {
        "area": area.tolist(),
        "income": income.tolist(),
        "city": rng.choice(names, ROWS).tolist(),
        "kind": rng.choice(["flat", "house"], ROWS).tolist(),
        "store": rng.choice(["1", "10", "2"], ROWS).tolist(),
        "sold on": [first + timedelta(hours=int(hours)) for hours in rng.integers(0, 600_000, ROWS)],
        "y": rng.normal(size=ROWS).tolist(),
    }
    arrays = {name: pa.array(values) for name, values in columns.items()}
    arrays["sold on"] = arrays["sold on"].cast(TIME)
    if hostile:
        gaps = {name: rng.uniform(size=ROWS) < 0.05 for name in arrays}
        arrays = {name: pa.array(a.to_pylist(), a.type, mask=gaps[name]) for name, a in arrays.items()}
    return pa.table(arrays)


def encoded(text: str, *, fill: bool) -> Encoding:
    formula = parse(text)
    terms = formula.terms(["city", "kind", "store"])
    roles = ColumnRoles((), "y", fill=fill, terms=terms)
    return fit(tally(drawn(0), roles), roles)


def model_of(text: str, *, fill: bool) -> LinearModel:
    encoding = encoded(text, fill=fill)
    rng = np.random.default_rng(1)
    weights = rng.normal(size=len(encoding.features))
    root = np.triu(rng.normal(size=(len(weights),) * 2))
    uncertainty = Uncertainty(
        residual_deviation=1.5,
        degrees_of_freedom=50,
        critical=2.0,
        at_centre=0.01,
        design=design_of(encoding, range(len(weights)), rng.normal(size=len(weights))),
        inverse=tuple(tuple(root[: k + 1, k].tolist()) for k in range(len(weights))),
    )
    return linear_model(encoding, weights, 0.5).model_copy(update={"uncertainty": uncertainty}).checked()


def in_duckdb(rows: pa.Table, written: str) -> list[float]:
    with duckdb.connect() as database:
        database.register("rows", rows)
        found = database.execute(f"SELECT {written} FROM rows").fetchall()  # noqa: S608
    return [math.nan if value is None else value for (value,) in found]


@pytest.mark.parametrize("fill", [False, True], ids=["gaps stay", "means fill gaps"])
@pytest.mark.parametrize("text", FORMULAS)
def test_duckdb_computes_what_predict_does(text: str, fill: bool) -> None:
    """With half the interval; and there is no prediction in the same rows."""
    model, rows = model_of(text, fill=fill), drawn(2, hostile=True)
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    found = predict(model, columns, Interval(0.95, "prediction", 2.0))
    some = np.isfinite(found.values).mean()
    assert 0.3 < some < 1 or (fill and some == 1)
    np.testing.assert_allclose(in_duckdb(rows, expression(model)), found.values, rtol=1e-9, atol=1e-9)
    half = (found.bounds[1] - found.bounds[0]) / 2
    known = np.isfinite(found.values)
    np.testing.assert_allclose(
        np.array(in_duckdb(rows, str(half_width(model))))[known], half[known], rtol=1e-9, atol=1e-9
    )


@pytest.mark.parametrize("fill", [False, True], ids=["gaps stay", "means fill gaps"])
@pytest.mark.parametrize("text", FORMULAS)
def test_predictions_are_the_encoded_rows_times_the_weights(text: str, fill: bool) -> None:
    """Training rows and new ones go the same way; and the model file holds all that it takes."""
    model, rows = model_of(text, fill=fill), drawn(0)
    model = LinearModel.model_validate_json(model.model_dump_json())
    *features, _ = encoded(text, fill=fill).apply(rows).columns
    assert model.terms is not None
    expected = np.column_stack([each.to_numpy() for each in features]) @ model.terms.weights + model.bias
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    np.testing.assert_allclose(predict(model, columns).values, expected, rtol=1e-12)


@pytest.mark.parametrize("fill", [False, True], ids=["gaps stay", "means fill gaps"])
@pytest.mark.parametrize(
    "text", ["y ~ kind * area + income", "y ~ kind + kind:city + area", "y ~ kind:area + kind"]
)
def test_a_term_of_no_column_is_none_in_sql(text: str, fill: bool) -> None:
    """All training rows are of one kind; its main effect, and in a product its contrasts, have no column."""
    roles = ColumnRoles((), "y", fill=fill, terms=parse(text).terms(["city", "kind"]))
    flats = drawn(0).filter(pc.equal(drawn(0)["kind"], "flat"))
    encoding = fit(tally(flats, roles), roles)
    assert not [name for name in encoding.features if name == "kind=flat"]
    weights = np.random.default_rng(1).normal(size=len(encoding.features))
    model, rows = linear_model(encoding, weights, 0.5), drawn(2, hostile=True)
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    found = in_duckdb(rows, expression(model))
    np.testing.assert_allclose(found, predict(model, columns).values, rtol=1e-9, atol=1e-9)


def test_a_polynomial_is_written_once() -> None:
    """The column stands there once a degree, not once in each power of each polynomial."""
    model = model_of("y ~ poly(area, 5) + income", fill=False)
    assert expression(model).count('"area"') == 5


def test_pooled_levels_are_one_in_sql() -> None:
    """Each is told by its name, and all have the one weight of the pool, as the share of all does once."""
    rows = pa.table({"city": ["a"] * 6 + ["b"] * 6 + ["c", "d", "e", "e"], "y": [0.0] * 16})
    roles = ColumnRoles((), "y", min_frequency=3, terms=parse("y ~ city").terms(["city"]))
    encoding = fit(tally(rows, roles), roles)
    assert encoding.features == ("city=b", f"city={RARE}")
    model = linear_model(encoding, [1.0, 10.0], 0.5)
    new = pa.table({"city": ["a", "b", "c", "d", "e", "new", None]})
    average = 0.5 + 6 / 16 * 1.0 + 4 / 16 * 10.0
    expected = [0.5, 1.5, 10.5, 10.5, 10.5, average, math.nan]
    np.testing.assert_allclose(in_duckdb(new, expression(model)), expected, rtol=1e-12)
    found = predict(model, {"city": new["city"].combine_chunks()})
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    assert found.unknown == {"city": {"new": 1}}


def test_what_keeps_rows_from_a_prediction_is_counted() -> None:
    """By column what they miss, by term what no function has, by variable the levels that are new."""
    model, rows = model_of(FORMULAS[0], fill=False), drawn(2, hostile=True)
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    found = predict(model, columns)
    used = ("area", "city", "income", "store", "sold on")
    assert found.missing == {name: rows[name].null_count for name in used}
    assert found.beyond == {
        "log(income)": sum(each is not None and each <= 0 for each in rows["income"].to_pylist())
    }
    assert found.unknown == {"city": {"new": rows["city"].to_pylist().count("new")}}


@pytest.mark.parametrize("to", [name for name, each in EXPORTS.items() if not each.has_terms])
def test_formats_that_cannot_hold_terms_say_so(to: str) -> None:
    """By the name of one, with those that can."""
    with pytest.raises(BadTable) as caught:
        export_of(to, model_of(FORMULAS[0], fill=False))
    assert str(caught.value) == (
        f"`to` of {to!r} cannot hold terms such as 'area'; export one of json, sql, sql-interval, tsql, bigquery, "
        "snowflake"
    )


@pytest.mark.parametrize("fill", [False, True], ids=["gaps stay", "means fill gaps"])
@pytest.mark.parametrize(
    ("dialect", "text"),
    [*(("snowflake", text) for text in FORMULAS), ("bigquery", FORMULAS[0]), ("bigquery", FORMULAS[3])]
    + [(dialect, text) for dialect in ("tsql", "bigquery") for text in (FORMULAS[2], UNDATED)],
)
def test_dialects_compute_the_same(dialect: str, text: str, fill: bool) -> None:
    """Another parser reads each dialect, and DuckDB computes what it understood of it."""
    model, rows = model_of(text, fill=fill), drawn(2, hostile=True)
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    written = sqlglot.parse_one(f"SELECT {expression(model, DIALECTS[dialect])}", dialect=dialect)
    understood = written.transform(as_duckdb).sql(dialect="duckdb")
    found = in_duckdb(rows, understood.removeprefix("SELECT "))
    np.testing.assert_allclose(found, predict(model, columns).values, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("dialect", "parts"),
    [
        (
            "tsql",
            [
                "DATEPART(YEAR, CAST([sold on] AS DATETIME2))",
                "DATEPART(MONTH, CAST([sold on] AS DATETIME2)) = 1",
                "(DATEDIFF(DAY, '19000101', CAST([sold on] AS DATETIME2)) % 7 + 7) % 7 + 1 = 1",
                "DATEDIFF_BIG(MICROSECOND, '19700101', CAST([sold on] AS DATETIME2)) / 86400000000e0",
            ],
        ),
        (
            "bigquery",
            [
                "EXTRACT(YEAR FROM CAST(`sold on` AS DATETIME))",
                "EXTRACT(MONTH FROM CAST(`sold on` AS DATETIME)) = 1",
                "MOD(EXTRACT(DAYOFWEEK FROM CAST(`sold on` AS DATETIME)) + 5, 7) + 1 = 1",
            ],
        ),
    ],
)
def test_dates_are_written_as_each_manual_has_them(dialect: str, parts: list[str]) -> None:
    """What the other parser does not translate; in BigQuery a week's first day, of number 1, is Sunday."""
    model = model_of(
        "y ~ year(`sold on`) + month(`sold on`) + weekday(`sold on`) + trend(`sold on`)", fill=False
    )
    written = expression(model, DIALECTS[dialect])
    assert [part for part in parts if part not in written] == []


@pytest.mark.parametrize("kind", [pa.date32(), pa.timestamp("s"), pa.timestamp("us", "Europe/Berlin")])
def test_dates_of_any_stored_type_are_read_alike(kind: pa.DataType) -> None:
    """By the database too, where a time has a zone in UTC."""
    model = model_of("y ~ month(`sold on`) + weekday(`sold on`) + trend(`sold on`)", fill=False)
    days = [date(1999, 12, 27) + timedelta(days=number) for number in range(0, 900, 31)]
    stored = pa.array(days).cast(pa.timestamp("s")).cast(kind)
    expected = predict(model, {"sold on": stored.cast(TIME)}).values
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        database.register("rows", pa.table({"sold on": stored}))
        found = database.execute(f"SELECT {expression(model)} FROM rows").fetchnumpy()  # noqa: S608
    np.testing.assert_allclose(next(iter(found.values())), expected, rtol=1e-12)
