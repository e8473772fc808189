"""The form in which Prefect's UI asks for the settings: limits in words, and no default that a preset changes.

The UI fills a form with the schema's defaults and sends back whatever stands in it. Beside the preset `article` a
default would override the preset's own value, as every value does that the user gives; an empty field is not sent.
"""

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from tasks.config import PRESETS, SchemaField, Settings, schema_fields

LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}
JsonSchema = dict[str, Any]


class _Form:
    """Rewrites the settings' schema where it becomes the flow's; the settings themselves stay as they are."""

    def __get_pydantic_json_schema__(self, settings: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchema:
        """Return the schema, with the help of every field rewritten."""
        reference = handler(settings)
        top = handler.resolve_ref_schema(reference)["properties"]
        for setting in schema_fields():
            level = handler.resolve_ref_schema(top[setting.section])["properties"] if setting.section else top
            _explain(level[setting.name], _by_preset(setting))
        return reference


# The settings, as the form asks for them.
FormSettings = Annotated[Settings, _Form()]

# The flow's default: the default settings, but the form shows the preset alone.
DEFAULT: Settings = Field(default=Settings(), json_schema_extra={"default": {"preset": Settings().preset}})


def _by_preset(setting: SchemaField) -> dict[str, object]:
    """Return the values that presets give to a setting, by preset."""
    sections = {preset: given.get(setting.section, {}) for preset, given in PRESETS.items()}
    return {preset: given[setting.name] for preset, given in sections.items() if setting.name in given}


def _explain(field: JsonSchema, by_preset: dict[str, object]) -> None:
    """Add to a field's help its limits, and what it stands for when it is left empty."""
    rules = field.get("anyOf", [field])[0]
    limits = [f"{words} {rules[limit]:,}" for limit, words in LIMITS.items() if limit in rules]
    if limits:
        field["description"] += f" {' and '.join(limits).capitalize()}."
    if by_preset:
        presets = "; ".join(f"{preset}: {value}" for preset, value in by_preset.items())
        field["description"] += f" Empty: the preset's ({field.pop('default')}; {presets})."
