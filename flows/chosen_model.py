"""Which model a command is to use: a file, a run, or what a name stands for now."""

from dataclasses import dataclass, field
from pathlib import Path

from tasks.outputs import registry, runs
from tasks.outputs.naming import name_of_run, table_in_words
from tasks.outputs.registry import CHAMPION, ModelVersion, NamedModel
from tasks.outputs.result import Result
from tasks.store.folders import RUNS
from tasks.table.errors import BadTable
from tasks.table.model.linear import FILE

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model's file, and where it comes from, by word; empty for a file that is no run's."""

    path: Path
    origin: dict[str, str] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """Say which model it is."""
        origin = self.origin
        version = f", {origin['version']}" if "version" in origin else ""
        return (
            f"model of {origin['name']!r}{version}: target {origin['target']!r} of {origin['table']}, "
            f"run {origin['run']}, due {origin['due']}"
        )


def chosen(model: str, artifacts: Path) -> ChosenModel:
    """Find a model.

    Args:
        model: A model.json; a run's folder or its name; `latest`; a name of models, with `@` and an alias or a
            number for another version than the newest.
        artifacts: The folder in which to look for runs.

    Raises:
        BadTable: there is none, or it is not as its run wrote it.
        BadStore: the registry cannot be read.
    """
    given, folder = Path(model), artifacts / RUNS
    if model == LATEST:
        name = runs.latest(artifacts)
        if name is None:
            raise BadTable(
                f"`model` of {LATEST!r}: there is no run in {str(folder)!r}; `linear-neuron run` first"
            )
        return _of_run(artifacts, name, model)
    if given.is_file():
        return ChosenModel(given)

    name, at, version = model.partition("@")
    if (at or not given.is_dir()) and (known := registry.read(artifacts, name)):
        return _of_version(
            artifacts, known, _version(artifacts, known, version if at else None, model), model
        )
    named = [given, *([folder / model] if given.name == model else [])]
    found = next((each for each in named if each.is_dir()), None)
    if found is None:
        raise BadTable(
            f"`model` of {model!r} is neither a file, nor a folder, nor a run or a name in {str(folder)!r}; "
            f"{_known(artifacts)}"
        )
    if found.resolve().parent == folder.resolve():
        return _of_run(artifacts, found.name, model)
    return ChosenModel(_verified(found, model))


def _version(artifacts: Path, known: NamedModel, wanted: str | None, model: str) -> ModelVersion:
    """Return the version that an alias or a number stands for, or the newest whose run is there."""
    if wanted is None:
        present = (each for each in reversed(known.versions) if runs.folder(artifacts, each.run).is_dir())
        if found := next(present, None):
            return found
        raise BadTable(f"`model` of {model!r}: all of its runs are removed; `linear-neuron run` first")
    by_number = {str(each.number): each for each in known.versions}
    if found := known.aliases.get(wanted) or by_number.get(wanted):
        return found
    aliases = ", ".join(known.aliases) or f"no alias yet (`linear-neuron promote` sets {CHAMPION!r})"
    raise BadTable(f"`model` of {model!r}: no alias and no version {wanted!r}; there is {aliases}")


def _of_version(artifacts: Path, known: NamedModel, version: ModelVersion, model: str) -> ChosenModel:
    found = _of_run(artifacts, version.run, model)
    described = ", ".join([f"version {version.number}", *known.aliases_of(version)])
    return ChosenModel(found.path, found.origin | {"name": known.name, "version": described})


def _of_run(artifacts: Path, run: str, model: str) -> ChosenModel:
    """Return the model of a run, with what its result says of it."""
    path = _verified(runs.folder(artifacts, run), model)
    result = runs.read(artifacts, run)
    return ChosenModel(path, _origin(result) if result else {})


def _origin(result: Result) -> dict[str, str]:
    due = result.run
    return {
        "name": name_of_run(result),
        "target": result.target,
        "table": table_in_words(result.settings),
        "run": result.run,
        "due": f"{due[:4]}-{due[4:6]}-{due[6:8]} {due[9:11]}:{due[11:13]} UTC",
    }


def _known(artifacts: Path) -> str:
    names = registry.names(artifacts)
    return f"the names there are {', '.join(names)}" if names else "check the name"


def _verified(home: Path, model: str) -> Path:
    """Return the model's file in a run's folder.

    Raises:
        BadTable: there is none, or it is not as its run wrote it.
    """
    if not (home / FILE).is_file():
        raise BadTable(f"`model` of {model!r}: there is no {FILE} in the folder; make the run again")
    if harm := runs.altered(home, FILE):
        raise BadTable(f"`model` of {model!r}: {harm}; restore it from a backup, or make the run again")
    return home / FILE
