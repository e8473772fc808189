"""The grammar: a flag for every setting, the nearest name for one that there is not, and every refusal on one line."""

from collections.abc import Sequence

import pytest

from flows.command.parser import CACHE, COMMANDS, NIGHTLY, command_parser
from tasks.config import Cleaning, Prediction, Section, Settings, schema_fields

SCHEMAS: dict[str, type[Section]] = {
    **dict.fromkeys(COMMANDS, Settings),
    "predict": Prediction,
    "cache clean": Cleaning,
}


def parse(arguments: Sequence[str]) -> None:
    options, unknown = command_parser().parse_known_args(arguments)
    options.parser.refuse_unknown(unknown[0])


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that refuses these arguments."""
    with pytest.raises(SystemExit) as caught:
        parse(arguments)
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("linear-neuron: ")
    assert said.err.count("\n") == 1
    return said.err.removeprefix("linear-neuron: ").strip()


@pytest.mark.parametrize("command", SCHEMAS)
def test_every_setting_has_a_flag(command: str) -> None:
    """Under its own name; only what was given comes out."""
    schema = SCHEMAS[command]
    for each in schema_fields(schema):
        flag, value = f"--{each.name.replace('_', '-')}", ["1"]
        if each.field.annotation is bool:
            flag, value = (f"--no-{each.name}" if each.field.default else flag), []
        options = vars(command_parser().parse_args([*command.split(), flag, *value]))
        assert options[each.name] == (value[0] if value else not each.field.default)
        assert options["schema"] is schema
        assert options["command"] == command
        assert {*options} & {other.name for other in schema_fields(schema)} == {each.name}


@pytest.mark.parametrize("command", [*COMMANDS, "predict", *(f"cache {name}" for name in CACHE)])
def test_every_command_has_help_of_its_own(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command_parser().parse_args([*command.split(), "--help"])
    assert caught.value.code == 0
    assert f"usage: linear-neuron {command}" in capsys.readouterr().out


def test_list_and_verify_take_the_folder_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_parser().parse_args(["cache", "list", "--artifacts", "a"]).artifacts == "a"
    assert refusal(capsys, "cache", "list", "--keep-runs", "3") == "`--keep-runs` is not an option"


def test_serve_alone_has_a_schedule(capsys: pytest.CaptureFixture[str]) -> None:
    assert command_parser().parse_args(["serve"]).cron == NIGHTLY
    assert command_parser().parse_args(["serve", "--cron", "* * * * *"]).cron == "* * * * *"
    assert "`--cron` is not an option" in refusal(capsys, "run", "--cron", "0 6 * * *")


NEAREST = {
    "--epoch": "--epochs",
    "--epocs=5": "--epochs",
    "--learning_rate": "--learning-rate",
    "--test-fractoin": "--test-fraction",
    "--targt": "--target",
    "--jsn": "--json",
}


@pytest.mark.parametrize("typed", NEAREST)
def test_an_unknown_option_names_the_nearest_one(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """No abbreviation is guessed: `--seeds` of today must not be another setting of tomorrow."""
    assert refusal(capsys, "run", typed) == f"`{typed}` is not an option; did you mean `{NEAREST[typed]}`?"


def test_what_is_near_to_nothing_is_refused_without_a_guess(capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "run", "--qqqq") == "`--qqqq` is not an option"
    assert refusal(capsys, "run", "rows.csv") == "`rows.csv` is not an option"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["rum"], "`rum` is not a command; did you mean `run`?"),
        (["run", "--epochs"], "argument --epochs: expected one argument"),
        (["run", "--json=yes"], "--json"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert text in refusal(capsys, *arguments)


def test_a_refusal_shows_no_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(capsys, "run", "--dta=s3://me:secret@bucket/x")
    assert "secret" not in said


def test_a_percent_sign_in_a_description_is_no_formatting(capsys: pytest.CaptureFixture[str]) -> None:
    """argparse takes it for its own."""
    for command in SCHEMAS:
        with pytest.raises(SystemExit):
            command_parser().parse_args([*command.split(), "--help"])
    assert "%%" not in capsys.readouterr().out
