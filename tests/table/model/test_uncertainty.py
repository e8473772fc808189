"""Intervals beside predictions: against R's published output, statsmodels, coverage by simulation, and in SQL."""

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.formula.api as smf
from pydantic import ValidationError

from tasks.neuron.least_squares import LeastSquares, solve
from tasks.neuron.moments import Array
from tasks.neuron.student_t import critical
from tasks.outputs.uncertainty import FitUncertainty, fit_uncertainty, read, write
from tasks.store.writing import draft, publish
from tasks.table.encoding import ColumnRoles, Encoding, fit, tally
from tasks.table.errors import BadTable
from tasks.table.model.linear import LinearModel, Predicted, linear_model, predict
from tasks.table.model.sql import expression, half_width
from tasks.table.model.uncertainty import Conformal, Interval, Kind
from tests.r_data import r_data

ModelOf: TypeAlias = Callable[..., LinearModel]
EARLIER = (
    '{"format":"linear-neuron model","version":2,"target":"y","bias":1.0,"inputs":[{"type":"number","name":"x",'
    '"weight":2.0,"mean":null},{"type":"category","name":"k","weights":{"u":0.0,"v":1.5},"reference":"u",'
    '"average":0.5,"fill":false}],"reading":{"delimiter":null,"decimal":null,"thousands":null,"encoding":null,'
    '"na_values":null,"skip_rows":null,"header_row":null,"comment":null,"warn":[]},'
    '"checksum":"3fcde4c6160395e529efcd03a638668283885d127d83831807c47107d7586c99"}'
)
NONE: Array = np.empty(0)


def fitted(
    rows: pd.DataFrame, target: str, categorical: tuple[str, ...] = (), *, bias: bool = True
) -> tuple[Encoding, LeastSquares]:
    """Return the encoding of all other columns, and least squares."""
    features = tuple(str(name) for name in rows if name != target)
    roles = ColumnRoles(features, target, categorical)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    encoding = fit(tally(table, roles), roles)
    matrix = encoding.apply(table).to_pandas().to_numpy(float)
    return encoding, solve(matrix[:, :-1], matrix[:, -1], bias=bias)


def summed_up(reference: LeastSquares, errors: Array) -> FitUncertainty:
    t = critical(0.05, reference.degrees_of_freedom) if reference.degrees_of_freedom else math.nan
    return fit_uncertainty(reference, reference.residual_sum, t, errors)


@pytest.fixture
def model_of(tmp_path: Path) -> ModelOf:
    """Make the model as a run does: through the files that `evaluate` leaves, and the JSON that `predict` reads."""

    def made(
        rows: pd.DataFrame,
        target: str,
        categorical: tuple[str, ...] = (),
        errors: Array = NONE,
        *,
        bias: bool = True,
    ) -> LinearModel:
        encoding, reference = fitted(rows, target, categorical, bias=bias)
        with draft(tmp_path) as folder:
            write(folder, summed_up(reference, errors))
            artifact = publish(folder, tmp_path, "evaluate")
        found, conformal = read(artifact, tmp_path, encoding)
        model = linear_model(encoding, reference.weights, reference.bias)
        model = model.model_copy(update={"uncertainty": found, "conformal": conformal}).checked()
        return LinearModel.model_validate_json(model.model_dump_json())

    return made


def interval(model: LinearModel, level: float, kind: Kind) -> Interval:
    assert model.uncertainty is not None
    return Interval(level, kind, critical(1 - level, model.uncertainty.degrees_of_freedom))


def bounds(
    model: LinearModel, rows: pd.DataFrame, level: float = 0.95, kind: Kind = "prediction"
) -> Predicted:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        is_number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        columns[name] = column.cast(pa.float64() if is_number else pa.string())
    return predict(model, columns, interval(model, level, kind))


