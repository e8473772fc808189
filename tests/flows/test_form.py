"""The flow's parameters as Prefect's UI asks for them: grouped, with help and limits, and true to the preset."""

from typing import Any

import pytest
from prefect.utilities.callables import get_call_parameters
from prefect.utilities.schema_tools.validation import ValidationError, validate

from flows.regression import regression
from tasks.config import PRESETS, Settings
from tests.table.sources.test_address import CARRYING, PLAIN

SCHEMA = regression.parameters.model_dump()
GROUPS: dict[str, Any] = SCHEMA["definitions"]


def as_filled_in(definition: str) -> dict[str, Any]:
    """Return what the UI sends when nobody has touched this group: every default that its schema has."""
    filled: dict[str, Any] = {}
    for name, field in GROUPS[definition]["properties"].items():
        if "$ref" in field:
            filled[name] = as_filled_in(field["$ref"].rpartition("/")[2])
        elif "default" in field:
            filled[name] = field["default"]
    return filled


@pytest.mark.parametrize("preset", PRESETS)
def test_a_form_in_which_only_the_preset_was_chosen_means_the_preset(preset: str) -> None:
    """What is filled in beside it changes nothing."""
    sent = as_filled_in("Settings") | {"preset": preset}
    assert len(sent["training"]) > 2
    assert Settings.model_validate(sent) == Settings.model_validate({"preset": preset})


def test_the_default_of_the_whole_is_the_preset_alone() -> None:
    """A deployment without parameters shows the same form."""
    assert SCHEMA["properties"]["settings"]["default"] == {"preset": "default"}


def test_every_field_has_help_and_its_limits() -> None:
    helps = {
        f"{group}.{name}": str(field["description"])
        for group, definition in GROUPS.items()
        for name, field in definition["properties"].items()
    }
    assert all(help.strip() for help in helps.values())
    assert helps["Training.epochs"] == "Passes over the training rows. At least 1 and at most 1,000,000."
    assert helps["Training.learning_rate"].endswith("Above 0.")
    assert helps["Problem.noise"].endswith("At least 0. Empty: the preset's (1.0; article: 10.0).")
    assert {"Problem", "Input", "Split", "Training"} <= set(GROUPS)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"training": {"epochs": 0}}, r"'settings\.training\.epochs'.*0 is less than the minimum of 1"),
        ({"training": {"epoch": 5}}, r"'settings\.training'.*'epoch' was unexpected"),
        ({"preset": "artcle"}, r"'settings\.preset'.*'artcle' is not one of"),
        ({"split": {"test_fraction": 1}}, r"'settings\.split\.test_fraction'"),
        ({"problem": {"rows": "many"}}, r"'settings\.problem\.rows'.*'many' is not of type 'integer'"),
    ],
)
def test_bad_parameters_do_not_pass_the_schema(settings: dict[str, Any], said: str) -> None:
    """This is how Prefect's server checks a run's parameters before it creates the run."""
    with pytest.raises(ValidationError, match=said):
        validate({"settings": settings}, SCHEMA, raise_on_error=True)


def data_passes(address: str | None) -> bool:
    try:
        validate({"settings": {"input": {"data": address, "target": "y"}}}, SCHEMA, raise_on_error=True)
    except ValidationError:
        return False
    return True


def test_an_address_with_credentials_does_not_pass_the_schema() -> None:
    """So it is not stored; all but what is written in a way that only the settings themselves find."""
    assert all(map(data_passes, [*PLAIN, None]))
    assert [address for address in CARRYING if data_passes(address)] == [
        "s3://AKIAKEY%3ATOPSECRET%40bucket/rows.csv",
        "s3://AKIAKEY:TOP'TOPSECRET@bucket/rows.csv",
        "https://TOPSECRET@host/rows.csv",
    ]


def test_called_without_parameters_the_flow_has_the_usual_settings() -> None:
    assert get_call_parameters(regression.fn, (), {}) == {"settings": Settings()}
