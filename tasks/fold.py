"""Stage `fold`: hold one of K folds of the training rows out, to choose settings by; the test part stays unseen."""

from pathlib import Path

import pyarrow as pa

from tasks.neuron.profile import profile
from tasks.neuron.ridge import fold_of_rows
from tasks.outputs import parts
from tasks.outputs.parts import TEST, TRAIN, Name, read_parts
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_parquet
from tasks.store.writing import draft, publish
from tasks.table.errors import BadTable, counted


@stage
def fold(rows: Artifact, number: int, folds: int, root: Path) -> Artifact:
    """Leave all folds of the training rows but one to train on, and that one to score, as `split` leaves its parts.

    They are the folds of `--cross-validate`: dealt evenly and at random, whatever the split went by. Runs again when
    the training rows, the number of folds or this code changes.

    Raises:
        BadTable: there are too few training rows.
    """
    files = read_parts(rows, root, TRAIN)
    fewest = min(file.rows for file in files)
    if fewest < 2 * folds:
        needed = f"{2 * folds} training rows" + (" in each file" if len(files) > 1 else "")
        there = counted(fewest, "row") + (" in the smallest" if len(files) > 1 else "")
        raise BadTable(f"`folds` of {folds} needs {needed}, and there are {there}; lower it")
    with draft(root) as folder:
        for place, file in enumerate(files):
            table, is_held = read_parquet(file.file.path), fold_of_rows(file.rows, folds, place) == number
            for name, mask in ((TRAIN, ~is_held), (TEST, is_held)):
                _write(folder, name, table.filter(pa.array(mask)), place if len(files) > 1 else None)
        parts.write_profile(folder, profile(parts.written(folder, TRAIN), most=1))
        return publish(folder, root, "fold")


def _write(folder: Path, name: Name, rows: pa.Table, place: int | None) -> None:
    if place is None:
        parts.write_rows(folder, name, rows)
    else:
        parts.write_rows_part(folder, name, place, rows)
