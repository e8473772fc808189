"""One expression of standard SQL: literals to the last bit, names and text that cannot break out."""

import math
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.model.linear import CategoryInput, LinearModel, ModelInput, NumberInput
from tasks.table.model.sql import expression, identifier, literal, text

# SQLite knows neither zero bytes nor lone surrogates in text, and takes a column "true" for the word.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1).filter(
    lambda text: text.lower() not in {"true", "false"}
)


def selected(sql: str) -> object:
    with closing(sqlite3.connect(":memory:")) as database:
        return database.execute(f"select {sql}").fetchone()[0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_literal_is_read_back_to_the_last_bit(value: float) -> None:
    """It has an exponent, and brackets where it is negative: `3 - -2` would be a comment in some databases."""
    written = literal(value)
    assert "e" in written
    assert written.startswith("(") == (math.copysign(1, value) < 0)
    assert float(written.strip("()")) == value
    if 1e-290 < abs(value) < 1e290:  # SQLite rounds the outermost ones otherwise
        assert selected(written) == pytest.approx(value, rel=1e-15, abs=0)


@given(TEXTS)
def test_text_and_names_cannot_break_out(value: str) -> None:
    assert selected(text(value)) == value
    assert selected(f"{identifier(value)} from (select 7 as {identifier(value)})") == 7


def computed(inputs: tuple[ModelInput, ...], row: dict[str, object], bias: float = 10.0) -> object:
    """Return the expression's value for one row, by SQLite."""
    sql = expression(LinearModel(target="y", bias=bias, inputs=inputs))
    columns = ", ".join(f"? as {identifier(name)}" for name in row)
    with closing(sqlite3.connect(":memory:")) as database:
        query = f"select {sql} from (select {columns})"  # noqa: S608
        return database.execute(query, tuple(row.values())).fetchone()[0]


def test_a_number_and_what_replaces_it() -> None:
    without, with_mean = (NumberInput(name="x", weight=2.0, mean=mean) for mean in (None, 0.5))
    assert computed((without,), {"x": 3}) == 16
    assert computed((without,), {"x": None}) is None
    assert computed((with_mean,), {"x": None}) == 11


def test_a_category_and_what_replaces_it() -> None:
    weights = {"a": 0.0, "it's": 2.0}
    filled, strict = (
        CategoryInput(name="k", weights=weights, reference="a", average=0.5, fill=fill)
        for fill in (True, False)
    )
    for column in (filled, strict):
        assert computed((column,), {"k": "it's"}) == 12
        assert computed((column,), {"k": "a"}) == 10
        assert computed((column,), {"k": "new"}) == 10.5
    assert computed((filled,), {"k": None}) == 10.5
    assert computed((strict,), {"k": None}) is None


def test_terms_are_added_in_the_columns_order() -> None:
    """A line for each, the bias first, so that rounding is that of `predict`."""
    inputs = tuple(NumberInput(name=name, weight=1.0, mean=None) for name in "abc")
    lines = expression(LinearModel(target="y", bias=1.5, inputs=inputs)).splitlines()
    assert lines[0] == "1.5e0"
    assert [line.split('"')[1] for line in lines[1:]] == ["a", "b", "c"]
    assert computed(inputs, {"a": 1e16, "b": 1.0, "c": -1e16}, bias=0.0) == (0.0 + 1e16) + 1.0 - 1e16
