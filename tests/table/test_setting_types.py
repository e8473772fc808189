"""Settings that say which table is meant and how it is written: how they may be given, and what none of them can be."""

import pytest
from pydantic import ValidationError

from tasks.config import Input


def test_names_come_as_text_or_as_a_list_and_a_tab_in_letters() -> None:
    given = Input.model_validate({"data": "a", "target": "y", "features": "a, b", "delimiter": r"\t"})
    assert (given.features, given.delimiter) == (("a", "b"), "\t")
    listed = Input.model_validate({"data": "a", "target": "y", "features": ["a,b"]})
    assert listed.features == ("a,b",)


def test_a_list_of_places_is_one_text() -> None:
    """Whoever writes it: the settings of a list and of its text are the same."""
    listed = Input.model_validate({"data": ["a.csv", "b.csv"], "target": "y"})
    assert listed == Input.model_validate({"data": "a.csv,b.csv", "target": "y"})
    with pytest.raises(ValueError, match=r"`data` lists 'b,c.csv'; a path in a list has no comma"):
        Input.model_validate({"data": ["a.csv", "b,c.csv"], "target": "y"})
    with pytest.raises(ValueError, match=r"`data` of \['a.csv', 3\] is no list of paths"):
        Input.model_validate({"data": ["a.csv", 3], "target": "y"})
    with pytest.raises(ValueError, match="carries credentials"):
        Input.model_validate({"data": ["a.csv", "s3://key:secret@bucket/b.csv"], "target": "y"})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"data": "a\0b"}, "is not a path"),
        ({"encoding": "utf-99"}, "`encoding` of 'utf-99' is not known"),
        ({"delimiter": "ab"}, "`delimiter` of 'ab' cannot separate cells"),
        ({"decimal": ",", "thousands": ","}, "`decimal` and `thousands` are both ','"),
        ({"formula": "area + rooms"}, "`formula` of 'area + rooms' names no target"),
    ],
)
def test_what_no_table_can_be_is_refused(given: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Input.model_validate({"data": "a", **({} if "formula" in given else {"target": "y"}), **given})
    assert words in str(caught.value)
