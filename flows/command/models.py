"""The commands on models in use: `models`, `promote`, `rollback`, `diff`."""

import getpass
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flows.chosen_model import chosen
from flows.command.exits import Exit
from flows.command.folders import unusable
from flows.command.messages import explain, print_result, say
from tasks.config import ModelListing, Promotion, Rollback, RunPair
from tasks.outputs import registry, runs
from tasks.outputs.differences import differences
from tasks.outputs.registry import CHALLENGER, CHAMPION, NamedModel
from tasks.outputs.result import Result
from tasks.store.folders import BadStore, existing_root
from tasks.table.errors import BadTable, printable, quoted

ModelRequest = ModelListing | Promotion | Rollback | RunPair

# Lines of a listing.
NEWEST = 20


def show(options: ModelListing, as_json: bool) -> Exit:
    """Print the names with their champions, or of one name the versions, aliases and history."""
    root = existing_root(options.artifacts)
    if options.name is None:
        every = registry.read_all(root)
        if as_json:
            return print_result(json.dumps([_as_json(root, model) for model in every], indent=1))
        lines = [f"{'name':<24} {'versions':>8}  champion"]
        lines += [f"{model.name:<24} {len(model.versions):>8}  {_champion(model)}" for model in every]
        return print_result("\n".join(lines) if every else "there is no model yet; `linear-neuron run` first")

    model = _known(root, options.name)
    if as_json:
        return print_result(json.dumps(_as_json(root, model), indent=1))
    return print_result("\n".join(_lines(root, model)))


def promote(options: Promotion, as_json: bool) -> Exit:
    """Bring a run into use under an alias, whatever the gate has said of it."""
    root = existing_root(options.artifacts)
    run = _run_of(options.run, root)
    with registry.held(root):
        result = _result(root, run)
        settings = result.settings | {"name": result.name}
        name = registry.claimed_name(root, settings)
        known = registry.entry(root, name, settings).with_run(run)
        try:
            moved = known.moved(options.alias, run, by=_who("promote"), why=options.why)
        except ValueError as error:
            raise BadTable(str(error)) from error
        waiting = moved.aliases.get(CHALLENGER)
        if options.alias == CHAMPION and waiting and waiting.run == run:
            moved = moved.moved(CHALLENGER, None, by=_who("promote"), why=options.why)
        registry.write(root, moved)
    if options.alias == CHAMPION:
        _announce(root, moved)
    return _told(moved, options.alias, as_json)


def rollback(options: Rollback, as_json: bool) -> Exit:
    """Bring the champion before back, or the version that is given."""
    root = existing_root(options.artifacts)
    with registry.held(root):
        known = _known(root, options.name)
        number = options.to or _former(known)
        run = _run_of(f"{known.name}@{number}", root)
        moved = known.moved(CHAMPION, run, by=_who("rollback"), why=options.why)
        registry.write(root, moved)
    _announce(root, moved)
    return _told(moved, CHAMPION, as_json)


def diff(options: RunPair, as_json: bool) -> Exit:
    """Print what differs between two runs."""
    root = existing_root(options.artifacts)
    first, second = (_result(root, _run_of(each, root)) for each in (options.first, options.second))
    found = differences(first, second)
    if as_json:
        return print_result(found.model_dump_json(indent=1))
    return print_result("\n".join(found.lines()))


def _lines(root: Path, model: NamedModel) -> Iterator[str]:
    yield f"{model.name}: {model.table}"
    yield f"{'version':>7}  {'run':<24}  {'test RMSE':>10}  aliases"
    for version in reversed(model.versions[-NEWEST:]):
        result = runs.read(root, version.run)
        error = f"{result.rmse:.4g}" if result else "removed"
        aliases = ", ".join(model.aliases_of(version))
        yield f"{version.number:>7}  {version.run:<24}  {error:>10}  {aliases}".rstrip()
    if len(model.versions) > NEWEST:
        yield f"… and {len(model.versions) - NEWEST:,} older versions"
    for move in reversed(model.history[-NEWEST:]):
        yield f"{move.at}  {move.alias}: {move.before or '–'} → {move.after or '–'}, by {move.by}: {move.why}"


def _as_json(root: Path, model: NamedModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "table": model.table,
        "versions": [
            version.model_dump() | {"present": runs.folder(root, version.run).is_dir()}
            for version in model.versions
        ],
        "aliases": {alias: version.number for alias, version in model.aliases.items()},
        "history": [move.model_dump() for move in model.history],
    }


def _told(model: NamedModel, alias: str, as_json: bool) -> Exit:
    version = model.aliases[alias]
    if as_json:
        payload = {"name": model.name, "alias": alias, "version": version.number, "run": version.run}
        return print_result(json.dumps(payload, indent=1))
    return print_result(f"{model.name}@{alias} is version {version.number}, run {version.run}")


def _announce(root: Path, model: NamedModel) -> None:
    """Tell the configured server of a new champion, so that what waits for one begins: scoring, for instance."""
    from prefect.settings import PREFECT_API_URL

    url, last = PREFECT_API_URL.value(), model.history[-1]
    result = runs.read(root, model.champion.run) if model.champion else None
    if not url or result is None:
        return
    from httpx import HTTPError

    from flows.events import announce_champion

    try:
        announce_champion(result, f"{last.by}: {last.why}")
    except HTTPError as error:
        say(
            f"the model is in use, but `PREFECT_API_URL` of {url!r} was not told of it "
            f"({printable(str(error))[:160] or type(error).__name__}): start yourself what waits for a promotion"
        )


def _champion(model: NamedModel) -> str:
    champion = model.champion
    return f"version {champion.number}, run {champion.run}" if champion else "–"


def _known(root: Path, name: str) -> NamedModel:
    if known := registry.read(root, name):
        return known
    names = ", ".join(registry.names(root)) or "none"
    raise BadTable(f"`name` of {quoted(name)} is not known; the names there are: {names}")


def _run_of(model: str, root: Path) -> str:
    """Return the run that a name, an alias or a run's name stands for; its model must be as it was written."""
    found = chosen(model, root)
    if "run" not in found.origin:
        raise BadTable(f"{quoted(model)} is no finished run in {str(root)!r}; give a run's name")
    return found.origin["run"]


def _result(root: Path, run: str) -> Result:
    if result := runs.read(root, run):
        return result
    raise BadTable(f"the result of run {run!r} cannot be read; make the run again")


def _former(known: NamedModel) -> int:
    """Return the version that was the champion before."""
    if known.former_champion is None:
        raise BadTable(f"{known.name!r} has had no champion before this one; give a version with `--to`")
    return known.former_champion.number


def _who(command: str) -> str:
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container without a name for its user
        user = f"user {os.getuid()}"
    return f"{user}, by `linear-neuron {command}`"


def _explained(task: Callable[[Any, bool], Exit]) -> Callable[[ModelRequest, bool], Exit]:
    """Say in one line what kept a command from being done."""

    def command(options: ModelRequest, as_json: bool) -> Exit:
        try:
            return task(options, as_json)
        except (BadTable, BadStore) as error:
            return explain(error)
        except OSError as error:
            return explain(unusable("artifacts", Path(options.artifacts), error))

    return command


TASKS: dict[str, Callable[[ModelRequest, bool], Exit]] = {
    "models": _explained(show),
    "promote": _explained(promote),
    "rollback": _explained(rollback),
    "diff": _explained(diff),
}
