"""Text and missing values as numbers: scikit-learn's answers, sums that merge, and nothing fitted to other rows."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from tasks.table.encoding import (
    Category,
    ColumnRoles,
    Encoding,
    Tally,
    encoding_notes,
    fit,
    merged,
    tally,
    width,
)
from tasks.table.errors import BadTable
from tasks.table.levels import MOST_LEVELS, RARE

LAYOUT = ColumnRoles(features=("size", "kind"), target="y", categorical=("kind",), fill=True)
CELLS = st.lists(
    st.tuples(st.none() | st.floats(-1e6, 1e6), st.none() | st.sampled_from(["a", "b", "ü|*", ""])),
    min_size=1,
    max_size=30,
)


def table(size: Sequence[float | None], kind: Sequence[str | None]) -> pa.Table:
    columns = {"size": pa.array(size, pa.float64()), "kind": pa.array(kind, pa.string())}
    return pa.table({**columns, "y": pa.array(np.arange(len(size)), pa.int64())})


def encoding_of(rows: pa.Table, layout: ColumnRoles = LAYOUT) -> Encoding:
    return fit(tally(rows, layout), layout)


def test_levels_and_means_are_scikit_learns() -> None:
    """`OneHotEncoder(drop="first")` and `SimpleImputer`, fitted to the training rows and applied to others."""
    rng = np.random.default_rng(0)
    size = np.where(rng.random(300) < 0.2, np.nan, rng.normal(50, 9, 300))
    kind = rng.choice(["Torgersen", "Biscoe", "Dream"], 300)
    train, other = slice(0, 200), slice(200, 300)
    encoding = encoding_of(table(size[train].tolist(), kind[train].tolist()))
    found = encoding.apply(table(size[other].tolist(), kind[other].tolist()))
    means = SimpleImputer().fit(size[train, None]).transform(size[other, None])
    levels = OneHotEncoder(drop="first", sparse_output=False).fit(kind[train, None])
    assert found.column_names == ["size", "kind=Dream", "kind=Torgersen", "y"]
    expected = np.column_stack([means, levels.transform(kind[other, None])])
    np.testing.assert_allclose(found.drop_columns("y").to_pandas().to_numpy(), expected, rtol=1e-15)
    assert found["y"].type == pa.int64()


@given(CELLS, st.integers(0, 30))
def test_the_sums_of_two_parts_merge_to_the_sums_of_all(
    cells: list[tuple[float | None, str | None]], cut: int
) -> None:
    """Counts exactly, sums to the rounding of their additions."""
    rows = table(*(list(column) for column in zip(*cells, strict=True)))
    whole = tally(rows, LAYOUT)
    parts = merged(tally(rows.slice(0, cut), LAYOUT), tally(rows.slice(cut), LAYOUT))
    assert (parts.rows, parts.missing) == (whole.rows, whole.missing)
    assert {name: +counts for name, counts in parts.levels.items()} == whole.levels
    scale = sum(abs(size) for size, _ in cells if size is not None)
    assert parts.sums["size"] == pytest.approx(whole.sums["size"], rel=1e-12, abs=1e-12 * scale)


@given(CELLS)
def test_encoded_rows_have_no_missing_value_and_average_to_the_training_means(
    cells: list[tuple[float | None, str | None]],
) -> None:
    """Replacing by the mean of what is encoded leaves every column's mean where it was."""
    sizes, kinds = (list(column) for column in zip(*cells, strict=True))
    if all(size is None for size in sizes) or all(kind is None for kind in kinds):
        return
    encoded = encoding_of(table(sizes, kinds)).apply(table(sizes, kinds)).to_pandas()
    assert encoded.notna().all().all()
    present = pd.Series(sizes, dtype=float)
    assert encoded["size"].mean() == pytest.approx(present.mean(), abs=1e-6)
    known = pd.Series([kind for kind in kinds if kind is not None])
    for column in encoded.columns[1:-1]:
        level = column.removeprefix("kind=")
        assert encoded[column].mean() == pytest.approx((known == level).mean(), abs=1e-12)


def test_nan_counts_as_missing() -> None:
    encoding = encoding_of(table([1.0, float("nan"), None, 5.0], ["a"] * 3 + ["b"]))
    assert encoding.apply(table([float("nan")], ["a"]))["size"].to_pylist() == [3.0]


def test_unknown_levels_count_as_an_average_row_and_are_named() -> None:
    """With counts, the most frequent first; the reference and the replaced values are stated too."""
    train, test = table([1, 2, None, 5], ["b", "a", "b", "b"]), table([1, 1, 1], ["c", "d\n", "c"])
    encoding = encoding_of(train)
    assert encoding.apply(test)["kind=b"].to_pylist() == [0.75] * 3
    assert list(encoding_notes(encoding, tally(train, LAYOUT), tally(test, LAYOUT))) == [
        "column 'size': 1 missing value replaced by the training rows' mean 2.66667",
        "column 'kind' is encoded by 1 column; the reference level is 'a'",
        (
            "column 'kind': 3 test rows with a level that no training row has, taken for an average row: "
            "'c' (2), 'd\\n' (1)"
        ),
    ]


