"""The command `linear-neuron`. Its flags are the fields of `tasks.config`; help comes without any heavy import.

Exit status: 0 done; 1 a stage failed; 2 bad usage or bad input; 3 the fit was refused; 130 interrupted.
Messages go to stderr.
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

from flows.command import environment
from flows.command.exits import Exit
from flows.command.messages import described
from flows.command.terminal import keep_stderr
from tasks.config import Cleaning, Prediction, Settings, overlaid

NIGHTLY = "0 6 * * *"
COMMANDS = {
    "run": "fit, evaluate and report; stages that nothing has changed for are taken from the cache",
    "plan": "say which stages a run would run, and why; run none",
    "serve": "stay and run on a schedule; needs a running Prefect server",
}
PREDICT = "predict"
HOUSEKEEPING = {
    "list": "list artifacts and runs with sizes and ages",
    "verify": "read every file again and name the damaged ones",
    "clean": "remove what no kept run needs",
}


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with the status for bad usage."""
        self.exit(Exit.BAD_INPUT, f"linear-neuron: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Raises:
        SystemExit: with status 2 for bad usage, after one line that says what is wrong; with 0 after help.
    """
    options = _options(sys.argv[1:] if arguments is None else arguments)
    try:
        given = _understood(options)
    except ValidationError as error:
        _refuse(described(error))
    keep_stderr()
    try:
        return _done(given, options)
    except KeyboardInterrupt:
        print(
            "linear-neuron: interrupted; what is finished stays, the same command goes on from there",
            file=sys.stderr,
        )
        return Exit.INTERRUPTED


def _done(given: Settings | Cleaning | Prediction, options: dict[str, Any]) -> Exit:
    """Do what was asked for; each command is imported, with what it needs, only when it is called."""
    as_json = options["json"]
    if isinstance(given, Cleaning):
        from flows.command import cache

        return cache.TASKS[options["task"]](Path(options["artifacts"]).resolve(), given, as_json)
    if isinstance(given, Prediction):
        from flows.command.predict import predict

        return predict(given, as_json)

    environment.prepare()  # Prefect, which takes a second to import, comes only now
    if options["command"] == "serve":
        from flows.command.serve import serve

        return serve(given, options["cron"])
    if options["command"] == "plan":
        from flows.command.plan import plan

        return plan(given, as_json)
    from flows.command.run import run

    return run(given, as_json)


def _refuse(message: str) -> NoReturn:
    print(f"linear-neuron: {message}", file=sys.stderr)
    raise SystemExit(Exit.BAD_INPUT)


def _options(arguments: Sequence[str]) -> dict[str, Any]:
    """Parse the arguments; only the flags that were given are among the settings."""
    parser = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [f"--{name}" for name in _flags()]
        near = difflib.get_close_matches(unknown[0].partition("=")[0], flags, n=1)
        parser.error(f"`{unknown[0]}` is not an option" + (f"; did you mean `{near[0]}`?" if near else ""))
    return vars(options)


def _understood(options: dict[str, Any]) -> Settings | Cleaning | Prediction:
    """Hold what was given against the schema of the command.

    Raises:
        ValidationError: it does not fit.
    """
    if "task" in options:
        return Cleaning.model_validate(_given(options, Cleaning))
    if options["command"] == PREDICT:
        return Prediction.model_validate(_given(options, Prediction))
    return _settings(options)


def _settings(options: dict[str, Any]) -> Settings:
    """Put the flags over the file, and let the schema put both over the preset."""
    given: dict[str, Any] = {}
    if options["config"]:
        given = _read(options["config"])
    for section, name, _ in _fields():
        if name in options:
            level = {section: {name: options[name]}} if section else {name: options[name]}
            given = overlaid(given, level)
    return Settings.model_validate(given)


def _read(config: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(config).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        _refuse(f"`config` of {config!r} cannot be read: {reason}")


def _given(options: dict[str, Any], schema: type[BaseModel]) -> dict[str, Any]:
    return {name: options[name] for name in schema.model_fields if name in options}


def _parser() -> Parser:
    parser = Parser(
        prog="linear-neuron", description="Fit a linear regression with a single-layer neural network."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command, does in COMMANDS.items():
        sub = _subcommand(commands, command, does)
        _add_settings(sub)
        if command == "serve":
            sub.add_argument(
                "--cron", default=NIGHTLY, help=f"When to run, in UTC, as a cron line [{NIGHTLY}]."
            )
        sub.add_argument(
            "--config", default=None, metavar="FILE.toml", help="Settings by section; flags go over them."
        )
    sub = _subcommand(commands, PREDICT, "add the predictions of a run's model to the rows of a file")
    for name, field in Prediction.model_fields.items():
        _add_flag(sub, name, field)
    cache = commands.add_parser("cache", help="list, verify or clean the artifacts folder")
    tasks = cache.add_subparsers(dest="task", required=True, metavar="TASK")
    for task, does in HOUSEKEEPING.items():
        sub = _subcommand(tasks, task, does)
        sub.add_argument(
            "--artifacts", default="artifacts", metavar="NAME", help="Folder for the runs' files."
        )
        for name, field in Cleaning.model_fields.items() if task == "clean" else ():
            _add_flag(sub, name, field)
    return parser


def _subcommand(parsers: Any, name: str, does: str) -> Parser:
    description = f"{does[:1].upper()}{does[1:]}."
    sub: Parser = parsers.add_parser(
        name, help=does, description=description, argument_default=argparse.SUPPRESS, allow_abbrev=False
    )
    sub.add_argument(
        "--json", action="store_true", default=False, help="Print the result alone on stdout, as JSON."
    )
    return sub


def _add_settings(parser: Parser) -> None:
    groups = {section: parser.add_argument_group(section) for section, _, _ in _fields() if section}
    for section, name, field in _fields():
        _add_flag(groups[section] if section else parser, name, field)


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
    default = field.default
    return f"{field.description}" + (f" [{default}]" if isinstance(default, int | float | str) else "")


def _flags() -> list[str]:
    names = [
        *(name for _, name, _ in _fields()),
        *Cleaning.model_fields,
        *Prediction.model_fields,
        "no-bias",
        "config",
        "cron",
        "json",
        "help",
    ]
    return [name.replace("_", "-") for name in names]


def _fields() -> Iterator[tuple[str, str, FieldInfo]]:
    """Yield every setting with the name of its section; the empty string stands for none."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for inner, inner_field in field.annotation.model_fields.items():
                yield name, inner, inner_field
        else:
            yield "", name, field
