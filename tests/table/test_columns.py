"""Choosing columns by name and type."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.columns import Columns, Wanted, choose
from tasks.table.errors import BadTable, quoted

SCHEMA = pa.schema(
    {
        "island": pa.string(),
        "bill_len": pa.float64(),
        "sex": pa.bool_(),
        "price": pa.decimal128(8, 2),
        "year": pa.int16(),
        "born": pa.date32(),
        "note": pa.null(),
        "tags": pa.list_(pa.int64()),
        "grade": pa.dictionary(pa.int8(), pa.string()),
        "body_mass": pa.float32(),
    }
)


LISTING = (
    "the table's columns: 'island', 'bill_len', 'sex', 'price', 'year', 'born', 'note', 'tags' and 2 more"
)


def test_by_default_every_numeric_column_but_the_target_is_a_feature() -> None:
    """Ints, floats, decimals and booleans are numbers; the rest is left out, and said to be."""
    chosen = choose(SCHEMA, Wanted("body_mass"))
    assert chosen.features == ("bill_len", "sex", "price", "year")
    assert chosen.left_out == ("island", "born", "note", "tags", "grade")
    assert chosen.used == ("bill_len", "sex", "price", "year", "body_mass")


def test_named_features_keep_the_order_given() -> None:
    """The order of the weights is the user's."""
    chosen = choose(SCHEMA, Wanted("body_mass", ("year", "bill_len")))
    assert chosen == Columns(("year", "bill_len"), "body_mass")


@pytest.mark.parametrize(
    ("wanted", "features"),
    [
        (Wanted("body_mass", ("bill_*", "year")), ("bill_len", "year")),
        (Wanted("body_mass", ("*",), exclude=("year", "s?x")), ("bill_len", "price")),
        (
            Wanted("body_mass", exclude=("p*", "i*", "born", "note", "tags", "grade")),
            ("bill_len", "sex", "year"),
        ),
        (Wanted("body_mass", categorical=("island",)), ("island", "bill_len", "sex", "price", "year")),
        (Wanted("body_mass", ("price",), categorical=("grade", "island")), ("price", "grade", "island")),
        (Wanted("bill_len", ("b*",)), ("body_mass",)),
    ],
)
def test_patterns_excluded_and_categorical_columns(wanted: Wanted, features: tuple[str, ...]) -> None:
    """A pattern takes the numeric columns that it matches but the target; what is excluded is out in any case."""
    chosen = choose(SCHEMA, wanted)
    assert chosen.features == features
    assert chosen.categorical == tuple(name for name in features if name in {"island", "grade"})


def test_a_name_is_taken_before_it_is_a_pattern() -> None:
    """Columns may be called like patterns."""
    schema = pa.schema({"a*": pa.int64(), "ab": pa.int64(), "y": pa.int64()})
    assert choose(schema, Wanted("y", ("a*",))).features == ("a*",)
    assert choose(schema, Wanted("y", exclude=("a*",))).features == ("ab",)


def test_in_a_text_file_any_column_can_be_one_of_categories() -> None:
    """Its cells are text, whatever they look like."""
    wanted = Wanted("body_mass", ("year",), categorical=("bill_len", "born"))
    assert choose(SCHEMA, wanted, cells_are_text=True).categorical == ("bill_len", "born")
    with pytest.raises(BadTable, match="column 'born' holds 'date32\\[day\\]' values; a category is text"):
        choose(SCHEMA, wanted)


@pytest.mark.parametrize(
    ("target", "features", "text"),
    [
        ("body_mas", None, "`target`: no column is named 'body_mas'; did you mean 'body_mass'?"),
        ("BODY_MASS ", None, "`target`: no column is named 'BODY_MASS '; did you mean 'body_mass'?"),
        ("body_mass", ["bil_len"], "`features`: no column is named 'bil_len'; did you mean 'bill_len'?"),
        (
            "qqq",
            None,
            (f"`target`: no column is named 'qqq'; {LISTING}"),
        ),
        (
            "body_mass",
            ["year", "body_mass"],
            "`features` include the target 'body_mass'; take it out, a column cannot predict itself",
        ),
        ("body_mass", ["year", "year"], "`features` name 'year' 2 times; name it once"),
        (
            "body_mass",
            [],
            "`features` is empty; name at least one column, or leave it out to use every numeric one",
        ),
        (
            "body_mass",
            ["island"],
            "column 'island' holds text; add it to `categorical`, encode it as numbers, or drop it",
        ),
        ("grade", ["year"], "column 'grade' holds text; encode it as numbers, or choose another `target`"),
        ("body_mass", ["q*"], f"`features`: no column matches 'q*'; {LISTING}"),
        (
            "body_mass",
            ["born"],
            (
                "column 'born' holds dates or times (date32[day]); "
                "turn it into a number, such as days since a start"
            ),
        ),
        (
            "body_mass",
            ["note"],
            "column 'note' is empty, no row has a value; fill it in, or choose other columns",
        ),
        (
            "body_mass",
            ["tags"],
            "column 'tags' holds 'list<item: int64>' values; turn it into numbers, or choose other columns",
        ),
    ],
)
def test_columns_that_cannot_be_used_are_refused_by_name(
    target: str, features: Sequence[str] | None, text: str
) -> None:
    """One line: which field or column, what is wrong, what to do."""
    with pytest.raises(BadTable, match=f"^{re.escape(text)}$"):
        choose(SCHEMA, Wanted(target, None if features is None else tuple(features)))


