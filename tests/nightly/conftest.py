"""One night in miniature for all tests here: what the README says is typed once, since that takes most of a minute."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.nightly.readme import console
from tests.nightly.terminals import Terminals

NIGHTLY, SERVED, ALIVE = console("Every night")


@dataclass(frozen=True, slots=True)
class Ticks:
    """Two runs of the nightly deployment with nothing changed between them: their ids, and what was said."""

    first: str
    second: str
    said: str


@pytest.fixture(scope="session")
def terminals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminals]:
    """Open terminals in a copy of the checkout, and type what the README says, up to the trigger."""
    opened = Terminals(tmp_path_factory.mktemp("checkout"))
    try:
        for line in NIGHTLY[:-1]:
            opened.type(line)
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="session")
def ticks(terminals: Terminals) -> Ticks:
    """Trigger the deployment as the README says, twice."""
    before = {run["id"] for run in terminals.runs("nightly")}  # of other tests
    said = [terminals.type(NIGHTLY[-1]) for _ in range(2)]
    first, second = (run["id"] for run in terminals.runs("nightly") if run["id"] not in before)
    return Ticks(first, second, said[0])