def test_cars_as_published(model_of: ModelOf) -> None:
    """R's `predict(lm(dist ~ speed, cars), …)`: the means at 11 and 12 mph, and the interval of the mean at 10 mph."""
    model = model_of(r_data("cars"), "dist")
    found = bounds(model, pd.DataFrame({"speed": [10, 11, 12]}), kind="confidence")
    assert np.array(found.values).round(5)[1:].tolist() == [25.67740, 29.60981]
    assert [float(end[0]) for end in found.bounds] == pytest.approx([15.46, 28.02], abs=0.01)


@pytest.mark.parametrize("kind", ["confidence", "prediction"])
@pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
@pytest.mark.parametrize(
    ("name", "target", "formula", "categorical"),
    [
        (
            "stackloss",
            "stack.loss",
            "Q('stack.loss') ~ Q('Air.Flow') + Q('Water.Temp') + Q('Acid.Conc.')",
            (),
        ),
        (
            "swiss",
            "Fertility",
            "Fertility ~ Agriculture + Examination + Education + Catholic + Q('Infant.Mortality')",
            (),
        ),
        ("LifeCycleSavings", "sr", "sr ~ pop15 + pop75 + dpi + ddpi", ()),
        ("warpbreaks", "breaks", "breaks ~ wool + tension", ("wool", "tension")),
        ("cars", "dist", "dist ~ speed - 1", ()),
    ],
)
def test_statsmodels(
    model_of: ModelOf,
    name: str,
    target: str,
    formula: str,
    categorical: tuple[str, ...],
    level: float,
    kind: Kind,
) -> None:
    """To 10 digits on R's sample sets, numbers and categories, with a bias and without."""
    rows = r_data(name)
    rows = rows[[column for column in rows if column in categorical or rows[column].dtype.kind in "if"]]
    model = model_of(rows, target, categorical, bias="- 1" not in formula)
    found = bounds(model, rows.drop(columns=target), level, kind)
    expected = smf.ols(formula, rows).fit().get_prediction(rows).summary_frame(alpha=1 - level)
    prefix = "obs_ci" if kind == "prediction" else "mean_ci"
    for bound, end in zip(found.bounds, ("lower", "upper"), strict=True):
        np.testing.assert_allclose(bound, expected[f"{prefix}_{end}"], rtol=1e-10, atol=1e-10)


def test_dependent_columns_change_no_interval(model_of: ModelOf) -> None:
    """A column that says the same again is left out of the design."""
    rows = r_data("cars")
    doubled = rows.assign(again=2 * rows["speed"] + 1)[["speed", "again", "dist"]]
    found = bounds(model_of(doubled, "dist"), doubled.drop(columns="dist"))
    expected = bounds(model_of(rows, "dist"), rows[["speed"]])
    np.testing.assert_allclose(found.bounds, expected.bounds, rtol=1e-12)


def test_intervals_widen_with_the_level(model_of: ModelOf) -> None:
    """And that of the mean lies within that of a row."""
    rows = r_data("stackloss")
    model, features = model_of(rows, "stack.loss"), rows.drop(columns="stack.loss")
    widths = [np.diff(bounds(model, features, level).bounds, axis=0) for level in (0.1, 0.5, 0.9, 0.99)]
    assert all((narrow < wide).all() for narrow, wide in pairwise(widths))
    assert (np.diff(bounds(model, features, 0.9, "confidence").bounds, axis=0) < widths[2]).all()


def test_an_unknown_level_counts_as_the_shares(model_of: ModelOf) -> None:
    """Its design row is the mean of the column's, and so is the leverage's part."""
    rows = r_data("warpbreaks")
    model = model_of(rows, "breaks", ("wool", "tension"))
    found = bounds(model, pd.DataFrame({"wool": ["new"], "tension": ["new"]}), kind="confidence")
    assert model.uncertainty is not None
    centre = model.uncertainty.critical * model.uncertainty.residual_deviation / math.sqrt(len(rows))
    assert found.bounds[1][0] - np.array(found.values)[0] == pytest.approx(centre, rel=1e-12)