def test_a_table_with_no_other_number_has_no_features() -> None:
    """The columns that there are get listed."""
    with pytest.raises(BadTable) as caught:
        choose(pa.schema({"k": pa.string(), "y": pa.int64()}), Wanted("y"))
    assert str(caught.value) == (
        "`features`: no column but the target 'y' holds numbers; the table's columns: 'k', 'y'"
    )


def numeric(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.float64()) for name in names])


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["x", "y", "x"], "2 columns are named 'x' (1 and 3); rename all but one"),
        (
            ["", "x", "y", " "],
            (
                "2 findings: "
                "column 1 has no name; name it, `exclude` '' (pandas: `index=False`), or list `features` | "
                "column 4 has no name; name it, `exclude` '' (pandas: `index=False`), or list `features`"
            ),
        ),
        (
            ["x", "y", "__index_level_0__"],
            "column '__index_level_0__' is pandas' row index; write with `index=False`, or list `features`",
        ),
        (
            ["1.5", "2"],
            "`target`: no column is named 'y'; the first row holds numbers; put the columns' names above it",
        ),
        ([], "`target`: no column is named 'y'; the table's columns: "),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(names: list[str], text: str) -> None:
    """Only by default: names that are not used do not matter."""
    with pytest.raises(BadTable) as caught:
        choose(numeric(names), Wanted("y"))
    assert str(caught.value) == text


def test_names_that_are_not_used_do_not_matter() -> None:
    """With explicit features, doubled and empty names elsewhere are fine."""
    assert choose(numeric(["", "k", "k", "x", "y"]), Wanted("y", ("x",))).features == ("x",)


def test_all_findings_come_together() -> None:
    """One run shows everything that is to be mended."""
    with pytest.raises(BadTable) as caught:
        choose(numeric(["x", "x", "y"]), Wanted("yy", ("x", "x", "w"), exclude=("v",)))
    assert [finding.rule for finding in caught.value.violations] == [
        "unknown-column",
        "unknown-column",
        "unknown-column",
        "setting",
        "duplicate-names",
    ]


def test_columns_without_a_name_of_their_own_can_be_done_without() -> None:
    """Turned into a warning, the rule leaves them out; the target itself must be one column."""
    names = ["x", "k", "k", "", "y"]
    chosen = choose(numeric(names), Wanted("y"), ["duplicate-names", "unnamed-columns"])
    assert chosen.features == ("x",)
    assert [finding.rule for finding in chosen.warnings] == ["duplicate-names", "unnamed-columns"]
    with pytest.raises(BadTable, match="2 columns are named 'k'"):
        choose(numeric(names), Wanted("k"), ["duplicate-names", "unnamed-columns"])


HOSTILE = st.text(st.characters(codec="utf-8"), min_size=1, max_size=80)


@given(HOSTILE, HOSTILE)
def test_hostile_names_never_reach_the_terminal_raw(name: str, other: str) -> None:
    """Whatever the columns are called, the message is one printable line of limited length."""
    try:
        choose(pa.schema([(name, pa.string()), ("y", pa.int64())]), Wanted("y", (other,)))
    except BadTable as error:
        assert str(error).isprintable()  # noqa: PT017 - names that happen to be sound raise nothing
        assert len(str(error)) < 500  # noqa: PT017


def test_shown_cuts_long_values() -> None:
    """A cell of a megabyte does not fill the screen."""
    assert quoted("a" * 1_000_000) == "'" + "a" * 57 + "…'"