def test_numbers_without_missing_values_pass_as_they_are() -> None:
    """No text, nothing to fill: the same columns, and nothing to say."""
    layout = ColumnRoles(features=("size",), target="y")
    rows = table([1, 2, 3], ["a", "b", "c"]).select(["size", "y"])
    encoding = encoding_of(rows, layout)
    assert encoding.apply(rows).equals(rows)
    assert list(encoding_notes(encoding, tally(rows, layout), tally(rows, layout))) == []
    assert width(iter(()), layout) == 2


def test_the_encoding_survives_json() -> None:
    encoding = encoding_of(table([0.1, 1e-300, 1 / 3], ["ü", "'", '"\\']))
    assert Encoding.model_validate_json(encoding.model_dump_json()) == encoding


@pytest.mark.parametrize(
    ("rows", "layout", "message"),
    [
        (table([None, None], ["a", "b"]), LAYOUT, "column 'size' has no value in any training row"),
        (table([1, 2], [None, None]), LAYOUT, "column 'kind' has no value in any training row"),
        (
            table([1, 2], ["a", "a"]),
            ColumnRoles(("kind",), "y", ("kind",)),
            "every feature has a single level in the training rows",
        ),
        (
            table([1, 2], ["a", "b"]).rename_columns(["kind=b", "kind", "y"]),
            ColumnRoles(("kind=b", "kind"), "y", ("kind",)),
            "two columns would be named 'kind=b'; rename one",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused_by_name(rows: pa.Table, layout: ColumnRoles, message: str) -> None:
    with pytest.raises(BadTable, match=re.escape(message)):
        encoding_of(rows, layout)


def test_the_width_counts_every_level_and_refuses_too_many() -> None:
    """Part by part, as the rows come."""
    some, more = table([1, 2], ["a", "b"]), table([1, 2], ["b", "c"])
    assert width([some, more], LAYOUT) == encoding_of(pa.concat_tables([some, more])).apply(some).num_columns
    names = [f"name {number}" for number in range(MOST_LEVELS + 1)]
    crowded = table([1.0] * len(names), names)
    assert width([crowded.slice(1)], LAYOUT) == MOST_LEVELS + 1
    with pytest.raises(BadTable, match="column 'kind' has more than 1,000 levels"):
        width([crowded], LAYOUT)


def test_an_empty_part_changes_nothing() -> None:
    rows = table([1, None], ["a", "b"])
    empty: Tally = tally(rows.slice(0, 0), LAYOUT)
    assert fit(merged(empty, tally(rows, LAYOUT)), LAYOUT) == encoding_of(rows)


def shops(counts: dict[str, int]) -> pa.Table:
    shop = [level for level, count in counts.items() for _ in range(count)]
    return pa.table({"shop": shop, "y": np.arange(len(shop), dtype=float)})


def test_rare_levels_are_pooled_as_one_behind_the_others() -> None:
    """As many training rows as asked for keep a level; the others share a column, and their shares."""
    rows = shops({"b": 5, "z": 1, "a": 4, "c": 3, "y": 2})
    roles = ColumnRoles(("shop",), "y", ("shop",), min_frequency=3)
    encoding = fit(tally(rows, roles), roles)
    (column,) = encoding.columns
    assert isinstance(column, Category)
    assert column.levels == ("a", "b", "c", RARE)
    assert column.pooled == ("y", "z")
    assert column.shares == pytest.approx((4 / 15, 5 / 15, 3 / 15, 3 / 15))
    encoded = encoding.apply(rows)
    assert encoded.column_names == ["shop=b", "shop=c", f"shop={RARE}", "y"]
    in_rare = [level in "yz" for level in rows["shop"].to_pylist()]
    assert encoded[f"shop={RARE}"].to_pylist() == in_rare
    assert width([rows], roles) == 4
    notes = list(encoding_notes(encoding, tally(rows, roles), tally(shops({"q": 1}), roles)))
    assert "column 'shop': 2 rare levels pooled as '(rare)', 20.00% of the training rows" in notes
    assert "'q' (1)" in notes[-1]


def test_five_thousand_levels_fit_when_the_rare_ones_are_pooled() -> None:
    rows = shops({f"shop {number}": 1 + number % 50 for number in range(5000)})
    plain = ColumnRoles(("shop",), "y", ("shop",))
    with pytest.raises(
        BadTable, match=r"more than 1,000 levels, .*; pool the rare ones with `min_frequency`"
    ):
        width([rows], plain)
    roles = ColumnRoles(("shop",), "y", ("shop",), min_frequency=46)
    assert width([rows], roles) == 501
    encoding = fit(tally(rows, roles), roles)
    assert len(encoding.features) == 500
    assert any(
        "501 levels, a weight each" in note for note in encoding_notes(encoding, *[tally(rows, roles)] * 2)
    )


def test_a_level_called_like_the_pool_is_refused() -> None:
    roles = ColumnRoles(("shop",), "y", ("shop",), min_frequency=2)
    with pytest.raises(BadTable, match=r"column 'shop' has a level '\(rare\)', .*; rename it"):
        fit(tally(shops({RARE: 3, "a": 3}), roles), roles)
