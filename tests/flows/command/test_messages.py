"""What went wrong, in one line that names the setting and the nearest one."""

from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from pydantic import ValidationError

from flows.command.exits import Exit
from flows.command.messages import described, explain
from tasks.config import Settings
from tasks.neuron.recipe import Diverged
from tasks.table.errors import BadTable


def refusal(given: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(given)
    return described(caught.value)


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"epoch": 3}, "`epoch` is not a setting; did you mean `epochs` in [training]?"),
        (
            {"training": {"epoch": 3}},
            "`epoch` in [training] is not a setting; did you mean `epochs` in [training]?",
        ),
        ({"training": {"sed": 3}}, "`sed` in [training] is not a setting; did you mean `seed`?"),
        ({"trainin": {}}, "`trainin` is not a setting; did you mean `training`?"),
        ({"qqqqqq": 1}, "`qqqqqq` is not a setting"),
        ({"training": {"epochs": 0}}, "`epochs` of 0: input should be greater than or equal to 1"),
        (
            {"training": {"recipe": "calibratd"}},
            "`recipe` of 'calibratd': input should be 'calibrated' or 'tutorial'; did you mean 'calibrated'?",
        ),
        ({"input": {"target": "y"}}, "`target`: only for a table of your own; add `data` (the file's path)"),
    ],
)
def test_a_setting_is_refused_by_name(given: dict[str, Any], line: str) -> None:
    assert refusal(given) == line


def test_all_that_is_wrong_is_said_at_once() -> None:
    line = refusal({"training": {"epochs": 0, "batch": 3}, "seed": -1})
    assert [part.split("`")[1] for part in line.split("; ") if part.startswith("`")] == [
        "seed",
        "epochs",
        "batch",
    ]


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (BadTable("column 'x' is constant; drop it"), Exit.BAD_INPUT, "column 'x' is constant; drop it"),
        (
            Diverged(3, 1.0, 0.02),
            Exit.REFUSED,
            "diverged at epoch 3; the stable range for this data ends at 0.02; ",
        ),
        (OSError(28, "No space left on device"), Exit.FAILED, "OSError(28, 'No space left on device')"),
    ],
)
def test_an_error_has_its_status_and_its_words(
    capsys: pytest.CaptureFixture[str], error: Exception, status: Exit, said: str
) -> None:
    assert explain(error) == status
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    assert printed.err.startswith(f"linear-neuron: {said}")


def test_a_failure_is_said_by_the_notes_that_the_flow_has_left(capsys: pytest.CaptureFixture[str]) -> None:
    """They say which stage it was and how to resume; the error alone would not."""
    error = RuntimeError("boom")
    error.add_note("stage `train` failed")
    error.add_note("to resume: linear-neuron run")
    assert explain(error) == Exit.FAILED
    assert capsys.readouterr().err == (
        "linear-neuron: stage `train` failed\nlinear-neuron: to resume: linear-neuron run\n"
    )


def test_a_server_that_died_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        assert explain(httpx.ConnectError("All connection attempts failed")) == Exit.FAILED
    said = capsys.readouterr().err
    assert said.startswith("linear-neuron: Prefect's server at 'http://127.0.0.1:1/api' does not answer")
    assert "(All connection attempts failed); start it again and repeat the command" in said
