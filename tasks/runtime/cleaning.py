"""The store's housekeeping: what is in it, what is damaged, and what no kept run needs any more.

A run whose result cannot be read is kept or removed as any other, by its folder's name and age. What it used is not
known, so it protects no stage's folder: those are a cache, which the next run that needs them fills again.
"""

import os
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tasks.config import Cleaning
from tasks.outputs import registry, runs
from tasks.outputs.files import folder_of
from tasks.runtime.caching import forget, recorded, records
from tasks.store import artifact as stored
from tasks.store.artifact import Artifact, damage
from tasks.store.checkpoints import kept as checkpoints
from tasks.store.earlier import read_earlier_record
from tasks.store.folders import (
    FRAMES,
    KEYS,
    KNOWN,
    RECORDS,
    RUNS,
    STAGES,
    Folder,
    changed,
    files_in,
    folders_in,
    inodes_in,
)
from tasks.store.leases import Claims, claims
from tasks.store.locks import taken
from tasks.store.pieces import kept as pieces
from tasks.store.regular import is_folder
from tasks.store.writing import discard

T = TypeVar("T")

# Only folders with these names are ever removed, whatever folder the user has named as the store.
ARTIFACT_NAME = re.compile(r"[0-9a-f]{16}")

# Seconds after which a training that was killed counts as given up.
ABANDONED = 7 * 86_400


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run: its own folder, and the stages' folders that its result refers to."""

    folder: Folder
    uses: frozenset[str]


@dataclass(frozen=True, slots=True)
class Verified:
    """What reading everything again has found: how many `files` of how many `artifacts`, and the `damaged` ones."""

    artifacts: int
    files: int
    damaged: list[str]


def artifacts(root: Path) -> list[Folder]:
    """List every stage's folders, stage by stage, the oldest first."""
    return [folder for stage in STAGES for folder in folders_in(root, stage, ARTIFACT_NAME)]


def finished_runs(root: Path) -> list[FinishedRun]:
    """List the finished runs, the oldest first."""
    folders = {folder.path: folder for folder in _run_folders(root)}
    return [
        FinishedRun(folders[path], runs.uses(result) if (result := runs.read(root, name)) else frozenset())
        for name in runs.finished(root)
        if (path := f"{RUNS}/{name}") in folders
    ]


def verify(root: Path) -> Verified:
    """Read every file again that a record or a run's result lists.

    A record or a result that cannot be read is damage too. Files that are no part of any are not looked at.
    """
    listed: dict[tuple[str, str], Artifact] = {}
    harm = [*_unreadable_records(root), *runs.unreadable(root)]
    for artifact in [*(each for _, each in _recorded(root)), *_known(root), *_published(root)]:
        listed |= {(file.path, file.sha256): artifact.only(name) for name, file in artifact.files.items()}
    homes = {folder for each in listed.values() for folder in each.folders()}
    harm += [found for each in listed.values() if (found := damage(root, each))]
    return Verified(len(homes), len(listed), harm)


def kept(
    past: Sequence[FinishedRun],
    sizes: Mapping[str, int],
    rules: Cleaning,
    protected: Collection[str] = (),
) -> list[FinishedRun]:
    """Choose the runs to keep: the newest `keep_runs`, none `older_than` that, and `max_size` bytes in all.

    The `protected` ones, given by name, are kept whatever the rules say, and count for none of them.
    """
    safe = {f"{RUNS}/{name}" for name in protected}
    others = [run for run in past if run.folder.path not in safe]
    return [
        *(run for run in past if run.folder.path in safe),
        *chosen(others, rules, lambda run: run.folder.changed, lambda some: _size(some, sizes)),
    ]


def protected_runs(root: Path, promotions: int) -> set[str]:
    """Return the runs that an alias, or the last `promotions` of a name, need.

    Raises:
        BadStore: the registry cannot be read: then it is not known which models are in use.
    """
    return set[str]().union(*(model.protected(promotions) for model in registry.read_all(root)))


def chosen(
    past: Sequence[T], rules: Cleaning, written: Callable[[T], float], size: Callable[[Sequence[T]], int]
) -> list[T]:
    """Choose by the rules among what is listed, the oldest first.

    Args:
        past: Of runs, the oldest first.
        rules: How many, how old and how large.
        written: When one was written, in seconds since the epoch.
        size: How many bytes some of them take together.
    """
    keep_runs, older_than, max_size = rules.keep_runs, rules.older_than, rules.max_size
    left = list(past) if keep_runs is None else list(past)[max(0, len(past) - keep_runs) :]
    if older_than is not None:
        oldest = time.time() - older_than.total_seconds()
        left = [each for each in left if written(each) >= oldest]
    while max_size is not None and left and size(left) > max_size:
        left = left[1:]
    return left


