"""What Prefect reads from the environment: set where the user has set nothing."""

import os

import pytest

from flows.command.environment import CONSOLE, DEFAULTS, LEVEL, prepare


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with nothing set, and put everything back."""
    for name in (*DEFAULTS, LEVEL, CONSOLE):
        monkeypatch.setenv(name, "")  # remembers what was there
        monkeypatch.delenv(name)


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(iter(DEFAULTS))
    monkeypatch.setenv(name, "mine")
    prepare()
    assert {each: os.environ[each] for each in DEFAULTS} == DEFAULTS | {name: "mine"}


def test_the_terminal_sees_warnings_and_the_server_all() -> None:
    prepare()
    assert (os.environ[LEVEL], os.environ[CONSOLE]) == ("INFO", "WARNING")


def test_who_asks_for_more_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(verbose=True)
    assert (os.environ[LEVEL], CONSOLE in os.environ) == ("INFO", False)
    monkeypatch.setenv(LEVEL, "DEBUG")
    prepare()
    assert (os.environ[LEVEL], CONSOLE in os.environ) == ("DEBUG", False)
