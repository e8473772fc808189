"""The command's entry. Its name is its own: `flows` and `tasks` may be another project's packages."""

import sys
from importlib.util import find_spec
from pathlib import Path


def main() -> int:
    """Run the command line, unless packages of the same names come first; return its exit status."""
    found = find_spec("flows")
    place = found.origin if found else None
    if place is None or Path(place).parent != Path(__file__).with_name("flows"):
        return _refuse("flows", place)
    try:
        from flows.command.cli import main as command
    except ImportError as error:
        if error.name != "tasks":
            raise
        return _refuse("tasks", error.path)
    return command()


def _refuse(name: str, place: str | None) -> int:
    where = f"{place!r}" if place else "missing"
    print(  # noqa: T201 - the command speaks on standard error
        f"linear-neuron: the package `{name}` is {where} here, not linear-neuron's; install linear-neuron into an "
        "environment of its own, or take the other from PYTHONPATH",
        file=sys.stderr,
    )
    return 2  # as `Exit.BAD_INPUT`, which lies in `flows`
