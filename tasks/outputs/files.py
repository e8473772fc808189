"""One file of the user's table: read once, and remembered by what it holds.

What is left of a file of a folder is an artifact of its own: its usable rows as Parquet, the summary of all rows, and
their moments. It is known by the file's contents, the layout of the columns and the code that reads it; so when a
file is added to a folder, only that file is read, and a run that is killed goes on at the file. Of a table that is
refused nothing is left that was not known before.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import reduce
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tasks.neuron.moments import Moments, column_moments, merge, shift_of
from tasks.neuron.prefetch import ahead
from tasks.neuron.workers import spread
from tasks.outputs.moments import as_arrays, from_arrays
from tasks.store.artifact import Artifact, read_record
from tasks.store.folders import KNOWN, entries
from tasks.store.formats import read_npz, write_npz
from tasks.store.parts import PartWriter
from tasks.store.remote import Remote, behind, known_path
from tasks.store.verification import at_a_hit, is_small, seal
from tasks.store.writing import discard, publish, write_atomically
from tasks.table.casting import CastPlan, Taken, merged, taken
from tasks.table.errors import BadTable, Violation
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.reader import Preview
from tasks.table.sources.source import Member
from tasks.table.summary import Summary

STAGE = "files"
ROWS, SUMMARY, MOMENTS = "rows", "summary.json", "moments.npz"

# Blocks of rows that are read while those before them are correlated and written.
AHEAD = 2
# Columns up to which those that copy each other are looked for: it takes time and memory by their square.
MOST_PAIRED = 2000


@dataclass(frozen=True, slots=True)
class IngestedFile:
    """What was taken from one file: its usable rows, in `paths`, and what there is to say about all of them.

    `key` identifies it, `folder` is where it was read into, `artifact` its record in the store.
    """

    name: str
    key: str
    folder: Path
    paths: Sequence[Path]
    rows: int
    summaries: Mapping[str, Summary]
    moments: Moments | None
    violations: Sequence[Violation] = ()
    artifact: Artifact | None = None
    computed: Mapping[str, Summary] = field(default_factory=dict)


class FileToRead(NamedTuple):
    """A file, the folder to read it into a folder of, and the key that it will be known by; empty: it will not be."""

    look: Preview
    folder: Path
    key: str


def read_into(plan: CastPlan, file: FileToRead) -> IngestedFile:
    """Read a file into a folder of its own, so that what a lost worker has left of it is in nobody's way."""
    return read_file(file.look, plan, file.folder / uuid4().hex, file.key)


def read_file(look: Preview, plan: CastPlan, folder: Path, key: str = "") -> IngestedFile:
    """Read a file once: write its usable rows, and sum up all of them. Of one that breaks off nothing is used."""
    folder.mkdir()
    parts = PartWriter(folder, ROWS, plan.schema)
    summaries: Mapping[str, Summary] = dict.fromkeys(plan.judged, Summary())
    computed: Mapping[str, Summary] = dict.fromkeys(plan.computed, Summary())
    moments = None
    found: tuple[Violation, ...] = ()
    try:
        for some, products in _correlated(ahead(taken(look, plan), AHEAD), plan):
            parts.append(some.rows)
            summaries = merged(summaries, some.summaries)
            computed = merged(computed, some.computed)
            moments = joined(moments, products)
    except BadTable as error:
        found = error.violations
        if any(finding.rule != "irregular-rows" for finding in found):
            return IngestedFile(
                look.member.name, key, folder, (), 0, summaries, None, found, computed=computed
            )
    finally:
        parts.finish()
    return IngestedFile(
        look.member.name, key, folder, parts.paths, parts.rows, summaries, moments, found, computed=computed
    )


def joined(a: Moments | None, b: Moments | None) -> Moments | None:
    """Return the moments of two parts of the rows together; None of none."""
    return merge(a, b) if a and b else a or b


