"""The settings with which a run that failed can work: the same, changed, or none that a program could know."""

import ast
import re
from typing import Any, get_args

from pydantic import ValidationError

from flows.flags import changes
from tasks.config import Settings, overlaid
from tasks.neuron.recipe import Diverged
from tasks.table.errors import BadTable, Violation
from tasks.table.rules import Rule

# Rules that `missing` of "drop" satisfies.
MISSING = {"missing-values", "missing-target"}


def mended(settings: Settings, error: Exception) -> Settings | None:
    """Return the settings to try next; None where the user's table or folder has to be mended first.

    Missing values are dropped, a misspelt column is replaced by the nearest one, the breach of any other rule that may
    be a warning becomes one, and a training that diverged gets the recipe's own learning rate or the calibrated recipe.
    Any other error may be gone the next time: the settings stay.
    """
    if isinstance(error, Diverged):
        given = settings.training.learning_rate is not None
        return _changed(
            settings, {"training": {"learning_rate": None} if given else {"recipe": "calibrated"}}
        )
    if not isinstance(error, BadTable):
        return settings

    change: dict[str, Any] = {}
    for each in error.violations:
        found = _remedy(settings, each, change)
        if found is None:
            return None
        change = overlaid(change, {"input": found})
    return _changed(settings, change)


def _remedy(settings: Settings, violation: Violation, so_far: dict[str, Any]) -> dict[str, Any] | None:
    """Return the settings of the input that answer one violation."""
    if violation.rule in MISSING:
        return {"missing": "drop"}
    if violation.rule == "unknown-column":
        return _respelt(settings, violation)
    if violation.rule in get_args(Rule):
        allowed = so_far.get("input", {}).get("warn", settings.input.warn)
        return {"warn": tuple(dict.fromkeys([*allowed, violation.rule]))}
    return None


def _respelt(settings: Settings, violation: Violation) -> dict[str, Any] | None:
    """Put the column that the remedy names in the place of the one that there is not."""
    field = re.match(r"`(\w+)`", violation.problem)
    near = re.search(r"did you mean ('.*'|\".*\")\?", violation.remedy)
    if field is None or near is None or field[1] not in {*dict(settings.input)}:
        return None
    right = ast.literal_eval(near[1])  # as `repr` wrote it
    if "…" in right:
        return None
    value = getattr(settings.input, field[1])
    if isinstance(value, tuple):
        return {field[1]: tuple(right if name == violation.column else name for name in value)}
    return {field[1]: right}


def _changed(settings: Settings, change: dict[str, Any]) -> Settings | None:
    try:
        new = Settings.model_validate(overlaid(changes(settings), change))
    except ValidationError:
        return None
    return new if new != settings else None