@pytest.mark.parametrize("name", ["warpbreaks", "swiss"])
def test_sql_in_duckdb(model_of: ModelOf, name: str) -> None:
    """`model_interval.sql` is half the width of the 95 % prediction interval, to 9 digits; also of unknown levels."""
    rows = r_data(name).drop(columns="province", errors="ignore")
    target, categorical = ("breaks", ("wool", "tension")) if name == "warpbreaks" else ("Fertility", ())
    model = model_of(rows, target, categorical)
    if categorical:
        rows.loc[3, "wool"] = "new"
    found = bounds(model, rows.drop(columns=target))
    with duckdb.connect() as database:
        database.register("t", rows)
        half = database.execute(f"SELECT {expression(model)}, {half_width(model)} FROM t").fetchnumpy()  # noqa: S608
    predicted, width = half.values()
    np.testing.assert_allclose(predicted + width, found.bounds[1], rtol=1e-9)
    np.testing.assert_allclose(predicted - width, found.bounds[0], rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_coverage_over_200_simulated_sets(model_of: ModelOf) -> None:
    """95 ± 1 % of 200 × 200 new rows lie within, for each kind."""
    rng = np.random.default_rng(0)
    inside: dict[Kind, list[float]] = {"prediction": [], "conformal": []}
    for _ in range(200):
        x, new = rng.normal(size=(40, 2)), rng.normal(size=(200, 2))
        y, other = x @ [1, 2] + rng.normal(size=40), new @ [1, 2] + rng.normal(size=200)
        rows = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": y})
        reference = solve(x, y)
        tests = rng.normal(size=(199, 2))
        errors = np.abs(tests @ [1, 2] + rng.normal(size=199) - tests @ reference.weights - reference.bias)
        model = model_of(rows, "y", errors=errors)
        for kind, found in inside.items():
            low, high = bounds(model, pd.DataFrame(new, columns=["a", "b"]), 0.95, kind).bounds
            found.append(float(np.mean((low <= other) & (other <= high))))
    assert {kind: abs(np.mean(found) - 0.95) < 0.01 for kind, found in inside.items()} == dict.fromkeys(
        inside, True
    )


@pytest.mark.slow
def test_conformal_intervals_hold_where_normal_ones_do_not(model_of: ModelOf) -> None:
    """Skewed noise whose spread grows with x, 80 %: conformal 80 ± 1 %, the normal interval takes in 87 % or more."""
    rng = np.random.default_rng(0)

    def drawn(rows: int) -> tuple[Array, Array]:
        x = rng.uniform(0, 3, rows)
        return x, 1 + 2 * x + x * (rng.lognormal(0, 1, rows) - math.exp(0.5))

    inside: dict[Kind, list[float]] = {"prediction": [], "conformal": []}
    for _ in range(100):
        (x, y), (tests, actual), (new, other) = drawn(400), drawn(399), drawn(400)
        reference = solve(x[:, None], y)
        errors = np.abs(actual - tests * reference.weights[0] - reference.bias)
        model = model_of(pd.DataFrame({"x": x, "y": y}), "y", errors=errors)
        for kind, found in inside.items():
            low, high = bounds(model, pd.DataFrame({"x": new}), 0.8, kind).bounds
            found.append(float(np.mean((low <= other) & (other <= high))))
    assert np.mean(inside["conformal"]) == pytest.approx(0.8, abs=0.01)
    assert np.mean(inside["prediction"]) > 0.87


def test_a_conformal_interval_is_an_order_statistic() -> None:
    """Of n = 19 errors at 95 % the largest, at 50 % the tenth; at 96 % there are too few."""
    conformal = Conformal(rows=19, ranks=tuple(range(1, 20)), errors=tuple(map(float, range(1, 20))))
    assert [conformal.half_width(level) for level in (0.95, 0.5, 0.05)] == [19.0, 10.0, 1.0]
    with pytest.raises(BadTable, match=r"`interval` of 0.96: 19 test rows .* up to 0.95; lower it"):
        conformal.half_width(0.96)


def test_of_many_errors_the_large_ones_are_kept() -> None:
    """The half-width at a level is never below the exact one, and equal to it at high levels."""
    rng = np.random.default_rng(0)
    errors = np.abs(rng.normal(size=50_000))
    found = summed_up(solve(np.arange(9.0)[:, None], np.arange(9.0) ** 2), errors)
    rows, *ranks = found.ranks.tolist()
    conformal = Conformal(rows=rows, ranks=tuple(ranks), errors=tuple(found.errors.tolist()))
    assert len(ranks) < 1100
    for level in (0.1, 0.5, 0.9, 0.99, 0.999, 0.9999):
        exact = np.sort(errors)[math.ceil(50_001 * level) - 1]
        assert exact <= conformal.half_width(level) <= exact * 1.05
    assert conformal.half_width(0.9999) == np.sort(errors)[math.ceil(50_001 * 0.9999) - 1]


SOME_FIT = solve(np.arange(9.0)[:, None], np.arange(9.0) ** 2)


def aged(errors: Array, weights: Array) -> Conformal:
    """Return what a run keeps of errors that count by age."""
    found = fit_uncertainty(SOME_FIT, 1.0, 2.0, errors, weights)
    rows, *ranks = found.ranks.tolist()
    return Conformal(
        rows=rows,
        ranks=tuple(ranks),
        errors=tuple(found.errors.tolist()),
        shares=tuple(found.shares.tolist()),
    )


def test_errors_that_count_by_age_have_a_weighted_quantile() -> None:
    """The smallest up to which they have a share of the level, a new row counting as the newest and as infinite."""
    rng = np.random.default_rng(0)
    errors, weights = rng.exponential(size=300), 0.5 ** (np.arange(300)[::-1] / 40)
    conformal, mass = aged(errors, 7 * weights), weights.sum() + 1
    for level in (0.1, 0.5, 0.8, 0.95):
        enough = [error for error in sorted(errors) if weights[errors <= error].sum() / mass >= level]
        assert conformal.half_width(level) == enough[0]
    most = weights.sum() / mass
    assert conformal.half_width(most) == errors.max()
    with pytest.raises(BadTable, match=rf"300 test rows of the model's run support levels up to {most:.4g}"):
        conformal.half_width(most + 1e-3)


def test_errors_of_one_age_have_the_plain_quantile() -> None:
    rng = np.random.default_rng(1)
    errors = rng.exponential(size=2500)
    plain = summed_up(SOME_FIT, errors)
    rows, *ranks = plain.ranks.tolist()
    exact = Conformal(rows=rows, ranks=tuple(ranks), errors=tuple(plain.errors.tolist()))
    conformal = aged(errors, np.full(2500, 3.0))
    for level in (0.01, 0.5, 0.9, 0.95, 0.999, 2500 / 2501):
        assert conformal.half_width(level) == exact.half_width(level)


@pytest.mark.slow
def test_weighted_errors_hold_their_level_and_follow_a_change() -> None:
    """80 % of new errors lie within where all are alike; where they have grown fivefold, 73 %, of plain ones 56 %."""
    rng = np.random.default_rng(2)
    weights = 0.5 ** (np.arange(400)[::-1] / 50)

    def covered(spread: Array) -> tuple[float, float]:
        inside = np.zeros(2)
        for _ in range(1000):
            *errors, new = np.abs(rng.normal(size=401) * spread)
            widths = [aged(np.array(errors), each).half_width(0.8) for each in (weights, np.ones(400))]
            inside += new <= np.array(widths)
        weighted, plain = (inside / 1000).tolist()
        return weighted, plain

    weighted, plain = covered(np.ones(401))
    assert weighted > 0.78
    assert plain > 0.78
    weighted, plain = covered(np.linspace(1, 5, 401))
    assert weighted > 0.7
    assert plain < 0.6


@pytest.mark.parametrize("shares", [(0.2,), (0.4, 0.2)])
def test_shares_that_do_not_fit_are_refused(shares: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError, match="`shares` do not ascend with the ranks"):
        Conformal(rows=2, ranks=(1, 2), errors=(1.0, 2.0), shares=shares)


def test_without_degrees_of_freedom_there_is_no_interval(model_of: ModelOf) -> None:
    rows = pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 5.0]})
    model = model_of(rows, "y")
    assert model.uncertainty is None
    assert half_width(model) is None
    with pytest.raises(
        BadTable, match="the model holds no residual deviation; set `interval_kind` to conformal"
    ):
        predict(model, {"x": pa.array([1.0])}, Interval(0.95, "prediction", None))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inverse": [[1.0, 2.0]]}, "is not a triangle of 1 columns"),
        ({"design": [{"column": "z", "level": None, "centre": 0.0}]}, "names 'z', None, which `inputs` lack"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    model_of: ModelOf, change: dict[str, object], message: str
) -> None:
    payload = json.loads(model_of(r_data("cars"), "dist").model_dump_json()) | {"checksum": None}
    payload["uncertainty"] |= change
    with pytest.raises(ValidationError, match=message):
        LinearModel.model_validate(payload)


