"""The design of terms: R's `model.matrix` on ten formulas, sums that merge, and nothing fitted to other rows."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import formulaic
import numpy as np
import pyarrow as pa
import pytest

from tasks.table.dates import TIME
from tasks.table.errors import BadTable
from tasks.table.levels import RARE
from tasks.table.terms.design import (
    Design,
    Terms,
    count_term_levels,
    fit_terms,
    tally_terms,
    term_columns,
    term_notes,
)
from tasks.table.terms.formula import date_terms, parse
from tasks.table.terms.variables import FittedPolynomial
from tests.r_data import r_data

ROWS = 60
TEXTS = ("city", "kind")


def table(rows: int = ROWS, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "area": rng.uniform(20, 200, rows),
            "age": rng.uniform(0, 9, rows),
            "net income": rng.lognormal(10, 1, rows),
            "city": rng.choice(["Bonn", "Oslo", "Rom"], rows),
            "kind": rng.choice(["flat", "house"], rows),
            "store": rng.choice(["1", "10", "2"], rows),
        }
    )


def designed(terms: Terms, rows: pa.Table, *, fill: bool = False, min_frequency: int = 1) -> Design:
    return fit_terms(terms, tally_terms(terms, rows), fill=fill, min_frequency=min_frequency)


def design_of(text: str, rows: pa.Table, *, fill: bool = False, min_frequency: int = 1) -> Design:
    terms = parse(f"y ~ {text}").terms([*TEXTS, *parse(f"y ~ {text}").levels])
    return designed(terms, rows, fill=fill, min_frequency=min_frequency)


FORMULAS = [
    "area",
    "area + city",
    "area * city",
    "city * kind",
    "city * kind * area",
    "city + city:area",
    "log(`net income`) + area:kind + kind",
    "(area + city + kind)**2 - area:city",
    "C(store) + I((age + 1)**2 / 3) + sqrt(age) + exp(-age)",
    "city / kind",
]
# Their columns are fitted to the training rows, by sums.
FITTED = [
    "poly(area, 3) * city + poly(age, 2, raw=TRUE)",
    "scale(area) + center(age) + scale(log(age), center=FALSE)",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_columns_are_those_of_model_matrix(text: str) -> None:
    """Another implementation's, to the last bit: formulaic follows R's coding in these ten."""
    rows = table()
    design = design_of(text, rows)
    names = {"net_income": "net income"}
    frame = rows.to_pandas().rename(columns={old: new for new, old in names.items()})
    context = {"log": np.log, "sqrt": np.sqrt, "exp": np.exp}
    oracle = formulaic.model_matrix(text.replace("`net income`", "net_income"), frame, context=context)
    expected = {_named(name).replace("net_income", "net income"): oracle[name] for name in oracle}
    del expected["Intercept"]

    found = dict(zip(design.features, design.apply(rows), strict=True))
    assert {frozenset(name.split(":")) for name in found} == {frozenset(name.split(":")) for name in expected}
    for name, column in found.items():
        (other,) = [each for each in expected if frozenset(each.split(":")) == frozenset(name.split(":"))]
        np.testing.assert_allclose(column, expected[other], rtol=4e-16, atol=0)


@pytest.mark.parametrize(
    "text",
    [
        *("poly(age, 3)", "poly(log(area), degree=2)", "poly(area, 3, raw=TRUE)"),
        *("scale(age)", "center(area)", "scale(area, scale=FALSE)", "scale(area, center=FALSE)"),
    ],
)
def test_what_is_fitted_agrees_with_formulaic(text: str) -> None:
    """Its columns in their order; formulaic's own tests hold them against R."""
    rows = table()
    words = text.replace("TRUE", "True").replace("FALSE", "False")
    oracle = formulaic.model_matrix(words, rows.to_pandas(), context={"log": np.log}).drop(
        columns="Intercept"
    )
    np.testing.assert_allclose(
        np.column_stack(design_of(text, rows).apply(rows)), oracle, rtol=1e-10, atol=1e-12
    )


@pytest.mark.parametrize(("degree", "deviance"), [(1, 11354), (2, 10825), (3, 10634), (4, 10298)])
def test_fits_of_cars_are_those_of_the_manual(degree: int, deviance: float) -> None:
    """R's help page `cars` prints the residual sum of squares of each degree, and `poly` is the same `model.matrix`."""
    cars = pa.Table.from_pandas(r_data("cars"))
    columns = np.column_stack([np.ones(50), *design_of(f"poly(speed, {degree})", cars).apply(cars)])
    _, (found,), *_ = np.linalg.lstsq(columns, cars["dist"].to_numpy().astype(float))
    assert round(found) == deviance


