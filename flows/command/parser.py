"""The grammar of `linear-neuron`: commands, and a flag for every setting of the command's schema."""

import argparse
import difflib
import platform
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import UnionType
from typing import Annotated, Any, Literal, NoReturn, Union, get_args, get_origin

from pydantic import ByteSize
from pydantic.fields import FieldInfo

from flows.command.completion import SHELLS, completion_script
from flows.command.exits import Exit
from tasks.config import (
    Cleaning,
    Export,
    ModelListing,
    Opening,
    Prediction,
    Promotion,
    Rollback,
    RunPair,
    Section,
    Settings,
    SweepPlan,
    Training,
    schema_fields,
)
from tasks.table.sources.address import redacted

# Before the name of a setting of which several values are to be tried.
SWEPT = "training"
NIGHTLY = "0 6 * * *"
PROGRAM = "linear-neuron"
COMMANDS = {
    "run": "fit, evaluate and report; unchanged stages are taken from the cache",
    "plan": "show which stages a run would run, and why; run none",
    "serve": "stay and run on a schedule; needs a running Prefect server",
    "sweep": "compare combinations of the training's settings, and run with the best",
}
MODELS: dict[str, tuple[str, type[Section], tuple[str, ...]]] = {
    "models": ("list models: versions, aliases, and the history of what was in use", ModelListing, ("name",)),
    "promote": ("bring a run into use, as the champion of its name", Promotion, ("run",)),
    "rollback": ("bring an earlier champion back", Rollback, ("name",)),
    "diff": ("show what differs between two runs", RunPair, ("first", "second")),
    "open": ("open a run's report in the browser", Opening, ("run",)),
}
CACHE = {
    "list": "list artifacts and runs with sizes and ages",
    "verify": "read every file again and name the damaged ones",
    "clean": "remove what no kept run needs",
}

# At the end of each command's help.
EXAMPLES = {
    "": [
        "run",
        "run --data sales.csv --target price",
        "predict --model latest --data new.csv --output out.csv",
    ],
    "run": [
        "run",
        "run --data sales.csv --target price --exclude id --categorical region",
        "run --config settings.toml --epochs 200 --json",
    ],
    "plan": ["plan --epochs 200", "plan --data sales.csv --target price --json"],
    "serve": ["serve --cron '0 6 * * *' --data sales.csv --target price"],
    "sweep": [
        "sweep --training.epochs 10,100 --training.l2 0,0.1,1 --data sales.csv --target price",
        "sweep --config sweep.toml --folds 10 --json",
    ],
    "predict": [
        "predict --model latest --data new.csv --output predicted.csv",
        "predict --model model.json --data new.parquet --output predicted.parquet --overwrite",
        "predict --model sales --data new.csv --output sqlite:///shop.db --output-table scored --output-key id",
    ],
    "export": [
        "export --to onnx",
        "export --to mlflow --model sales --output sales-model",
    ],
    "models": ["models", "models sales", "models sales --json"],
    "promote": ['promote latest --why "looked at"', "promote sales@3 --alias audited"],
    "rollback": ["rollback sales", "rollback sales --to 3"],
    "diff": ["diff sales@champion latest"],
    "open": ["open", "open 20261123T010102-1ca5c72e"],
    "cache": ["cache list", "cache clean --keep-runs 10 --dry-run"],
    "cache list": ["cache list --json"],
    "cache verify": ["cache verify"],
    "cache clean": ["cache clean --keep-runs 10 --older-than 90d --max-size 5GB --dry-run"],
    "completion": ["completion bash", "completion zsh", "completion fish"],
}

