"""The model in terms of the user's columns: as encoded rows times weights, as plain JSON, and in two SQL databases."""

import json
import math
import sqlite3
from contextlib import closing
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.table.encoding import ColumnRoles, fit, tally
from tasks.table.model.linear import LinearModel, NumberInput, linear_model, predict
from tasks.table.model.sql import expression
from tasks.table.model.sql_dialect import literal
from tasks.table.model.uncertainty import Interval, Uncertainty

ROWS = 10_000
# Names of columns; the third and the last hold levels.
HOSTILE = ['x"); DROP TABLE t; --', "select", "naïve\n\\name", "a.b %s :p $1 ?", "it's"]
LEVELS = ["", "O'Hara", "'; --", 'say "hi"', "back\\slash", "ünï", "NULL", "a\nb"]


def drawn(rows: int, seed: int = 0) -> pa.Table:
    """Draw numbers of several sizes with gaps, and two columns of levels, one with gaps; `y` is the target."""
    rng = np.random.default_rng(seed)
    numbers = [rng.normal(1e6, 1, rows), rng.normal(0, 1e-3, rows), rng.integers(-5, 5, rows).astype(float)]
    gaps = [rng.random(rows) < 0.1 for _ in range(4)]
    columns = [pa.array(column, mask=gap) for column, gap in zip(numbers, gaps, strict=False)]
    levels = [rng.choice(LEVELS[:-1], rows).tolist() for _ in range(2)]
    text = [pa.array(levels[0], mask=gaps[3]), pa.array(levels[1])]
    order = [columns[0], columns[1], text[0], columns[2], text[1]]
    return pa.table([*order, rng.normal(size=rows)], names=[*HOSTILE, "y"])


def model_of(rows: pa.Table, *, fill: bool) -> LinearModel:
    layout = ColumnRoles(tuple(HOSTILE), "y", (HOSTILE[2], HOSTILE[4]), fill)
    encoding = fit(tally(rows, layout), layout)
    weights = np.random.default_rng(1).normal(0, 3, len(encoding.features))
    return linear_model(encoding, weights, -3e6 / 7)


def of_logarithm(model: LinearModel) -> LinearModel:
    """Make of a model one of a logarithm, with sums near zero."""
    first, *others = model.inputs
    assert isinstance(first, NumberInput)
    smaller = first.model_copy(update={"weight": first.weight * 1e-6})
    return model.model_copy(
        update={"inputs": (smaller, *others), "bias": 0.25 - first.weight, "smearing": 1.0625}
    )


def with_new_levels(rows: pa.Table) -> pa.Table:
    """Put a level into every tenth row that no training row has."""
    kinds = [
        LEVELS[-1] if number % 10 == 0 else kind for number, kind in enumerate(rows[HOSTILE[4]].to_pylist())
    ]
    return rows.set_column(4, HOSTILE[4], pa.array(kinds))


def predicted(model: LinearModel, rows: pa.Table) -> np.ndarray[Any, Any]:
    return predict(model, {name: rows[name].combine_chunks() for name in rows.column_names}).values


def agree(found: Any, expected: np.ndarray[Any, Any]) -> None:
    numbers = np.array([math.nan if value is None else value for value in found], float)
    np.testing.assert_array_equal(np.isnan(numbers), np.isnan(expected))
    np.testing.assert_allclose(numbers, expected, rtol=1e-9)
    assert np.isfinite(expected).mean() > 0.5


def from_json(model: dict[str, Any], row: dict[str, Any]) -> float | None:
    """Predict a row from `model.json` by what its documentation says, without the code that wrote it."""
    total = float(model["bias"])
    for column in model["inputs"]:
        value = row[column["name"]]
        if column["type"] == "number":
            value = column["mean"] if value is None else value
            if value is None:
                return None
            total += column["weight"] * value
        elif value is None and not column["fill"]:
            return None
        else:
            total += column["weights"].get(value, column["average"])
    return total


def test_a_logarithm_is_turned_back_and_its_ends_too() -> None:
    """The mean is smeared and so is its interval; quantiles are not. The checksum covers it."""
    number = NumberInput(name="x", weight=2.0, mean=None)
    uncertain = Uncertainty(
        residual_deviation=0.5, degrees_of_freedom=9, critical=2.0, at_centre=0.25, design=(), inverse=()
    )
    plain = LinearModel(target="y", bias=1.0, inputs=(number,), uncertainty=uncertain)
    model = plain.model_copy(update={"smearing": 1.5})
    rows = {"x": pa.array([0.0, 1.0, np.nan, 1000.0])}
    found = predict(model, rows, Interval(0.95, "prediction", 2.0))
    np.testing.assert_allclose(found.values, [1.5 * math.e, 1.5 * math.e**3, np.nan, np.nan], rtol=1e-14)
    half = 2 * 0.5 * np.sqrt(1.25)
    np.testing.assert_allclose(found.bounds[0][:2], np.exp([1 - half, 3 - half]), rtol=1e-14)
    np.testing.assert_allclose(found.bounds[1][:2], np.exp([1 + half, 3 + half]), rtol=1e-14)
    mean = predict(model, rows, Interval(0.95, "confidence", 2.0))
    np.testing.assert_allclose(mean.bounds[1][:2], 1.5 * np.exp([1.5, 3.5]), rtol=1e-14)
    text = model.checked().model_dump_json()
    assert LinearModel.model_validate_json(text) == model.checked()
    with pytest.raises(ValidationError, match="its checksum has changed"):
        LinearModel.model_validate_json(text.replace('"smearing":1.5', '"smearing":1.6'))


