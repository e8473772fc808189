"""The one schema: presets, what goes over what, limits, and messages that say what to do."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasks.config import PRESETS, Cleaning, Settings, overlaid, schema_fields, values

LEAVES = st.none() | st.integers()
NESTED = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, min_size=1, max_size=3),  # an empty section sets nothing
    lambda inner: st.dictionaries(st.sampled_from("abc"), LEAVES | inner, min_size=1, max_size=3),
)


def paths(mapping: Any, above: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Return every value of a nested mapping under its path."""
    if not isinstance(mapping, dict):
        return {above: mapping}
    return {
        path: value for name, inner in mapping.items() for path, value in paths(inner, (*above, name)).items()
    }


@given(NESTED, NESTED)
def test_what_is_laid_over_wins_and_the_rest_stays(below: dict[str, Any], above: dict[str, Any]) -> None:
    """Value by value: a section that gives one setting keeps the others."""
    before = (str(below), str(above))
    merged = paths(overlaid(below, above))
    over = paths(above)
    assert over.items() <= merged.items()
    for path, value in paths(below).items():
        hidden = any(path[: len(each)] == each or each[: len(path)] == path for each in over)
        assert hidden or merged[path] == value
    assert (str(below), str(above)) == before


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_decides_what_is_not_given(preset: str) -> None:
    settings = Settings.model_validate({"preset": preset, "training": {"epochs": 7}})
    expected = paths(overlaid(PRESETS[preset], {"training": {"epochs": 7}}))
    found = paths(settings.model_dump())
    assert {path: found[path] for path in expected} == expected


def test_every_setting_is_listed_once_and_described() -> None:
    """What flags and forms are made of: a name leads to one setting, whatever its section."""
    listed = list(schema_fields())
    names = [setting.name for setting in listed]
    assert len(set(names)) == len(names)
    assert all(setting.field.description for setting in listed)
    dumped = Settings().model_dump()
    assert {str(setting): value for setting, value in values(dumped)} == {
        ".".join(path): value for path, value in paths(dumped).items()
    }


def test_a_dump_of_an_earlier_release_lacks_settings() -> None:
    assert [(str(setting), value) for setting, value in values({"seed": 3, "training": {"epochs": 2}})] == [
        ("seed", 3),
        ("training.epochs", 2),
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"problem": {"lowest": 3, "highest": 3}}, "`lowest` of 3 is not below `highest` of 3"),
        ({"input": {"target": "y"}}, "`target`: only for a table of your own; add `data`"),
        ({"input": {"data": "a.csv"}}, "`target`"),
        (
            {"input": {"data": "a.csv", "target": "y"}, "problem": {"rows": 5}},
            "`rows` belongs to the example problem",
        ),
        ({"training": {"epoch": 3}}, "Extra inputs are not permitted"),
        ({"problem": {"noise": float("nan")}}, "finite number"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    assert words in str(caught.value)


def test_hashing_all_columns_needs_their_names() -> None:
    """A pattern may match a column that comes later, and then every row would move."""
    table = {"data": "a.csv", "target": "y"}
    hashed = {"split": {"method": "hash"}}
    for certain in ({"features": "a,b"}, {}):
        given = {"input": table | certain, **hashed}
        if certain:
            Settings.model_validate(given)
        else:
            with pytest.raises(ValidationError, match="a new column would move every row"):
                Settings.model_validate(given)
    with pytest.raises(ValidationError, match="a new column would move every row"):
        Settings.model_validate({"input": table | {"features": "a*"}, **hashed})


@pytest.mark.parametrize(
    ("text", "duration"),
    [("12h", timedelta(hours=12)), ("30d", timedelta(days=30)), ("8w", timedelta(weeks=8))],
)
def test_durations(text: str, duration: timedelta) -> None:
    assert Cleaning.model_validate({"older_than": text}).older_than == duration


@pytest.mark.parametrize("text", ["30", "d", "-1d", "1.5d", "3 d", "30D", 30])
def test_what_is_no_duration_is_refused_with_examples(text: object) -> None:
    with pytest.raises(ValidationError, match="write 12h, 30d or 8w"):
        Cleaning.model_validate({"older_than": text})


@pytest.mark.parametrize(
    "address", ["bucket/prefix", "ftp://host/x", "s3://", "s3:///", "s3://bucket?x=1", "S3://b"]
)
def test_what_is_no_address_of_an_object_store_is_no_remote(address: str) -> None:
    with pytest.raises(ValidationError, match="is no address of an object store; give s3://bucket/prefix"):
        Settings.model_validate({"remote": address})


@pytest.mark.parametrize("address", ["s3://bucket", "gs://b/p", "az://c/p/q", "file:///mnt/shared"])
def test_a_remotes_address_loses_its_last_slash_alone(address: str) -> None:
    assert Settings.model_validate({"remote": f"{address}/"}).remote == address
