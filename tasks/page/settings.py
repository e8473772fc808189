"""The settings in the report: a table of those in use, and the learning rate beside its stable range."""

from collections.abc import Iterator, Mapping

from tasks.page.markdown import escaped, number, table
from tasks.page.result import Findings


def settings_table(findings: Findings, settings: Mapping[str, object]) -> str:
    """Tabulate the settings as `section.field`; of the two sources of rows, only the one in use."""
    idle = "problem." if findings.truth is None else "input."
    rows = [[f"`{name}`", _value(value)] for name, value in _flattened(settings) if not name.startswith(idle)]
    return table(["setting", "value"], rows, "ll")


def learning_rate(findings: Findings, settings: Mapping[str, object]) -> str:
    """Say which learning rate was used and up to where one is stable on raw inputs."""
    recipe = dict(_flattened(settings)).get("training.recipe")
    whitened = (
        "; the calibrated recipe whitens them, so that its rate may be higher"
        if recipe == "calibrated"
        else ""
    )
    return (
        f"Learning rate used: {number(findings.learning_rate)} at first. Constant-rate SGD on the raw inputs "
        f"is stable below {number(findings.stable_limit, 3)}{whitened}.\n"
    )


def _flattened(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_value, value))
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    return "–" if value is None else escaped(str(value))
