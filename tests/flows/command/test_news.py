"""Signs of life reach whoever is to see them, and nobody else."""

import io
import logging

import pytest

from flows.command import environment
from flows.command.news import FLOW_RUNS, STAGE, News


class Stream(io.StringIO):
    """Something to write to that may take itself for a terminal."""

    def __init__(self, terminal: bool) -> None:
        super().__init__()
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


@pytest.mark.parametrize(
    ("verbosity", "terminal", "wanted"),
    [(0, True, True), (0, False, False), (1, False, True), (-1, True, False)],
)
def test_a_terminal_sees_news_and_a_pipe_only_if_asked(
    monkeypatch: pytest.MonkeyPatch, verbosity: int, terminal: bool, wanted: bool
) -> None:
    stream = Stream(terminal)
    monkeypatch.setattr("sys.stderr", stream)
    News(verbosity).tell("starting")
    assert stream.getvalue() == ("linear-neuron: starting\n" if wanted else "")


def test_stages_are_told_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream(terminal=True)
    monkeypatch.setattr("sys.stderr", stream)
    log = logging.getLogger(FLOW_RUNS)
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", logging.INFO)
    monkeypatch.setattr(log, "propagate", False)
    News(0).follow_stages()
    log.info("split cached", extra={STAGE: "split"})
    log.info("Finished in state Completed()")
    assert stream.getvalue() == "linear-neuron: split cached\n"


@pytest.mark.parametrize(
    ("given", "verbose", "level", "console"),
    [
        ({}, False, "INFO", "WARNING"),
        ({}, True, "INFO", None),
        ({"PREFECT_LOGGING_LEVEL": "DEBUG"}, False, "DEBUG", None),
    ],
)
def test_the_servers_log_holds_what_the_terminal_does_not_show(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], verbose: bool, level: str, console: str | None
) -> None:
    variables = dict(given)
    monkeypatch.setattr("os.environ", variables)
    environment.prepare(verbose=verbose)
    assert variables["PREFECT_LOGGING_LEVEL"] == level
    assert variables.get("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL") == console
