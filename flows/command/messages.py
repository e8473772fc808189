"""What went wrong, on stderr and in one line where that is enough: settings, the user's table, a stage."""

import difflib
import sys
from collections.abc import Iterator

from pydantic import ValidationError

from flows.command.exits import Exit
from tasks.config import Section, Settings
from tasks.neuron.recipe import Diverged
from tasks.page.violations import listed
from tasks.table.errors import BadTable

EXPECTED: dict[type[Exception], Exit] = {BadTable: Exit.BAD_INPUT, Diverged: Exit.REFUSED}
"""Errors that the user can mend: one line says all, a traceback would hide it."""


def refuse(message: str) -> Exit:
    """Say in one line why nothing is done; return the status for bad input."""
    print(f"linear-neuron: {message}", file=sys.stderr)
    return Exit.BAD_INPUT


def explain(error: Exception) -> Exit:
    """Say what made a command fail; return its exit status."""
    status = next((code for kind, code in EXPECTED.items() if isinstance(error, kind)), Exit.FAILED)
    notes = getattr(error, "__notes__", []) if status == Exit.FAILED else []
    message = listed(error.violations) if isinstance(error, BadTable) else str(error)
    for line in notes or [message if status != Exit.FAILED else repr(error)]:
        print(f"linear-neuron: {line}", file=sys.stderr)
    return status


def described(error: ValidationError) -> str:
    """Say in one line everything that is wrong with settings: field, value, rule, and the nearest name."""
    return "; ".join(
        _problem(each["type"], each["loc"], each["input"], each["msg"]) for each in error.errors()
    )


def _problem(kind: str, place: tuple[int | str, ...], value: object, message: str) -> str:
    names = [str(part) for part in place if isinstance(part, str) and part.isidentifier()] or ["settings"]
    if kind == "extra_forbidden":
        return _unknown(str(place[-1]), [str(part) for part in place[:-1]])
    if kind == "missing":
        return f"`{names[-1]}` is needed"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if kind == "literal_error":
        near = difflib.get_close_matches(str(value), message.split("'")[1::2], n=1)
        return f"`{names[-1]}` of {value!r}: {_lower(message)}" + (
            f"; did you mean {near[0]!r}?" if near else ""
        )
    return f"`{names[-1]}` of {value!r}: {_lower(message)}"


def _unknown(name: str, section: list[str]) -> str:
    known = {field: group for group, field in _paths()}
    near = difflib.get_close_matches(name, known, n=1)
    where = f" in [{section[0]}]" if section else ""
    if not near:
        return f"`{name}`{where} is not a setting"
    home = known[near[0]]
    return f"`{name}`{where} is not a setting; did you mean `{near[0]}`{f' in [{home}]' if home else ''}?"


def _paths() -> Iterator[tuple[str, str]]:
    """Yield each setting's section (empty for none) and name."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from ((name, inner) for inner in field.annotation.model_fields)
        yield "", name


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]