def test_weights_of_cars_are_those_that_r_prints() -> None:
    """`lm(dist ~ poly(speed, 2), cars)`: 42.980, 145.552 and 22.996; `coefs` begin with the mean."""
    cars = pa.Table.from_pandas(r_data("cars"))
    design = design_of("poly(speed, 2)", cars)
    columns = np.column_stack([np.ones(50), *design.apply(cars)])
    found, *_ = np.linalg.lstsq(columns, cars["dist"].to_numpy().astype(float))
    assert found.round(3).tolist() == [42.98, 145.552, 22.996]
    (fitted,) = design.variables
    assert isinstance(fitted, FittedPolynomial)
    assert [round(each, 4) for each in fitted.alpha] == [15.4, 14.8035]
    assert [round(each, 2) for each in fitted.norm2] == [1, 50, 1370, 52923.58]


def test_orthogonal_columns_of_new_rows_are_those_of_the_training_rows() -> None:
    """Whatever the new ones are: R's `predict`. A gap counts as the mean, which is 0, and a product has one as well."""
    rows = table()
    design = design_of("poly(age, 2) * scale(area)", rows, fill=True)
    assert design.features[:3] == ("poly(age, 2)1", "poly(age, 2)2", "scale(area)")
    assert design.features[3:] == ("poly(age, 2)1:scale(area)", "poly(age, 2)2:scale(area)")
    alone = [each[:1] for each in design.apply(rows)]
    assert np.array_equal(alone, design.apply(rows.slice(0, 1)))
    gap = pa.table({"age": pa.array([None], pa.float64()), "area": [100.0]})
    one, two, scaled, *products = (float(each[0]) for each in design.apply(gap))
    area = rows["area"].to_numpy()
    assert (one, two, products) == (0.0, 0.0, [0.0, 0.0])
    assert scaled == pytest.approx((100 - area.mean()) / area.std(ddof=1), rel=1e-13)


def _named(name: str) -> str:
    """Write formulaic's `C(store)[T.10]` as `store=10`."""
    return re.sub(r"(?:C\((\w+)\)|(\w+))\[(?:T\.)?([^]]*)\]", r"\1\2=\3", name)


def test_an_interaction_is_laid_out_as_r_does() -> None:
    """By hand: `model.matrix(~ a * b)` of all pairs; the first factor varies fastest, the first levels have none."""
    rows = pa.table({"city": ["p", "q", "r"] * 2, "kind": ["u"] * 3 + ["v"] * 3})
    design = design_of("city * kind", rows)
    assert design.features == (
        *("city=q", "city=r", "kind=v"),
        *("city=q:kind=v", "city=r:kind=v"),
    )
    assert np.column_stack(design.apply(rows)).astype(int).tolist() == [
        [0, 0, 0, 0, 0],
        [1, 0, 0, 0, 0],
        [0, 1, 0, 0, 0],
        [0, 0, 1, 0, 0],
        [1, 0, 1, 1, 0],
        [0, 1, 1, 0, 1],
    ]


def test_levels_without_a_main_effect_are_coded_in_full() -> None:
    """R's `~ x:a` has a slope for each level, and `~ a:b` a column for each pair."""
    rows = table()
    assert design_of("area:city", rows).features == ("area:city=Bonn", "area:city=Oslo", "area:city=Rom")
    assert len(design_of("city:kind", rows).features) == 6


def test_months_and_weekdays_are_levels_in_their_order() -> None:
    """Of the calendar, not of the alphabet; the first that training rows have is the reference."""
    days = [datetime(2024, month, day, tzinfo=UTC) for month, day in ((11, 4), (2, 13), (3, 10), (2, 14))]
    rows = pa.table({"d": pa.array(days, TIME)})
    design = designed(date_terms(["d"]), rows)
    assert design.features == (
        "year(d)",
        *("month(d)=3", "month(d)=11"),
        *("weekday(d)=Tuesday", "weekday(d)=Wednesday", "weekday(d)=Sunday"),
        "trend(d)",
    )
    columns = dict(zip(design.features, design.apply(rows), strict=True))
    assert columns["month(d)=11"].tolist() == [1, 0, 0, 0]
    assert columns["weekday(d)=Sunday"].tolist() == [0, 0, 1, 0]
    assert columns["year(d)"].tolist() == [2024] * 4


