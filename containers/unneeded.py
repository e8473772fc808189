"""Name the installed packages that `linear-neuron[remote]` does not need, one a line: tools of the tests, and pip.

The lock is whole, so that every package is checked against its hash; the image goes without what this lists.
"""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires

from packaging.requirements import Requirement

PROGRAM = "linear-neuron[remote]"


def needed(requirement: str) -> set[str]:
    """Return the names of a requirement and of all that it needs here, itself included."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(requirement)]
    while waiting:
        each = waiting.pop()
        for extra in ("", *each.extras):
            if (normal(each.name), extra) not in found:
                found.add((normal(each.name), extra))
                waiting += _requirements(each.name, extra)
    return {name for name, _ in found}


def normal(name: str) -> str:
    """Return a package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(name: str, extra: str) -> Iterator[Requirement]:
    try:
        listed = requires(name) or []
    except PackageNotFoundError:  # for another system
        return
    for each in map(Requirement, listed):
        if each.marker is None or each.marker.evaluate({"extra": extra}):
            yield each


if __name__ == "__main__":
    keep = needed(PROGRAM)
    sys.stdout.writelines(
        f"{name}\n" for name in sorted({normal(each.name) for each in distributions()} - keep)
    )
