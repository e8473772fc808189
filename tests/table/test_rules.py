"""The rules' names: each has its finding, and what may be turned off is told from what may not."""

from typing import get_args

from tasks.table.rules import HARMLESS, Fatal, Rule
from tests.paths import ROOT


def test_a_rule_is_fatal_or_may_be_warned_of() -> None:
    """Not both; and the harmless ones are among those that may be."""
    assert not {*get_args(Rule)} & {*get_args(Fatal)}
    assert {*get_args(Rule)} >= HARMLESS


def test_every_rule_is_one_that_something_breaks() -> None:
    """A name that no code raises would promise a check that is not made."""
    code = "".join(
        path.read_text()
        for path in (ROOT / "tasks").rglob("*.py")
        if path.name not in {"rules.py", "config.py"}
    )
    assert [rule for rule in (*get_args(Rule), *get_args(Fatal)) if f'"{rule}"' not in code] == []
