"""What Prefect and TensorFlow read from the environment: set where the user has set nothing."""

import os

import pytest

from flows.command.environment import DEFAULTS, prepare


def test_what_the_user_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DEFAULTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    prepare()
    assert {name: os.environ[name] for name in DEFAULTS} == DEFAULTS | {"PREFECT_LOGGING_LEVEL": "DEBUG"}
    for name in DEFAULTS:  # `prepare` has set them behind monkeypatch's back
        if name != "PREFECT_LOGGING_LEVEL":
            monkeypatch.delenv(name)