def disposable(root: Path, keep: Sequence[FinishedRun], claimed: Claims) -> list[Folder]:
    """List the folders that neither a kept run nor a running flow needs, runs and stages alike."""
    needed = {run.folder.path for run in keep}.union(*(run.uses for run in keep))
    everything = [*_run_folders(root), *artifacts(root)]
    return [
        each for each in everything if each.path not in needed and not claimed.cover(each.path, each.changed)
    ]


def remove(root: Path, folders: Sequence[Folder]) -> Iterator[Folder]:
    """Remove folders, each with the records that point into it; yield those that are gone.

    The record goes first, and the folder is renamed before it is emptied: a run that starts meanwhile finds either
    the whole artifact or none. What a running flow has claimed in the meantime stays.
    """
    for folder in folders:
        keys = [key for key, artifact in _recorded(root) if folder.path in artifact.folders()]
        with ExitStack() as held:
            free = all(held.enter_context(taken(root, key)) for key in keys)
            if free and not claims(root).cover(folder.path, folder.changed):
                _discard(root, folder, keys)
                yield folder


def _discard(root: Path, folder: Folder, keys: Sequence[str]) -> None:
    for key in keys:
        forget(root, key)
    discard(root / folder.path, root)


def remove_remains(root: Path) -> None:
    """Remove what belongs to no artifact: records of failures, records without files, components without a record.

    A training's checkpoint, and the pieces of another stage, go when it is whole, or when nobody has taken it up for a
    week. A table that was given in memory goes when no run is left that read it.
    """
    runs.forget_removed(root)
    since = claims(root).since
    frames = files_in(root / FRAMES)
    read = {Path(table).name for table in _tables(root)} if frames else set[str]()
    for path in frames:
        if path.name not in read:
            _remove_if_older(path, since)
    for path in files_in(records(root)):
        artifact = _artifact(root, path.name)
        if not (artifact and all(is_folder(root / folder) for folder in artifact.folders())):
            _remove_if_older(path, since)
    for path in files_in(root / KNOWN):
        folder = folder_of(path)
        if not (folder and is_folder(root / folder)):
            _remove_if_older(path, since)
    for stage in STAGES:
        for path in files_in(root / KEYS / stage):
            if not os.path.lexists(records(root) / path.stem):
                _remove_if_older(path, since)
    for path in (*checkpoints(root), *pieces(root)):
        with taken(root, path.name) as free:
            is_whole = os.path.lexists(records(root) / path.name)
            if free and (is_whole or changed(path) < time.time() - ABANDONED):
                discard(path, root) if is_folder(path) else path.unlink(missing_ok=True)


def _tables(root: Path) -> Iterator[str]:
    """Yield where the tables of the finished runs lie."""
    for name in runs.finished(root):
        result = runs.read(root, name)
        given = result.settings.get("input") if result else None
        if isinstance(given, Mapping):
            yield str(given.get("data") or "")


def _remove_if_older(path: Path, since: float) -> None:
    """Remove a file that no running flow can have written."""
    if changed(path) < since:
        path.unlink(missing_ok=True)


def _recorded(root: Path) -> Iterator[tuple[str, Artifact]]:
    for path in files_in(records(root)):
        if artifact := _artifact(root, path.name):
            yield path.name, artifact


def _artifact(root: Path, key: str) -> Artifact | None:
    """Return the artifact recorded under a key, by this release or the first."""
    if artifact := recorded(root, key):
        return artifact
    try:
        return read_earlier_record(records(root) / key)
    except (OSError, ValueError):
        return None


def _unreadable_records(root: Path) -> Iterator[str]:
    """Yield what is wrong with records that cannot be read, or are no files."""
    for folder in (RECORDS, KNOWN):
        for path in sorted((root / folder).iterdir()) if is_folder(root / folder) else ():
            is_read = _artifact(root, path.name) if folder == RECORDS else folder_of(path)
            if not is_read and not path.name.startswith(".") and os.path.lexists(path):
                yield f"{folder}/{path.name} cannot be read as a record"


def _known(root: Path) -> Iterator[Artifact]:
    for path in files_in(root / KNOWN):
        try:
            yield stored.read_record(path)
        except (OSError, ValueError):
            continue


def _published(root: Path) -> Iterator[Artifact]:
    """Yield the files in the runs' own folders."""
    for name in runs.finished(root):
        if result := runs.read(root, name):
            files = {file.path: stored.StoredFile(**file.model_dump()) for file in result.files}
            yield Artifact(stage=RUNS, files=files)


def _run_folders(root: Path) -> list[Folder]:
    return folders_in(root, RUNS, runs.RUN_NAME, shared=inodes_in(root / "report"))


def _size(chosen: Sequence[FinishedRun], sizes: Mapping[str, int]) -> int:
    used = set[str]().union(*(run.uses for run in chosen))
    return sum(run.folder.bytes for run in chosen) + sum(sizes.get(path, 0) for path in used)
