"""The form in which Prefect's UI asks for the settings: limits in words, and nothing filled in that a preset decides.

The UI fills a form with the schema's defaults and sends back what stands in it. A default that stood there beside the
preset `article` would go over the preset's own value, as everything does that the user gives; an empty field is not
sent.
"""

from typing import Annotated, Any

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from tasks.config import PRESETS, Settings

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
        for name, field in handler.resolve_ref_schema(reference)["properties"].items():
            section = handler.resolve_ref_schema(field)
            for inner, each in section.get("properties", {"": field}).items():
                _explain(each, _decided(name, inner))
        return reference


Asked = Annotated[Settings, _Form()]
"""Settings, as the form asks for them."""

UNTOUCHED: Settings = Field(default=Settings(), json_schema_extra={"default": {"preset": Settings().preset}})
"""The flow's default: the usual settings, of which the form is told the preset alone."""


def _decided(section: str, field: str) -> dict[str, object]:
    """Return the values that presets give to a field, by preset."""
    given = {preset: sections.get(section, {}) for preset, sections in PRESETS.items()}
    return {preset: fields[field] for preset, fields in given.items() if field in fields}


def _explain(field: JsonSchema, decided: dict[str, object]) -> None:
    """Say in a field's help what its limits are, and what it stands for when it is left empty."""
    rules = field.get("anyOf", [field])[0]
    limits = [f"{words} {rules[limit]:,}" for limit, words in LIMITS.items() if limit in rules]
    if limits:
        field["description"] += f" {' and '.join(limits).capitalize()}."
    if decided:
        values = "; ".join(f"{preset}: {value}" for preset, value in decided.items())
        field["description"] += f" Empty: the preset's ({field.pop('default')}; {values})."