@pytest.mark.parametrize("fill", [False, True])
def test_the_formula_is_the_encoded_rows_times_the_weights(fill: bool) -> None:
    """Where means replace what is missing every row has a prediction; else those with a gap have none."""
    rows = drawn(ROWS)
    layout = ColumnRoles(tuple(HOSTILE), "y", (HOSTILE[2], HOSTILE[4]), fill=True)
    encoding = fit(tally(rows, layout), layout)
    weights = np.random.default_rng(1).normal(0, 3, len(encoding.features))
    other = with_new_levels(drawn(ROWS, seed=1))
    expected = encoding.apply(other).drop_columns("y").to_pandas().to_numpy() @ weights - 3e6 / 7
    found = predicted(model_of(rows, fill=fill), other)
    whole = np.all([other[name].is_valid().to_numpy() for name in HOSTILE], axis=0)
    assert np.isfinite(found).tolist() == (whole | fill).tolist()
    np.testing.assert_allclose(found[np.isfinite(found)], expected[np.isfinite(found)], rtol=1e-9)


@pytest.mark.parametrize("fill", [False, True])
def test_json_by_an_evaluator_of_its_own(fill: bool) -> None:
    """10,000 rows, relative 1e-9, through the text of the file."""
    model, rows = model_of(drawn(ROWS), fill=fill), with_new_levels(drawn(ROWS, seed=1))
    read = json.loads(model.model_dump_json())
    agree([from_json(read, row) for row in rows.to_pylist()], predicted(model, rows))


@pytest.mark.parametrize("fill", [False, True])
def test_sql_in_duckdb(fill: bool) -> None:
    """10,000 rows, relative 1e-9, whatever the columns and levels are called."""
    model, rows = model_of(drawn(ROWS), fill=fill), with_new_levels(drawn(ROWS, seed=1))
    with duckdb.connect() as database:
        database.register("t", rows)
        found = database.execute(f"SELECT {expression(model)} FROM t").fetchall()  # noqa: S608
    agree([value for (value,) in found], predicted(model, rows))


@pytest.mark.parametrize("fill", [False, True])
def test_sql_in_sqlite(fill: bool) -> None:
    """The same expression in another database."""
    model, rows = model_of(drawn(ROWS), fill=fill), with_new_levels(drawn(ROWS, seed=1))
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in rows.column_names)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE t ({names})")
        database.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * rows.num_columns)})",  # noqa: S608
            zip(*rows.to_pydict().values(), strict=True),
        )
        found = [value for (value,) in database.execute(f"SELECT {expression(model)} FROM t")]  # noqa: S608
    agree(found, predicted(model, rows))


def test_booleans_decimals_and_integers_are_numbers_in_sql() -> None:
    """DuckDB would compute decimals in decimals, and knows no product of a boolean and a double."""
    given = {"type": "number", "weight": 1 / 3, "mean": None}
    inputs = [{**given, "name": name} for name in ("flag", "price", "count")]
    model = LinearModel.model_validate({"target": "y", "bias": 0.1, "inputs": inputs})
    with duckdb.connect() as database:
        table = "(SELECT TRUE AS flag, CAST(1.25 AS DECIMAL(9, 2)) AS price, CAST(7 AS UTINYINT) AS count)"
        (found,) = database.execute(f"SELECT {expression(model)} FROM {table}").fetchone() or (None,)  # noqa: S608
    assert found == pytest.approx(0.1 + 9.25 / 3, rel=1e-15)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=100))
@settings(max_examples=20, deadline=None)
def test_literals_are_read_back_to_the_last_bit(values: list[float]) -> None:
    """In DuckDB; SQLite itself may round the last digit of a literal otherwise."""
    with duckdb.connect() as database:
        found = database.execute(f"SELECT {', '.join(map(literal, values))}").fetchone()
    assert found == tuple(values)


def test_gaps_infinities_and_unknown_levels_are_counted_by_column() -> None:
    """An infinite input gives no prediction, and neither does a sum beyond all bounds."""
    inputs = [
        {"type": "number", "name": "a", "weight": 0.0, "mean": None},
        {"type": "number", "name": "b", "weight": 1e308, "mean": 0.5},
        {
            "type": "category",
            "name": "k",
            "weights": {"u": 0.0, "v": 1.0},
            "reference": "u",
            "average": 0.25,
            "fill": False,
        },
    ]
    model = LinearModel.model_validate({"target": "y", "bias": 0.0, "inputs": inputs})
    found = predict(
        model,
        {
            "a": pa.array([1, None, np.inf, 1, 1]),
            "b": pa.array([0.0, 0.0, np.nan, 1e308, None]),
            "k": pa.array(["w", "v", None, "w", "v"]),
        },
    )
    assert (found.missing, found.filled, found.infinite) == ({"a": 1, "k": 1}, {"b": 2}, {"a": 1})
    assert found.unknown == {"k": {"w": 2}}
    np.testing.assert_array_equal(found.values, [0.25, np.nan, np.nan, np.nan, 1 + 5e307])


@pytest.mark.parametrize(
    "change",
    [
        {"version": 5},
        {"format": "pickle"},
        {"inputs": []},
        {"bias": float("nan")},
        {"surprise": 1},
        {"inputs": [{"type": "number", "name": "x", "weight": 1.0, "mean": None}] * 2},
    ],
)
def test_another_file_is_no_model(change: dict[str, Any]) -> None:
    good = {
        "target": "y",
        "bias": 1.0,
        "inputs": [{"type": "number", "name": "x", "weight": 1.0, "mean": None}],
    }
    assert LinearModel.model_validate(good).inputs[0].name == "x"
    with pytest.raises(ValidationError):
        LinearModel.model_validate(good | change)
