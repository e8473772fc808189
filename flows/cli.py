"""The command `linear-neuron`. Its flags are the fields of `tasks.config`; help comes without any heavy import.

Exit status: 0 done; 1 a stage failed; 2 bad usage or bad input; 3 the fit was refused. Messages go to stderr.
"""

import argparse
import difflib
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from flows.terminal import keep_stderr
from tasks.config import Settings, described, overlaid

BAD_INPUT = 2
COMMANDS = {
    "run": "fit, evaluate and report; stages that nothing has changed for are taken from the cache",
    "plan": "say which stages a run would run, and why; run none",
}


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with the status for bad usage."""
        self.exit(BAD_INPUT, f"linear-neuron: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        settings = _settings(options)
    except ValidationError as error:
        return _refuse(described(error))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        return _refuse(f"`config` of {options['config']!r} cannot be read: {error}")
    keep_stderr()
    from flows import commands  # imports Prefect, which takes a second: only once there is something to do

    return int(getattr(commands, options["command"])(settings, as_json=options["json"]))


def _refuse(message: str) -> int:
    print(f"linear-neuron: {message}", file=sys.stderr)
    return BAD_INPUT


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse the arguments; only the flags that were given are among the settings."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [f"--{name}" for name in _flags()]
        near = difflib.get_close_matches(unknown[0].partition("=")[0], flags, n=1)
        parser.error(f"`{unknown[0]}` is not an option" + (f"; did you mean `{near[0]}`?" if near else ""))
    return vars(options)


def _settings(options: dict[str, Any]) -> Settings:
    """Put the flags over the file, and let the schema put both over the preset."""
    given: dict[str, Any] = {}
    if options["config"]:
        given = tomllib.loads(Path(options["config"]).read_text(encoding="utf-8"))
    for section, name, _ in _fields():
        if name in options:
            level = {section: {name: options[name]}} if section else {name: options[name]}
            given = overlaid(given, level)
    return Settings.model_validate(given)


def _parser() -> Parser:
    parser = Parser(
        prog="linear-neuron", description="Fit a linear regression with a single-layer neural network."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, does in COMMANDS.items():
        sub = commands.add_parser(
            command,
            help=does,
            description=f"{does.capitalize()}.",
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
        )
        _add_settings(sub)
        sub.add_argument(
            "--config", default=None, metavar="FILE.toml", help="Settings by section; flags go over them."
        )
        sub.add_argument(
            "--json", action="store_true", default=False, help="Print the result alone on stdout, as JSON."
        )
    return parser


def _add_settings(parser: Parser) -> None:
    groups = {section: parser.add_argument_group(section) for section, _, _ in _fields() if section}
    for section, name, field in _fields():
        flag = f"--{name.replace('_', '-')}"
        group = groups[section] if section else parser
        if field.annotation is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, help=field.description)
        else:
            group.add_argument(flag, metavar=_placeholder(field), help=_help(field))


def _placeholder(field: FieldInfo) -> str:
    kinds = {field.annotation, *get_args(field.annotation)}
    choices = [kind for kind in get_args(field.annotation) if isinstance(kind, str)]
    return "|".join(choices) or ("N" if int in kinds else "X" if float in kinds else "NAME")


def _help(field: FieldInfo) -> str:
    default = field.default
    return f"{field.description}" + (f" [{default}]" if isinstance(default, int | float | str) else "")


def _flags() -> list[str]:
    return [*(name.replace("_", "-") for _, name, _ in _fields()), "no-bias", "config", "json", "help"]


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield every setting with the name of its section; the empty string stands for none."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, inner_field in field.annotation.model_fields.items():
                yield name, inner, inner_field
        else:
            yield "", name, field