def key_of(digest: str, member: Member, plan: CastPlan, dialect: Dialect, code: str) -> str:
    """Return what a file is known by: its contents, what its folders' names add, how it is read, and by which code."""
    columns = {name: str(kind) for name, kind in {**plan.kinds, **plan.carried}.items()}
    parts = [
        digest,
        member.format,
        {name: [str(value.type), value.as_py()] for name, value in member.keys.items()},
        columns,
        [*plan.carried],
        plan.target,
        sorted(plan.categorical),
        plan.keep_missing,
        plan.weights,
        sorted(plan.dates),
        plan.dates_format,
        {label: each.model_dump() for label, each in plan.computed.items()},
        asdict(dialect),
        code,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


Keep = Callable[[IngestedFile], IngestedFile]


@contextmanager
def keeping(root: Path) -> Iterator[Keep]:
    """Within this block put what was read of files into the store, each at once and durably.

    If the table is refused, the block takes them out again; the remote gets them when the table is whole.
    """
    before = {folder.name for folder in entries(root / STAGE)}
    added: list[IngestedFile] = []

    def keep(file: IngestedFile) -> IngestedFile:
        added.append(kept(file, root))
        return added[-1]

    try:
        yield keep
    except BadTable:
        for file in added:
            _forget(file, before, root)
        raise
    if remote := behind():
        for file in added:
            if file.artifact:
                remote.keep(known_path(file.key), file.artifact, root)


def any_known(root: Path) -> bool:
    """Say whether any file at all is known, here or in the remote."""
    return behind() is not None or any(entries(root / KNOWN))


def is_known(key: str, root: Path) -> bool:
    """Say whether what was read of a file is in the store, or in the remote; nothing is fetched."""
    artifact = _recorded(root / KNOWN / f"{key}.json")
    if artifact and not at_a_hit(root, artifact):
        return True
    remote = behind()
    return remote is not None and remote.knows(known_path(key))


def remembered(key: str, name: str, root: Path) -> IngestedFile | None:
    """Return what is in the store of a file that was read before, or in the remote, if it is there and whole."""
    artifact = _recorded(root / KNOWN / f"{key}.json")
    remote = behind()
    if artifact is None or at_a_hit(root, artifact):
        artifact = _fetched(remote, key, root) if remote else None
    elif remote and not remote.knows(known_path(key)):
        remote.keep(known_path(key), artifact, root)
    if artifact is None:
        return None
    for home in artifact.folders():
        (root / home).touch()  # what is in use looks new, and is not cleaned away
    payload = json.loads(artifact.path(root, SUMMARY).read_bytes())
    summaries, computed = (_read_summaries(payload[each]) for each in ("summaries", "computed"))
    paths = [artifact.path(root, file) for file in sorted(artifact.files) if file.startswith(f"{ROWS}-")]
    moments = from_arrays(read_npz(artifact.path(root, MOMENTS))) if MOMENTS in artifact.files else None
    findings = [replace(Violation(**each), file=name) for each in payload["findings"]]
    return IngestedFile(
        name, key, root, paths, payload["rows"], summaries, moments, findings, artifact, computed
    )


def kept(file: IngestedFile, root: Path) -> IngestedFile:
    """Put what was read of a file into the store, under its key."""
    payload = {
        "rows": file.rows,
        "summaries": _written_summaries(file.summaries),
        "computed": _written_summaries(file.computed),
        "findings": [asdict(finding) for finding in file.violations],
    }
    (file.folder / SUMMARY).write_text(json.dumps(payload), encoding="utf-8")
    if file.moments:
        write_npz(file.folder / MOMENTS, as_arrays(file.moments))
    artifact = publish(file.folder, root, STAGE)
    _record(root, file.key, artifact)
    paths = [artifact.path(root, path.name) for path in file.paths]
    return replace(file, artifact=artifact, paths=paths)


def _forget(file: IngestedFile, before: Collection[str], root: Path) -> None:
    """Take a file out of the store, but for a folder that was there before: another file has left the same."""
    (root / KNOWN / f"{file.key}.json").unlink(missing_ok=True)
    for folder in file.artifact.folders() if file.artifact else ():
        if Path(folder).name not in before:
            discard(root / folder, root)


def _written_summaries(summaries: Mapping[str, Summary]) -> dict[str, dict[str, Any]]:
    return {name: {**asdict(each), "levels": sorted(each.levels)} for name, each in summaries.items()}


def _read_summaries(payload: Mapping[str, dict[str, Any]]) -> dict[str, Summary]:
    return {name: Summary(**{**each, "levels": frozenset(each["levels"])}) for name, each in payload.items()}


def folder_of(record: Path) -> str | None:
    """Return the folder, relative to the store's root, that a record in `known` names; None if it is garbled."""
    artifact = _recorded(record)
    return next(iter(artifact.folders()), None) if artifact else None


def _fetched(remote: Remote, key: str, root: Path) -> Artifact | None:
    """Fetch what the remote has of a file that another store has read; None if that is nothing, or damaged."""
    path = known_path(key)
    artifact = remote.record(path) if remote.knows(path) else None
    if artifact is None:
        return None
    if remote.fetch(artifact, root):
        remote.doubt(path)
        return None
    _record(root, key, artifact)
    return artifact


def _record(root: Path, key: str, artifact: Artifact) -> None:
    if not is_small(artifact):
        seal(root, artifact)
    write_atomically(root / KNOWN / f"{key}.json", artifact.model_dump_json().encode())


def _recorded(path: Path) -> Artifact | None:
    try:
        return read_record(path)
    except (OSError, ValueError):
        return None


def _correlated(taken: Iterator[Taken], plan: CastPlan) -> Iterator[tuple[Taken, Moments | None]]:
    """Yield what was taken with the moments of its numeric columns, all about the means of the first rows."""
    first = next(taken, None)
    if first is None:
        return
    columns = _whole_columns(first.rows, plan)
    shift = shift_of(columns) if len(columns[0]) else None

    def correlated(some: Taken) -> tuple[Taken, Moments | None]:
        return some, _moments(some.rows, plan, shift)

    yield from spread(correlated, chain([first], taken))


def _moments(rows: pa.RecordBatch, plan: CastPlan, shift: NDArray[np.float64] | None) -> Moments | None:
    """Return the moments of the numeric columns over the rows in which all have a value, if there are any.

    In plain float64: what is looked for is columns that agree to 1e-12.
    """
    columns = _whole_columns(rows, plan)
    if len(columns) > MOST_PAIRED or not len(columns[0]):
        return None
    try:
        return column_moments(columns, shift, slices=1)
    except ValueError:  # too large to square; the fit will say so
        return None


def _whole_columns(rows: pa.RecordBatch, plan: CastPlan) -> list[NDArray[Any]]:
    """Return the numeric columns of the rows in which all of them have a value."""
    others = plan.categorical | plan.dates
    columns = [rows.column(name) for name in plan.kinds if name not in others]
    whole = [column for column in columns if column.null_count]
    if whole:
        mask = reduce(pc.and_, map(pc.is_valid, whole))
        columns = [column.filter(mask) for column in columns]
    return [column.to_numpy(zero_copy_only=False) for column in columns]
