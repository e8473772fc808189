"""Whether the files of a table agree: about each used column, by its stored type."""

from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tasks.table.columns import Columns, Wanted
from tasks.table.consistency import disagreements
from tasks.table.errors import Violation
from tasks.table.sources.reader import Preview
from tasks.table.sources.source import Written

FIRST = {"x": pa.float64(), "k": pa.string(), "y": pa.float64()}


def look(name: str, types: dict[str, pa.DataType] | None, *, is_text: bool) -> Preview:
    """Stand for the first look at a file."""
    member: Any = SimpleNamespace(name=name)
    contents: Any = SimpleNamespace(written=Written(is_text=is_text))
    return Preview(member, contents, stored=None if types is None else pa.schema(types))


def found(*others: dict[str, pa.DataType] | None, is_text: bool = False, **wanted: Any) -> list[Violation]:
    """Compare files with the first one, whose numbers are features and whose text is a category."""
    looks = [look(f"{number}", types, is_text=is_text) for number, types in enumerate([FIRST, *others])]
    columns = Columns(("x", "k"), "y", categorical=("k",))
    return list(disagreements(looks, columns, Wanted("y", **wanted)))


@pytest.mark.parametrize("is_text", [True, False])
def test_files_of_one_schema_agree_in_any_order_of_columns(is_text: bool) -> None:
    assert found(FIRST, dict(reversed(FIRST.items())), None, is_text=is_text) == []


@pytest.mark.parametrize(
    ("column", "kind", "agrees_in_text", "agrees"),
    [
        ("x", pa.int64(), True, False),  # text has no types of its own: 1 in one file is 1.5 in another
        ("x", pa.string(), False, False),
        ("x", pa.null(), True, True),  # an empty column is of any type
        ("k", pa.int64(), True, True),  # whole numbers can be categories, by their digits
        ("k", pa.float64(), True, True),  # and 1.0 is the level 1
        ("k", pa.dictionary(pa.int8(), pa.string()), True, True),
        ("y", pa.float32(), True, False),
    ],
)
def test_a_column_of_another_type(column: str, kind: pa.DataType, agrees_in_text: bool, agrees: bool) -> None:
    for is_text, same in ((True, agrees_in_text), (False, agrees)):
        breaches = found(FIRST, FIRST | {column: kind}, is_text=is_text)
        assert [(each.rule, each.column, each.file) for each in breaches] == (
            [] if same else [("mixed-types", column, "2")]
        )


def test_a_column_that_is_absent_is_named() -> None:
    (breach,) = found({name: kind for name, kind in FIRST.items() if name != "x"})
    assert breach.problem == "column 'x' is absent in '1' but double in '0'"


def test_a_number_that_only_another_file_has_would_be_a_feature() -> None:
    """Unless the features are named, or it is excluded."""
    more = FIRST | {"z": pa.int64()}
    assert [each.column for each in found(more)] == ["z"]
    assert found(more, exclude=("z",)) == []
    assert found(more, features=("x",)) == []
    assert found(FIRST | {"note": pa.string()}) == []
