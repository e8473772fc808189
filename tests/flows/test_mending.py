"""After a failure a command is offered that can work, or none."""

import shlex

import pytest

from flows.command import cli
from flows.failing import command_after
from tasks.config import Settings
from tasks.neuron.recipe import Diverged
from tasks.table.errors import BadTable, Violation

TABLE = {"data": "t.csv", "target": "pirce", "exclude": ["id"]}
MISSPELT = Violation(
    "unknown-column", "`target`: no column is named 'pirce'", "did you mean 'price'?", "pirce"
)
GAP = Violation("missing-values", "column 'x' has 3 missing values", "fill them in", "x")
TEXT = Violation("text-in-numbers", "column 'x' has text", "remove it", "x")
EMPTY = Violation("too-few-rows", "there are 0 rows", "add some")


@pytest.mark.parametrize(
    ("given", "error", "offered"),
    [
        ({"input": TABLE}, BadTable(GAP), "--missing=drop"),
        ({"input": TABLE}, BadTable(MISSPELT), "--target=price"),
        (
            {"input": TABLE | {"exclude": ["pirce"]}},
            BadTable(TEXT, GAP),
            "--missing=drop --warn=text-in-numbers",
        ),
        (
            {"preset": "article", "training": {"learning_rate": 9.0}},
            Diverged(1, 9.0, 0.02),
            "--preset=article",
        ),
        ({"preset": "article"}, Diverged(1, 9.0, 0.02), "--preset=article --recipe=calibrated"),
        ({"seed": 3}, OSError(28, "No space left on device"), "--seed=3"),
    ],
)
def test_the_command_that_is_offered_can_work(
    given: dict[str, object], error: Exception, offered: str
) -> None:
    """It answers every finding, and understood by the command line it is no longer what failed."""
    command = command_after(Settings.model_validate(given), error)
    assert command
    assert offered in command
    again = cli.parse(shlex.split(command)[1:]).settings
    assert (again == Settings.model_validate(given)) == isinstance(error, OSError)


@pytest.mark.parametrize("findings", [[EMPTY], [GAP, EMPTY]])
def test_what_the_user_has_to_mend_first_gets_no_command(findings: list[Violation]) -> None:
    assert command_after(Settings.model_validate({"input": TABLE}), BadTable(*findings)) is None