# What kind of value a flag takes, where its type does not say.
KINDS = {
    "data": "FILE",
    "output": "FILE",
    "query": "SQL",
    "unchanged_if": "SQL",
    "table": "TABLE",
    "version": "VERSION",
    "password_block": "BLOCK",
    "output_table": "TABLE",
    "output_key": "COLUMNS",
    "output_password_block": "BLOCK",
    "key": "COLUMNS",
    "artifacts": "FOLDER",
    "log_to_mlflow": "ADDRESS",
    "model": "MODEL",
    "target": "COLUMN",
    "column": "COLUMN",
    "by": "COLUMNS",
    "features": "COLUMNS",
    "exclude": "COLUMNS",
    "categorical": "COLUMNS",
    "formula": "FORMULA",
    "dates": "COLUMNS",
    "dates_format": "FORMAT",
    "warn": "RULES",
    "na_values": "WORDS",
    "encoding": "ENCODING",
    "delimiter": "CHARACTER",
    "comment": "TEXT",
    "date_format": "FORMAT",
    "true_weights": "X,X,…",
}


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line."""

    def format_help(self) -> str:
        """Show the flags that the schema needs as required."""
        needed = [action for action in self._actions if getattr(action, "is_needed", False)]
        for action in needed:
            action.required = True
        text = super().format_help()
        for action in needed:
            action.required = False
        return text

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a command or a word that is none of the choices, and name the nearest one."""
        if action.choices is not None and value not in action.choices:
            known = [str(each) for each in action.choices]
            near = difflib.get_close_matches(str(value), known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there is {', '.join(known)}"
            self.error(f"`{value}` is not a {str(action.metavar or action.dest).lower()}; {hint}")

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
        prog=PROGRAM,
        description="Fit a linear regression with a single-layer neural network.",
        epilog=_examples(""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(parser=parser)
    parser.add_argument("--version", action=_Version, help="Show this version and those that it runs on.")
    commands = parser.add_subparsers(metavar="COMMAND")
    for name, does in COMMANDS.items():
        _add_training(_subcommand(commands, name, name, does, Settings), name)
    does = "add a model's predictions to the rows of a table"
    _subcommand(commands, "predict", "predict", does, Prediction)
    _subcommand(commands, "export", "export", "write a model for other programs", Export)

    for name, (does, schema, places) in MODELS.items():
        _subcommand(commands, name, name, does, schema, places=places)

    cache = commands.add_parser(
        "cache",
        help="list, verify or clean the artifacts folder",
        epilog=_examples("cache"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    cache.set_defaults(parser=cache)
    tasks = cache.add_subparsers(metavar="TASK")
    for name, does in CACHE.items():
        flags = None if name == "clean" else {"artifacts", "remote"}
        _subcommand(tasks, f"cache {name}", name, does, Cleaning, flags)

    _add_completion(commands, parser)
    return parser


def _add_training(sub: Parser, name: str) -> None:
    """Add to a command that trains what is no setting of the training."""
    if name == "serve":
        sub.add_argument("--cron", default=NIGHTLY, help=f"When to run, in UTC, as a cron line [{NIGHTLY}].")
    if name == "run":
        sub.add_argument(
            "--fail-when-rejected",
            action="store_true",
            default=False,
            help="Exit with status 4 if the gate rejects the run.",
        )
    if name == "sweep":
        _add_swept(sub)
    _add_verbosity(sub)
    sub.add_argument(
        "--config",
        default=None,
        metavar="FILE",
        help="Settings by section, as TOML; flags override them.",
    )


def _add_swept(sub: Parser) -> None:
    """Add a flag for the values that a setting of the training is to take, and one for the folds."""
    folds = SweepPlan.model_fields["folds"]
    sub.add_argument("--folds", metavar="N", help=_help(folds))
    group = sub.add_argument_group("swept", "Values to try, separated by commas; all combinations are.")
    for name, field in Training.model_fields.items():
        flag = f"--{SWEPT}.{name.replace('_', '-')}"
        group.add_argument(flag, dest=f"{SWEPT}.{name}", metavar="X,X,…", help=field.description)


def _add_completion(commands: Any, parser: Parser) -> None:
    does = "print what makes a shell complete commands and flags"
    sub: Parser = commands.add_parser(
        "completion",
        help=does,
        description=f"{does[:1].upper()}{does[1:]}: bash and zsh evaluate it, fish sources it.",
        epilog=_examples("completion"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(parser=sub)
    shell = sub.add_argument("shell", metavar="SHELL", choices=SHELLS, action=_Completion)
    shell.default = parser
    shell.help = ", ".join(SHELLS)


def _subcommand(
    parsers: Any,
    command: str,
    name: str,
    does: str,
    schema: type[Section],
    flags: set[str] | None = None,
    places: Sequence[str] = (),
) -> Parser:
    """Add a command with the flags of its schema, or only those named in `flags`; `places` go without a flag."""
    description = f"{does[:1].upper()}{does[1:]}."
    sub: Parser = parsers.add_parser(
        name,
        help=does,
        description=description,
        epilog=_examples(command),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
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
            if each.name in places:
                count = None if each.field.is_required() else "?"
                sub.add_argument(each.name, nargs=count, metavar=each.name.upper(), help=_help(each.field))
            else:
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
        placeholder = _placeholder(name, field)
        action = group.add_argument(flag, metavar=placeholder, help=_help(field))
        # Checked by the schema, after unknown flags: a misspelt one is not a missing one.
        action.is_needed = field.is_required()  # type: ignore[attr-defined]
    elif field.default:
        group.add_argument(
            f"--no-{name}", dest=name, action="store_false", help=f"Do not: {field.description}"
        )
    else:
        group.add_argument(flag, action="store_true", help=field.description)


def _placeholder(name: str, field: FieldInfo) -> str:
    """Return what stands for a flag's value in its help: the choices, or the kind."""
    kinds = list(_kinds(field.annotation))
    if choices := [kind for kind in kinds if isinstance(kind, str)]:
        return "|".join(choices)
    by_type = {timedelta: "DURATION", ByteSize: "SIZE", int: "N", float: "X"}
    return next((word for kind, word in by_type.items() if kind in kinds), KINDS.get(name, "NAME"))


def _kinds(annotation: object) -> Iterator[object]:
    """Yield the types that an annotation allows, and the words of a choice; what a list is of does not count."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        for each in inner:
            yield from _kinds(each)
    elif origin is Annotated:
        yield from _kinds(inner[0])
    elif origin is Literal:
        yield from inner
    else:
        yield annotation


def _examples(command: str) -> str:
    return "\n".join(["examples:", *(f"  {PROGRAM} {line}" for line in EXAMPLES[command])])


class _Version(argparse.Action):
    """Prints the versions of this program and of what its results depend on."""

    def __init__(self, option_strings: list[str], dest: str, help: str | None = None) -> None:
        # A setting may have the same name: a flag that leaves nothing must not get in its way.
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        libraries = ", ".join(
            f"{name} {version(name)}" for name in ("prefect", "tensorflow", "keras", "numpy")
        )
        print(f"{PROGRAM} {version(PROGRAM)} ({libraries}, python {platform.python_version()})")
        parser.exit()


class _Completion(argparse.Action):
    """Prints the script that completes commands and flags of the parser that is its default."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's signature
        values: Any,
        option_string: str | None = None,  # noqa: ARG002 - argparse's signature
    ) -> None:
        print(completion_script(values, self.default))
        parser.exit()


def _help(field: FieldInfo) -> str:
    """Return the description with the default, where there is one to show; argparse takes a % for its own."""
    default = f" [{field.default}]" if isinstance(field.default, int | float | str) else ""
    return f"{field.description}{default}".replace("%", "%%")