@pytest.mark.parametrize("text", [*FORMULAS, *FITTED])
def test_sums_over_parts_give_the_same_design(text: str) -> None:
    """As large data has it; rows of three parts in place of all at once."""
    rows = table()
    terms = parse(f"y ~ {text}").terms([*TEXTS, "store"])
    first, *others = [tally_terms(terms, rows.slice(start, 20)) for start in range(0, ROWS, 20)]
    for other in others:
        first += other
    whole = designed(terms, rows, fill=True)
    in_parts = fit_terms(terms, first, fill=True, min_frequency=1)
    assert whole.features == in_parts.features
    np.testing.assert_allclose(
        np.column_stack(whole.apply(rows)), np.column_stack(in_parts.apply(rows)), rtol=1e-12, atol=1e-14
    )


def test_what_is_not_known_counts_as_the_training_mean() -> None:
    """Of each variable by itself, and so in products: a new city has the average slope."""
    rows = table()
    design = design_of("log(area) * city", rows, fill=True)
    new = pa.table({"area": pa.array([100.0, None]), "city": ["Wien", "Oslo"]})
    columns = dict(zip(design.features, design.apply(new), strict=True))
    share = np.mean(np.array(rows["city"].to_pylist()) == "Oslo")
    mean = np.log(rows["area"].to_numpy()).mean()
    np.testing.assert_allclose(columns["city=Oslo"], [share, 1.0])
    np.testing.assert_allclose(columns["log(area)"], [np.log(100), mean])
    np.testing.assert_allclose(columns["log(area):city=Oslo"], [np.log(100) * share, mean])


def test_without_replacement_a_missing_value_has_no_columns() -> None:
    """Not a number in each of its own, and in those alone."""
    design = design_of("log(area) + city", table())
    new = pa.table({"area": pa.array([None, 1.0]), "city": pa.array(["Oslo", None])})
    columns = np.column_stack(design.apply(new))
    assert np.isnan(columns).tolist() == [[True, False, False], [False, True, True]]


def test_rare_levels_are_pooled() -> None:
    """As the levels of other columns are."""
    rows = pa.table({"city": ["a"] * 5 + ["b"] * 5 + ["c"]})
    design = design_of("city", rows, min_frequency=2)
    assert design.features == ("city=b", f"city={RARE}")
    assert design.apply(rows)[1].tolist() == [0] * 10 + [1]


def test_the_columns_are_counted_before_they_are_made() -> None:
    """So that their number can be refused."""
    rows = table()
    for text in [*FORMULAS, *FITTED]:
        terms = parse(f"y ~ {text}").terms([*TEXTS, "store"])
        levels = {label: len(each) for label, each in count_term_levels(terms, rows).items()}
        assert term_columns(terms, levels) == len(designed(terms, rows).features)
    terms = parse("y ~ C(a):C(b)").terms(())
    with pytest.raises(
        BadTable, match="term 'a:b' would have 10,000 columns, 5,000 are allowed; leave it out"
    ):
        term_columns(terms, {"a": 100, "b": 100})


def test_notes_say_what_was_fitted_and_what_is_new() -> None:
    """References, replaced values, levels of test rows alone."""
    terms = parse("y ~ log(area) + city").terms(TEXTS)
    rows = table()
    tests = pa.table({"area": pa.array([None], pa.float64()), "city": ["Wien"]})
    training = tally_terms(terms, rows)
    design = fit_terms(terms, training, fill=True, min_frequency=1)
    assert [*term_notes(design, training, tally_terms(terms, tests))] == [
        "term 'log(area)': 1 missing value replaced by the training rows' mean",
        "term 'city' has 3 levels; the reference is 'Bonn'",
        "column 'city': 1 test row with a level that no training row has, taken for an average row: 'Wien' (1)",
    ]


@pytest.mark.parametrize("values", [[None, None], []])
def test_a_term_without_any_value_is_refused(values: Sequence[float | None]) -> None:
    """It has no mean and no levels."""
    rows = pa.table({"area": pa.array(values, pa.float64())})
    with pytest.raises(BadTable, match=r"term 'log\(area\)' has no value in any training row"):
        design_of("log(area)", rows)


def test_designs_are_alike_whatever_stands_in_for_gaps() -> None:
    """So that a champion predicts today's rows; with other levels it does not."""
    one, other = (design_of("log(area) * city", table(seed=seed), fill=True) for seed in (0, 1))
    assert one != other
    assert one.is_like(other)
    rows = table()
    fewer = rows.filter(pa.array([city != "Rom" for city in rows["city"].to_pylist()]))
    assert not one.is_like(design_of("log(area) * city", fewer))
    assert not one.is_like(design_of("sqrt(area) * city", rows))


def test_a_design_survives_json() -> None:
    """Every number to the last bit."""
    design = design_of("log(area) * city + I(age**0.1) + poly(age, 3) + scale(area)", table(), fill=True)
    assert Design.model_validate_json(design.model_dump_json()) == design
