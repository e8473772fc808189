"""The settings in the report: a table of those in use, and the learning rate beside its stable range."""

from collections.abc import Mapping

from tasks.config import values
from tasks.outputs.result import Evaluation
from tasks.page.blocks import Code, Paragraph, TableBlock, Text
from tasks.page.text import named, number, shortened

LONGEST_VALUE = 300


def settings_table(findings: Evaluation, settings: Mapping[str, object]) -> TableBlock:
    """Tabulate the settings as `section.field`; of the two sources of rows, only the one in use."""
    unused = "problem" if findings.truth is None else "input"
    rows: list[list[Text]] = [
        [Code(str(setting)), _value(value)]
        for setting, value in values(settings)
        if setting.section != unused
    ]
    return TableBlock(
        "Every setting of the run; a dash leaves the choice to the recipe.", ["setting", "value"], rows, "ll"
    )


def learning_rate(findings: Evaluation, settings: Mapping[str, object]) -> Paragraph:
    """State the learning rate used, and the limit below which a rate is stable on raw inputs."""
    recipe = {str(setting): value for setting, value in values(settings)}.get("training.recipe")
    whitened = (
        "; the calibrated recipe whitens them, so that its rate may be higher"
        if recipe == "calibrated"
        else ""
    )
    return Paragraph(
        f"Learning rate used: {number(findings.learning_rate)} at first. Constant-rate SGD on the raw inputs "
        f"is stable below {number(findings.stable_limit, 3)}{whitened}."
    )


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return shortened(", ".join(map(_value, value)) or "–", LONGEST_VALUE)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    return "–" if value is None else named(str(value))
