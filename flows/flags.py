"""Settings written back as what leads to them: as a mapping for a deployment, as flags for the command line."""

from collections.abc import Iterator
from typing import Any

from tasks.config import Section, Settings


def changes(settings: Settings) -> dict[str, Any]:
    """Return the settings that lead back to these ones: the preset, and by section what differs from it.

    >>> changes(Settings.model_validate({"preset": "course", "training": {"epochs": 5, "bias": False}}))
    {'preset': 'course', 'training': {'epochs': 5, 'bias': False}}
    """
    usual = Settings.model_validate({"preset": settings.preset})
    preset = {"preset": settings.preset} if settings.preset != "default" else {}
    return preset | _differences(settings, usual)


def _differences(section: Section, usual: Section) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    for (name, value), (_, other) in zip(section, usual, strict=True):
        if value != other:
            changed[name] = _differences(value, other) if isinstance(value, Section) else value
    return changed


def flags(settings: Settings) -> list[str]:
    """Write settings as command-line flags.

    >>> flags(Settings.model_validate({"preset": "course", "training": {"epochs": 5, "bias": False}}))
    ['--preset=course', '--epochs=5', '--no-bias']
    """
    return [_flag(name.replace("_", "-"), value) for name, value in _leaves(changes(settings))]


def _leaves(changed: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name, value in changed.items():
        if isinstance(value, dict):
            yield from _leaves(value)
        else:
            yield name, value


def _flag(name: str, value: object) -> str:
    if isinstance(value, bool):
        return f"--{name}" if value else f"--no-{name}"
    return f"--{name}={','.join(map(str, value)) if isinstance(value, tuple) else value}"
