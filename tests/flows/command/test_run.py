"""`run` says what keeps it from running before it imports anything; its log holds what adds to the closing lines."""

import logging
import sys
from pathlib import Path

import pytest

from flows.command.exits import Exit
from flows.command.news import News, is_news
from flows.command.run import run
from flows.command.signals import Stops
from tasks.config import Settings
from tasks.neuron.recipe import Diverged
from tasks.table.errors import BadTable
from tests.processes import environment, imported


def test_artifacts_that_can_be_no_folder_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    settings = Settings.model_validate({"artifacts": str(tmp_path / "file")})
    assert run(settings, as_json=True, stops=Stops(), news=News(-1)) == Exit.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err
        == f"linear-neuron: `artifacts` of '{tmp_path / 'file'}' cannot be used: Not a directory; name another folder\n"
    )


def test_a_refusal_imports_neither_prefect_nor_tensorflow(tmp_path: Path) -> None:
    program = (
        "import sys; from flows.command.run import run; from flows.command.signals import Stops\n"
        "from flows.command.news import News; from tasks.config import Settings\n"
        "run(Settings.model_validate({'artifacts': sys.argv[1] + '/x'}), True, Stops(), News(-1))\n"
    )
    (tmp_path / "file").touch()
    assert not imported(program, tmp_path / "file", env=environment()) & {"prefect", "tensorflow", "pandas"}


def record(
    error: Exception | None = None, name: str = "prefect.flow_runs", text: str = "x"
) -> logging.LogRecord:
    info = None
    if error is not None:
        try:
            raise error
        except type(error):
            info = sys.exc_info()
    return logging.LogRecord(name, logging.ERROR, "", 1, text, None, info)


@pytest.mark.parametrize(
    "error", [BadTable("a; b"), Diverged(3, 1.0, 0.02), OSError(28, "full"), ConnectionError()]
)
def test_what_one_line_tells_is_not_logged_with_a_traceback(error: Exception) -> None:
    assert not is_news(record(error))


def test_a_programming_error_is_logged_once_with_its_traceback() -> None:
    """The task logs it, and the flow that it fails."""
    error = ZeroDivisionError()
    assert is_news(record(error))
    assert not is_news(record(error, name="prefect.task_runs"))


def test_of_the_other_lines_only_the_failed_state_is_left_out() -> None:
    assert is_news(record(text="train waits for process 7, which computes the same"))
    assert not is_news(record(text="Finished in state Failed('Task run encountered an exception')"))
