"""What the tests share: a Prefect server in memory for the flows run in this process, a browser, settings to run."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)
from prefect.testing.utilities import prefect_test_harness

from tasks.config import Settings
from tests.databases import Server, programs, serving
from tests.page.browser import CHROMIUM, Tab, browsing
from tests.paths import DATA

hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile(
    "unhurried"
)  # how long an example takes is a matter of the machine's other work

IN_MEMORY = "sqlite+aiosqlite:///:memory:"


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Heed what the background (SIGINT) and nohup (SIGHUP) have ignored, which processes inherit."""
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, usual)


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[str]:
    """Run a Prefect server of the tests' own, once, since its start takes seconds; give its API's address."""
    os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = IN_MEMORY
    os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] = "false"
    quick = {PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_LOGGING_TO_API_ENABLED: False}
    with prefect_test_harness(server_startup_timeout=120), temporary_settings(quick):
        yield str(PREFECT_API_URL.value())
    del os.environ["PREFECT_SERVER_DATABASE_CONNECTION_URL"]


@pytest.fixture(scope="session")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """Open a browser, once."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with browsing(CHROMIUM, tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """Run a PostgreSQL, once."""
    installed = programs()
    if installed is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with serving(installed) as server:
        yield server


@pytest.fixture
def readable_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave standard error to pytest: the command would take its descriptor for itself."""
    monkeypatch.setattr("flows.command.cli.keep_stderr", lambda: None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return small default settings whose store is the test's own folder."""
    return Settings.model_validate({"artifacts": str(tmp_path / "artifacts"), "training": {"epochs": 100}})


@pytest.fixture
def penguins() -> Path:
    """Return the path of a real table: bill length and depth, flipper length, body mass of 342 penguins."""
    return DATA / "penguins.csv"