def test_a_model_of_an_earlier_release_predicts_but_has_no_intervals() -> None:
    """As it was written by version 2, with its checksum."""
    model = LinearModel.model_validate_json(EARLIER)
    columns = {"x": pa.array([1.0]), "k": pa.array(["v"])}
    np.testing.assert_array_equal(predict(model, columns).values, [4.5])
    kinds: tuple[Kind, ...] = ("prediction", "conformal")
    for kind in kinds:
        with pytest.raises(
            BadTable, match=r"model.json is of an earlier release, which kept no .*; make the run"
        ):
            predict(model, columns, Interval(0.95, kind, 2.0))


def test_pooled_levels_share_weight_and_interval(tmp_path: Path) -> None:
    """In `predict` and in SQL, as a column that says "other" in their place does."""
    rows = r_data("warpbreaks")
    rows.loc[[3, 30], "tension"], rows.loc[[5, 33], "tension"] = "X", "Z"
    roles = ColumnRoles(("wool", "tension"), "breaks", ("wool", "tension"), min_frequency=4)
    merged = rows.assign(tension=rows["tension"].replace({"X": "other", "Z": "other"}))
    models = []
    for given in (rows, merged):
        table = pa.Table.from_pandas(given, preserve_index=False)
        encoding = fit(tally(table, roles), roles)
        matrix = encoding.apply(table).to_pandas().to_numpy(float)
        reference = solve(matrix[:, :-1], matrix[:, -1])
        with draft(tmp_path) as folder:
            write(folder, summed_up(reference, NONE))
            found, _ = read(publish(folder, tmp_path, "evaluate"), tmp_path, encoding)
        model = linear_model(encoding, reference.weights, reference.bias)
        models.append(model.model_copy(update={"uncertainty": found}).checked())
    features = rows.drop(columns="breaks")
    pooled, plain = bounds(models[0], features), bounds(models[1], merged.drop(columns="breaks"))
    np.testing.assert_allclose(pooled.values, plain.values, rtol=1e-12)
    np.testing.assert_allclose(pooled.bounds, plain.bounds, rtol=1e-12)
    with duckdb.connect() as database:
        database.register("t", rows)
        half = database.execute(f"SELECT {half_width(models[0])} AS half FROM t").fetchnumpy()["half"]  # noqa: S608
    np.testing.assert_allclose(half, pooled.bounds[1] - np.array(pooled.values), rtol=1e-9)
