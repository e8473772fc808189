"""Settings written back as what leads to them: as a mapping for a deployment, as flags for the command line."""

from typing import Any

from tasks.config import SchemaField, Settings, overlaid, values


def changes(settings: Settings) -> dict[str, Any]:
    """Return the settings that lead back to these ones: the preset, and by section what differs from it.

    >>> changes(Settings.model_validate({"preset": "course", "training": {"epochs": 5, "bias": False}}))
    {'preset': 'course', 'training': {'epochs': 5, 'bias': False}}
    """
    changed: dict[str, Any] = {}
    for setting, value in _changed(settings):
        changed = overlaid(changed, setting.nested(value))
    return changed


def flags(settings: Settings) -> list[str]:
    """Write settings as command-line flags.

    >>> flags(Settings.model_validate({"preset": "course", "training": {"epochs": 5, "bias": False}}))
    ['--preset=course', '--epochs=5', '--no-bias']
    """
    return [_flag(setting.name.replace("_", "-"), value) for setting, value in _changed(settings)]


def _changed(settings: Settings) -> list[tuple[SchemaField, Any]]:
    """Return the settings that the preset does not imply, and the preset itself unless it is the default."""
    preset = Settings.model_validate({"preset": settings.preset})
    implied = {**preset.model_dump(), "preset": Settings().preset}
    pairs = zip(values(settings.model_dump()), values(implied), strict=True)
    return [given for given, usual in pairs if given[1] != usual[1]]


def _flag(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
