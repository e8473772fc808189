"""The help shows what there is, what is required, and of which kind a value is."""

import contextlib
import io
import re
import shlex

import pytest

from flows.command import cli
from flows.command.parser import EXAMPLES


def shown(*arguments: str) -> str:
    """Return what a command line prints that ends by itself, with status 0."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(SystemExit) as ended:
        cli.parse(arguments)
    assert ended.value.code == 0
    return out.getvalue()


def test_the_bare_command_and_a_bare_group_show_their_help() -> None:
    assert shown() == shown("--help")
    assert shown("cache") == shown("cache", "--help")


@pytest.mark.parametrize("command", [name for name in EXAMPLES if name])
def test_every_help_ends_with_examples_that_are_understood(command: str) -> None:
    text = shown(*command.split(), "--help")
    examples = re.findall(r"^  linear-neuron (.+)$", text.partition("examples:\n")[2], flags=re.MULTILINE)
    assert examples == EXAMPLES[command]
    for line in examples:
        if not line.startswith("completion") and "--config" not in line:
            assert cli.parse(shlex.split(line)).command.startswith(command)


def test_required_flags_are_shown_as_required() -> None:
    usage = " ".join(shown("predict", "--help").partition("\n\n")[0].split())
    assert "[--json] --model MODEL --data FILE" in usage
    assert " --output FILE" in usage
    assert "[--overwrite]" in usage


@pytest.mark.parametrize(
    ("command", "flag"),
    [
        ("cache clean", "--older-than DURATION"),
        ("cache clean", "--max-size SIZE"),
        ("run", "--data FILE"),
        ("run", "--target COLUMN"),
        ("run", "--skip-rows N"),
        ("run", "--decimal .|,"),
        ("run", "--learning-rate X"),
        ("run", "--preset default|article|course"),
        ("run", "--artifacts FOLDER"),
    ],
)
def test_a_value_is_shown_by_its_kind(command: str, flag: str) -> None:
    assert f"  {flag}" in shown(*command.split(), "--help")


def test_the_version_names_what_results_depend_on() -> None:
    versions = r"linear-neuron \d+\.\d+\.\d+ \(prefect 3\.\S+, tensorflow \S+, .*python 3\.\S+\)\n"
    assert re.fullmatch(versions, shown("--version"))


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("rum", "`rum` is not a command; did you mean `run`?"),
        ("cache lits", "`lits` is not a task; did you mean `list`?"),
        ("completion tcsh", "`tcsh` is not a shell; there is bash, zsh, fish"),
    ],
)
def test_the_nearest_command_is_named(typed: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.parse(typed.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"linear-neuron: {message}\n"


def test_quiet_and_verbose_exclude_each_other() -> None:
    assert [cli.parse(["run", *each]).verbosity for each in ([], ["-q"], ["-v"])] == [0, -1, 1]
    with pytest.raises(SystemExit):
        cli.parse(["run", "-q", "-v"])
