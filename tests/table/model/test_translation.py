"""A model over another run's encoding predicts the rows as it does over its own."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.encoding import Category, ColumnRoles, Encoding, Number, fit, tally
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput, linear_model, predict
from tasks.table.model.translation import OtherColumns, translated
from tasks.table.terms.formula import parse

MODEL = LinearModel(
    target="y",
    bias=1.0,
    inputs=(
        NumberInput(name="x", weight=2.0, mean=None),
        CategoryInput(name="k", weights={"a": 0.0, "b": 3.0, "c": -1.0}, reference="a", average=0.5, fill=False),
    ),
)  # fmt: skip


def encoding(*columns: Number | Category, target: str = "y") -> Encoding:
    return Encoding(columns=columns, target=target)


def levels(*names: str) -> Category:
    return Category(name="k", levels=names, shares=tuple(1 / len(names) for _ in names))


@pytest.mark.parametrize("seen", [("a", "b", "c"), ("b", "c"), ("a", "b", "c", "d"), ("c", "e")])
def test_the_same_rows_get_the_same_predictions(seen: tuple[str, ...]) -> None:
    """Whatever levels today's rows have, in whatever order the columns are; a new column counts nothing."""
    rng = np.random.default_rng(0)
    rows = pa.table(
        {"new": rng.normal(size=50), "k": rng.choice(seen, 50), "x": rng.normal(size=50), "y": np.zeros(50)}
    )
    today = encoding(Number(name="new"), levels(*seen), Number(name="x"))
    found = translated(MODEL, today)
    *features, _ = (column.to_numpy() for column in today.apply(rows).columns)
    expected = predict(MODEL, {name: rows[name].combine_chunks() for name in ("x", "k")}).values
    np.testing.assert_allclose(np.stack(features).T @ found.weights + found.bias, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("today", "why"),
    [
        (encoding(Number(name="x")), "it needs the column 'k'"),
        (encoding(Number(name="x"), Number(name="k")), "the column 'k' has changed between numbers and text"),
        (encoding(Number(name="x"), levels("a"), target="z"), "it predicts 'y', not 'z'"),
    ],
)
def test_rows_that_it_cannot_predict_are_refused(today: Encoding, why: str) -> None:
    with pytest.raises(OtherColumns, match=why):
        translated(MODEL, today)


def test_terms_are_translated_as_long_as_they_are_the_same() -> None:
    """Of other rows with the same levels; a level more, and the columns are others."""
    roles = ColumnRoles((), "y", terms=parse("y ~ log(x) * k").terms("k"))
    rows = pa.table({"x": [1.0, 2.0, 4.0, 8.0], "k": ["a", "b", "b", "a"], "y": [0.0] * 4})
    before, today = (fit(tally(some, roles), roles) for some in (rows, rows.slice(1)))
    model = linear_model(before, [3.0, 2.0, -1.0], 0.5)
    found = translated(model, today)
    *features, _ = (column.to_numpy() for column in today.apply(rows).columns)
    expected = predict(model, {name: rows[name].combine_chunks() for name in ("x", "k")}).values
    np.testing.assert_allclose(np.stack(features).T @ found.weights + found.bias, expected, rtol=1e-12)

    more = fit(tally(rows.set_column(1, "k", pa.array(["a", "b", "c", "a"])), roles), roles)
    with pytest.raises(
        OtherColumns, match=r"its terms, such as 'log\(x\)', are not today's, or have other levels"
    ):
        translated(model, more)
    with pytest.raises(OtherColumns, match="needs the column 'x', which is not among today's features"):
        translated(MODEL, more)


def test_a_polynomial_is_translated_to_that_of_other_rows() -> None:
    """Its columns are others every night; only a product without its parts cannot be had of them."""
    rng = np.random.default_rng(0)
    rows = pa.table({"x": rng.uniform(1, 9, 40), "z": rng.normal(size=40), "y": np.zeros(40)})

    def fitted(text: str) -> tuple[Encoding, Encoding]:
        roles = ColumnRoles((), "y", terms=parse(text).terms(()))
        before, today = (fit(tally(some, roles), roles) for some in (rows, rows.slice(11)))
        return before, today

    before, today = fitted("y ~ poly(x, 2) * z")
    model = linear_model(before, [3.0, 2.0, -1.0, 0.5, 4.0], 0.5)
    found = translated(model, today)
    *features, _ = (column.to_numpy() for column in today.apply(rows).columns)
    expected = predict(model, {name: rows[name].combine_chunks() for name in ("x", "z")}).values
    np.testing.assert_allclose(np.stack(features).T @ found.weights + found.bias, expected, rtol=1e-10)

    before, today = fitted("y ~ scale(x):z")
    with pytest.raises(OtherColumns, match="its terms were fitted to other rows, and a product stands there"):
        translated(linear_model(before, [3.0], 0.5), today)
