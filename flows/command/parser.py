"""The grammar of `linear-neuron`: commands, and a flag for every setting of the command's schema."""

import argparse
import difflib
from typing import Any, NoReturn, get_args

from pydantic.fields import FieldInfo

from flows.command.exits import Exit
from tasks.config import Cleaning, Prediction, Section, Settings, schema_fields
from tasks.table.sources.address import redacted

NIGHTLY = "0 6 * * *"
COMMANDS = {
    "run": "fit, evaluate and report; unchanged stages are taken from the cache",
    "plan": "show which stages a run would run, and why; run none",
    "serve": "stay and run on a schedule; needs a running Prefect server",
}
CACHE = {
    "list": "list artifacts and runs with sizes and ages",
    "verify": "read every file again and name the damaged ones",
    "clean": "remove what no kept run needs",
}


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with the status for bad usage."""
        self.exit(Exit.BAD_INPUT, f"linear-neuron: {redacted(message)}\n")

    def refuse_unknown(self, argument: str) -> NoReturn:
        """Refuse an argument that no option takes, and name the nearest option."""
        near = difflib.get_close_matches(argument.partition("=")[0], self._option_string_actions, n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        self.error(f"`{argument}` is not an option{hint}")


def command_parser() -> Parser:
    """Build the parser.

    What it parses has, beside the flags that were given: `command`, with a task after a space ("cache list");
    `schema`, which the flags belong to; and `parser`, which refuses what is unknown.
    """
    parser = Parser(
        prog="linear-neuron", description="Fit a linear regression with a single-layer neural network."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, does in COMMANDS.items():
        sub = _subcommand(commands, name, name, does, Settings)
        if name == "serve":
            sub.add_argument(
                "--cron", default=NIGHTLY, help=f"When to run, in UTC, as a cron line [{NIGHTLY}]."
            )
        _add_verbosity(sub)
        sub.add_argument(
            "--config", default=None, metavar="FILE.toml", help="Settings by section; flags override them."
        )
    does = "add a model's predictions to the rows of a table"
    _subcommand(commands, "predict", "predict", does, Prediction)

    cache = commands.add_parser("cache", help="list, verify or clean the artifacts folder")
    tasks = cache.add_subparsers(required=True, metavar="TASK")
    for name, does in CACHE.items():
        flags = None if name == "clean" else {"artifacts", "remote"}
        _subcommand(tasks, f"cache {name}", name, does, Cleaning, flags)
    return parser


def _subcommand(
    parsers: Any, command: str, name: str, does: str, schema: type[Section], flags: set[str] | None = None
) -> Parser:
    """Add a command with the flags of its schema, or only those named in `flags`."""
    description = f"{does[:1].upper()}{does[1:]}."
    sub: Parser = parsers.add_parser(
        name, help=does, description=description, argument_default=argparse.SUPPRESS, allow_abbrev=False
    )
    sub.set_defaults(command=command, schema=schema, parser=sub)
    sub.add_argument(
        "--json", action="store_true", default=False, help="Print the result alone on stdout, as JSON."
    )
    groups: dict[str, argparse._ActionsContainer] = {"": sub}
    for each in schema_fields(schema):
        if flags is None or each.name in flags:
            if each.section not in groups:
                groups[each.section] = sub.add_argument_group(each.section)
            _add_flag(groups[each.section], each.name, each.field)
    return sub


def _add_verbosity(sub: Parser) -> None:
    how = sub.add_mutually_exclusive_group()
    loud, quiet = "Say what happens, also into a pipe.", "Say nothing but the result and what went wrong."
    how.add_argument("-v", "--verbose", dest="verbosity", action="store_const", const=1, default=0, help=loud)
    how.add_argument("-q", "--quiet", dest="verbosity", action="store_const", const=-1, default=0, help=quiet)


def _add_flag(group: argparse._ActionsContainer, name: str, field: FieldInfo) -> None:
    flag = f"--{name.replace('_', '-')}"
    if field.annotation is not bool:
        group.add_argument(flag, metavar=_placeholder(field), help=_help(field))
    elif field.default:
        group.add_argument(
            f"--no-{name}", dest=name, action="store_false", help=f"Do not: {field.description}"
        )
    else:
        group.add_argument(flag, action="store_true", help=field.description)


def _placeholder(field: FieldInfo) -> str:
    kinds = {field.annotation, *get_args(field.annotation)}
    choices = [kind for kind in get_args(field.annotation) if isinstance(kind, str)]
    return "|".join(choices) or ("N" if int in kinds else "X" if float in kinds else "NAME")


def _help(field: FieldInfo) -> str:
    """Return the description with the default, where there is one to show; argparse takes a % for its own."""
    default = f" [{field.default}]" if isinstance(field.default, int | float | str) else ""
    return f"{field.description}{default}".replace("%", "%%")
