"""Which model a command is to use: a file, or that of a run."""

from dataclasses import dataclass
from pathlib import Path

from tasks.outputs import runs
from tasks.store.folders import RUNS
from tasks.table.errors import BadTable
from tasks.table.model.linear import FILE

LATEST = "latest"


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """A model's file."""

    path: Path


def chosen(model: str, artifacts: Path) -> ChosenModel:
    """Find the model's file: `model` is the file itself, a run's folder, or the name of a run in `artifacts`.

    Raises:
        BadTable: there is none, or it is not as its run wrote it.
    """
    given, folder = Path(model), artifacts / RUNS
    if model == LATEST:
        name = runs.latest(artifacts)
        if name is None:
            raise BadTable(
                f"`model` of {LATEST!r}: there is no run in {str(folder)!r}; `linear-neuron run` first"
            )
        return ChosenModel(_verified(folder / name, model))

    if given.is_file():
        return ChosenModel(given)
    named = [given, *([folder / model] if given.name == model else [])]
    found = next((each for each in named if each.is_dir()), None)
    if found is None:
        raise BadTable(
            f"`model` of {model!r} is neither a file, nor a folder, nor a run in {str(folder)!r}; check the name"
        )
    return ChosenModel(_verified(found, model))


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
