"""A model over another run's encoding predicts the rows as it does over its own."""

import numpy as np
import pyarrow as pa
import pytest

from tasks.table.encoding import Category, Encoding, Number
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput, predict
from tasks.table.model.translation import OtherColumns, translated

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
