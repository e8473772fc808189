"""One expression of standard SQL, computed by SQLite."""

import sqlite3
from contextlib import closing

from tasks.table.model.linear import CategoryInput, LinearModel, ModelInput, NumberInput
from tasks.table.model.sql import expression
from tasks.table.model.sql_dialect import identifier


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
