"""The store's housekeeping: what is in it, what is damaged, and what no kept run needs any more."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tasks.config import Cleaning
from tasks.outputs import runs
from tasks.outputs.files import KNOWN, folder_of
from tasks.runtime.caching import forget, recorded, records
from tasks.store.artifact import Artifact, damage
from tasks.store.checkpoints import kept as checkpoints
from tasks.store.leases import Claims, claims
from tasks.store.locks import taken
from tasks.store.writing import discard

STAGES = ("generate", "files", "ingest", "split", "train", "evaluate", "report", "repeats")
ARTIFACT_NAME = re.compile(r"[0-9a-f]{16}")
"""Only folders with these names are ever removed, whatever folder the user has named as the store."""

ABANDONED = 7 * 86_400
"""Seconds after which a training that was killed is taken for given up."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of the store: its path relative to the root, its size in bytes, when it changed (epoch seconds).

    The figures that a run's folder shares with the stage that drew them count as the stage's alone.
    """

    path: str
    bytes: int
    changed: float


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A finished run: its own folder, and the stages' folders that its result refers to."""

    folder: Folder
    uses: frozenset[str]


def artifacts(root: Path) -> list[Folder]:
    """List every stage's folders, stage by stage, the oldest first."""
    return [folder for stage in STAGES for folder in _folders(root, stage, ARTIFACT_NAME)]


def finished_runs(root: Path) -> list[FinishedRun]:
    """List the finished runs, the oldest first."""
    folders = {folder.path: folder for folder in _run_folders(root)}
    return [
        FinishedRun(folders[path], runs.uses(result) if (result := runs.read(root, name)) else frozenset())
        for name in runs.finished(root)
        if (path := f"{runs.RUNS}/{name}") in folders
    ]


def damaged(root: Path) -> list[str]:
    """Read every recorded file again; say what is wrong with those that are not as they were written."""
    return [harm for _, artifact in _recorded(root) if (harm := damage(root, artifact))]


def kept(past: Sequence[FinishedRun], sizes: Mapping[str, int], rules: Cleaning) -> list[FinishedRun]:
    """Choose the runs to keep: the newest `keep_runs`, none `older_than` that, and `max_size` bytes in all."""
    keep_runs, older_than, max_size = rules.keep_runs, rules.older_than, rules.max_size
    chosen = list(past) if keep_runs is None else list(past)[max(0, len(past) - keep_runs) :]
    if older_than is not None:
        oldest = time.time() - older_than.total_seconds()
        chosen = [run for run in chosen if run.folder.changed >= oldest]
    while max_size is not None and chosen and _size(chosen, sizes) > max_size:
        chosen = chosen[1:]
    return chosen


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

    A training's checkpoint goes when the training is whole, or when nobody has taken it up for a week.
    """
    runs.forget_removed(root)
    since = claims(root).since
    for path in _files(records(root)):
        artifact = recorded(root, path.name)
        if path.stat().st_mtime < since and not (
            artifact and all((root / home).is_dir() for home in artifact.folders())
        ):
            path.unlink()
    for path in _files(root / KNOWN):
        home = folder_of(path)
        if path.stat().st_mtime < since and not (home and (root / home).is_dir()):
            path.unlink()
    for path in (root / "keys").glob("*/*.json"):
        if path.stat().st_mtime < since and not (records(root) / path.stem).exists():
            path.unlink()
    for path in checkpoints(root):
        with taken(root, path.name) as free:
            whole = (records(root) / path.name).exists()
            if free and (whole or path.stat().st_mtime < time.time() - ABANDONED):
                path.unlink()


def _recorded(root: Path) -> Iterator[tuple[str, Artifact]]:
    for path in _files(records(root)):
        if artifact := recorded(root, path.name):
            yield path.name, artifact


def _run_folders(root: Path) -> list[Folder]:
    shared = frozenset(_inode(path) for path in (root / "report").glob("*/*") if path.is_file())
    return _folders(root, runs.RUNS, runs.RUN_NAME, shared)


def _folders(
    root: Path, parent: str, name: re.Pattern[str], shared: frozenset[tuple[int, int]] = frozenset()
) -> list[Folder]:
    found = [
        Folder(f"{parent}/{path.name}", _bytes(path, shared), path.stat().st_mtime)
        for path in (root / parent).glob("*")
        if name.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
    ]
    return sorted(found, key=lambda folder: folder.changed)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file())


def _bytes(folder: Path, shared: frozenset[tuple[int, int]]) -> int:
    return sum(
        path.stat().st_size for path in folder.rglob("*") if path.is_file() and _inode(path) not in shared
    )


def _inode(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


def _size(chosen: Sequence[FinishedRun], sizes: Mapping[str, int]) -> int:
    used = set[str]().union(*(run.uses for run in chosen))
    return sum(run.folder.bytes for run in chosen) + sum(sizes.get(path, 0) for path in used)
