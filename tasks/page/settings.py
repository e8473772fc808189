"""The settings in the report: a table of those in use, and the learning rate beside its stability limit."""

from collections.abc import Mapping

from tasks.config import values
from tasks.outputs.result import Evaluation
from tasks.page.blocks import Code, Paragraph, TableBlock, Text
from tasks.page.text import named, number, shortened

LONGEST_VALUE = 300  # characters


def settings_table(evaluation: Evaluation, settings: Mapping[str, object]) -> TableBlock:
    """Tabulate the settings as `section.field`; of `problem` and `input`, only the section in use."""
    unused = "problem" if evaluation.truth is None else "input"
    rows: list[list[Text]] = [
        [Code(str(setting)), _value(value)]
        for setting, value in values(settings)
        if setting.section != unused
    ]
    return TableBlock(
        "All settings of the run; a dash leaves the choice to the recipe.", ["setting", "value"], rows, "ll"
    )


def learning_rate(evaluation: Evaluation, settings: Mapping[str, object]) -> Paragraph:
    """State the learning rate used, and the limit below which a rate is stable on raw inputs."""
    recipe = {str(setting): value for setting, value in values(settings)}.get("training.recipe")
    whitened = (
        "; the calibrated recipe whitens them, so its rate may be higher" if recipe == "calibrated" else ""
    )
    return Paragraph(
        f"Learning rate used: {number(evaluation.learning_rate)} at first. Constant-rate SGD on the raw inputs "
        f"is stable below {number(evaluation.stable_limit, 3)}{whitened}."
    )


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return shortened(", ".join(map(_value, value)) or "–", LONGEST_VALUE)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    return "–" if value is None else named(str(value))
