"""The runs in the store: which have finished, in which order, what they found and which folders they use.

A run's folder is named by the time when the run was due, which is not the order in which runs end: a clock may be
wrong, a run may start late. So each run adds its name to a list when it ends, and that list is the order. Runs of
earlier releases are not in it; they come first, by name.

The folder may hold anything, from other versions to half-written files. A result that cannot be read is passed over.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tasks.config import Input
from tasks.outputs.data import SCHEMA
from tasks.outputs.result import Result, Stage
from tasks.store.regular import read_regular
from tasks.store.writing import write_atomically
from tasks.table.drift import TableSchema
from tasks.table.sources.discovery import anchored

RUNS = "runs"
RESULT = "result.json"
REPORT = "report.md"
PAGE = "report.html"
ORDER = "finished-runs.txt"
RUN_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")

SCHEMA_PATH = re.compile(r"ingest/[0-9a-f]{16}/" + re.escape(SCHEMA))

MOST_COMPARED = 20
"""Runs in a trend, the present one among them."""

MOST_LOOKED_AT = 200
"""Runs whose results are read in search of others of the same kind, the newest."""

MOST_BYTES = 16_000_000


def folder(root: Path, name: str) -> Path:
    """Return the folder of a run."""
    return root / RUNS / name


def finished(root: Path) -> list[str]:
    """Return the names of the finished runs, in the order in which they ended."""
    places = {name: place for place, name in enumerate(_order(root))}
    return sorted(
        (name for name in _names(root) if (folder(root, name) / RESULT).is_file()),
        key=lambda name: (places.get(name, -1), name),
    )


def note_finished(root: Path, name: str) -> None:
    """Put a run at the end of the order, before its result is written and it counts as finished."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / ORDER).open("ab") as stream:  # one short write at the end: no other run's line is hurt
        stream.write(f"{name}\n".encode())
        stream.flush()
        os.fsync(stream.fileno())


def forget_removed(root: Path) -> None:
    """Drop from the order the runs whose folders are gone."""
    order = list(_order(root))
    kept = [name for name in order if folder(root, name).is_dir()]
    if kept != order:
        write_atomically(root / ORDER, "".join(f"{name}\n" for name in kept).encode())


def latest(root: Path) -> str | None:
    """Return the name of the run that ended last."""
    names = finished(root)
    return names[-1] if names else None


def read(root: Path, name: str) -> Result | None:
    """Return what a run found; None where that cannot be read."""
    try:
        result = Result.model_validate_json(read_regular(folder(root, name) / RESULT, MOST_BYTES))
    except (OSError, ValueError):
        return None
    return result if result.run == name else None


def before(root: Path, name: str) -> list[str]:
    """Return the names of the runs that had finished before this one, newest first; all of them if it has not yet."""
    names = finished(root)
    return names[: names.index(name) if name in names else None][::-1]


def earlier(root: Path, result: Result) -> list[Result]:
    """Read the newest 19 runs before this one with the same target, features and kind of split, the oldest first."""
    found: list[Result] = []
    for name in before(root, result.run)[:MOST_LOOKED_AT]:
        past = read(root, name)
        if past is not None and _is_alike(past, result):
            found.append(past)
        if len(found) == MOST_COMPARED - 1:
            break
    return found[::-1]


def uses(result: Result) -> frozenset[str]:
    """Return the stages' folders that a run refers to, relative to the store's root."""
    return frozenset(
        str(PurePosixPath(file.path).parent) for stage in result.stages.values() for file in stage.files
    )


def last_schema(root: Path, table: Input, until: str = "") -> TableSchema | None:
    """Return the columns of the newest run before `until` with the same table and choice of columns."""
    for name in before(root, until)[:MOST_LOOKED_AT]:
        past = read(root, name)
        if past is not None and "ingest" in past.stages and _chose(past) == _choice(table):
            return schema_of(root, past.stages)
    return None


def schema_of(root: Path, stages: Mapping[str, Stage]) -> TableSchema | None:
    """Read the table's columns as a run's `ingest` left them, if they are still there."""
    for file in stages["ingest"].files if "ingest" in stages else ():
        if SCHEMA_PATH.fullmatch(file.path):
            with suppress(OSError, ValueError):
                return TableSchema.model_validate_json(read_regular(root / file.path, MOST_BYTES))
    return None


def _is_alike(past: Result, now: Result) -> bool:
    return (
        past.target == now.target
        and list(past.model.weights) == list(now.model.weights)
        and (past.metrics.test is None) == (now.metrics.test is None)
    )


def _chose(past: Result) -> dict[str, object] | None:
    try:
        return _choice(Input.model_validate(past.settings["input"]))
    except (KeyError, ValueError):  # of another release
        return None


def _choice(table: Input) -> dict[str, object]:
    chosen = table.model_dump(include={"target", "features", "exclude", "categorical"})
    return chosen | {"data": anchored(table.data or "")}


def _order(root: Path) -> Iterator[str]:
    """Yield the names in the order, each where it stands last: a retried run ends again."""
    lines: list[str] = []
    with suppress(OSError):
        lines = read_regular(root / ORDER, MOST_BYTES).decode(errors="replace").splitlines()
    yield from reversed(list(dict.fromkeys(name for name in reversed(lines) if RUN_NAME.fullmatch(name))))


def _names(root: Path) -> Iterator[str]:
    with suppress(OSError), os.scandir(root / RUNS) as entries:
        yield from (entry.name for entry in entries if RUN_NAME.fullmatch(entry.name))
