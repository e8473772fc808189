"""The command `linear-neuron`. Its flags are the fields of `tasks.config`; help comes without any heavy import.

Every exit status is in `flows.command.exits`. Messages go to stderr, results to stdout.
"""

import os
import re
import sys
import tomllib
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from flows.command import environment
from flows.command.exits import Exit
from flows.command.messages import Unusable, described, explain, say
from flows.command.news import News
from flows.command.parser import NIGHTLY, SWEPT, command_parser
from flows.command.signals import Stops
from flows.command.terminal import keep_stderr, keep_stdout
from tasks.config import (
    Cleaning,
    Export,
    ModelListing,
    Opening,
    Prediction,
    Promotion,
    Rollback,
    RunPair,
    Settings,
    SweepPlan,
    Training,
    overlaid,
    schema_fields,
)
from tasks.store.regular import read_regular

# Of a settings file, and outside strings on one of its lines. The parser's time grows by the square of a key's parts.
MOST_CONFIG_BYTES = 2**16
MOST_DOTS = 50

# The settings of commands that train nothing.
Upkeep = Cleaning | Prediction | Export | ModelListing | Promotion | Rollback | RunPair | Opening


@dataclass(frozen=True, slots=True)
class Request:
    """What a command line asks for.

    Attributes:
        command: The command as it is typed: "run", "cache list".
        settings: Its settings, validated; of `sweep` those that all candidates share.
        sweep: What `sweep` tries, else None.
        as_json: Whether stdout gets the result alone, as JSON.
        cron: When `serve` runs, in UTC.
        verbosity: -1 for results and errors alone, 1 for all that happens, else 0.
        fail_when_rejected: Whether a run that the gate rejects ends with status 4.
    """

    command: str
    settings: Settings | Upkeep
    as_json: bool = False
    cron: str = NIGHTLY
    verbosity: int = 0
    fail_when_rejected: bool = False
    sweep: SweepPlan | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit status.

    Raises:
        SystemExit: with status 2 for bad usage, after one line that says what is wrong; with 0 after help.
    """
    try:
        request = parse(sys.argv[1:] if arguments is None else arguments)
    except ValidationError as error:
        _refuse(described(error))
    keep_stderr()
    keep_stdout()
    stops = Stops()
    try:
        return _execute(request, stops)
    except Unusable as error:
        return explain(error)
    except KeyboardInterrupt:
        say(stops.message())
        return stops.status()


def parse(arguments: Sequence[str]) -> Request:
    """Parse and validate a command line; flags override the file named by `--config`, both override the preset.

    Raises:
        SystemExit: bad usage, or a file that cannot be read; one line on stderr says which.
        ValidationError: the settings do not fit the command's schema.
    """
    options, unknown = command_parser().parse_known_args(arguments)
    if unknown:
        options.parser.refuse_unknown(unknown[0])
    if "schema" not in options:  # the program, or a group of commands, by itself
        options.parser.print_help()
        raise SystemExit(Exit.DONE)

    config = getattr(options, "config", None)
    given = _read(config) if config else {}
    for setting in schema_fields(options.schema):
        if setting.name in options:
            given = overlaid(given, setting.nested(getattr(options, setting.name)))
    swept = given.pop("sweep", {}) if options.command == "sweep" else None
    settings = options.schema.model_validate(given)

    return Request(
        options.command,
        settings,
        options.json,
        getattr(options, "cron", NIGHTLY),
        getattr(options, "verbosity", 0),
        getattr(options, "fail_when_rejected", False),
        None if swept is None else _sweep(options, settings, swept),
    )


def _sweep(options: Namespace, settings: Settings, given: object) -> SweepPlan:
    """Put together what is to be tried: by flags, and by the section `[sweep]` of a file, with `folds` in it.

    Raises:
        ValidationError: a value is out of bounds, or there are none.
    """
    values = dict(given) if isinstance(given, Mapping) else {"sweep": given}
    in_file = values.pop("folds", SweepPlan.model_fields["folds"].default)
    folds = getattr(options, "folds", None) or in_file
    for name in Training.model_fields:
        if text := getattr(options, f"{SWEPT}.{name}", None):
            values[name] = [value.strip() for value in text.split(",")]
    lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    plan = SweepPlan.model_validate({"settings": settings, "training": lists, "folds": folds})
    plan.candidates()  # refused here, each value is named
    return plan


def _execute(request: Request, stops: Stops) -> Exit:
    """Do what was asked for; each command is imported, with what it needs, only when it is called."""
    settings, as_json = request.settings, request.as_json
    if isinstance(settings, Settings):
        environment.prepare(verbose=request.verbosity > 0)  # before anything imports Prefect
        if request.command == "serve":
            from flows.command.serve import serve

            return serve(settings, request.cron)  # Prefect has its own way of stopping

    with stops.watched():
        if not isinstance(settings, Settings):
            return _looked_after(request, settings)
        if request.command == "plan":
            from flows.command.plan import plan

            return plan(settings, as_json)
        if request.sweep is not None:
            from flows.command.sweep import sweep

            return sweep(request.sweep, as_json, stops, News(request.verbosity))
        from flows.command.run import run

        return run(settings, as_json, stops, News(request.verbosity), request.fail_when_rejected)


def _looked_after(request: Request, settings: Upkeep) -> Exit:
    """Do what needs neither Prefect nor TensorFlow: what becomes of runs and models that are there."""
    as_json = request.as_json
    if isinstance(settings, Cleaning):
        from flows.command import cache

        return cache.TASKS[request.command](settings, as_json)
    if isinstance(settings, Prediction):
        from flows.command.predict import predict

        return predict(settings, as_json)
    if isinstance(settings, Export):
        from flows.command.export import export

        return export(settings, as_json)
    if isinstance(settings, Opening):
        from flows.command.open import show_report

        return show_report(settings, as_json)
    from flows.command import models

    return models.TASKS[request.command](settings, as_json)


def _refuse(message: str) -> NoReturn:
    say(message)
    raise SystemExit(Exit.BAD_INPUT)


def _read(config: str) -> dict[str, Any]:
    """Read settings; what would take the parser minutes, such as a key of thousands of parts, is refused first."""
    try:
        text = read_regular(Path(os.path.realpath(config)), MOST_CONFIG_BYTES).decode()
        unquoted = re.sub(r"""'[^'\n]*'|"[^"\n]*\"""", "", text)
        if any(line.count(".") > MOST_DOTS for line in unquoted.splitlines()):
            _refuse(f"`config` of {config!r} nests keys too deep; settings lie in sections, as `[training]`")
        return tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        _refuse(f"`config` of {config!r} cannot be read: {reason}")
