"""When a stage runs: the one cache policy, and why it came to its decision.

A stage's key covers its parameters, the digests of the artifacts that it reads, the code that it reaches and the
versions of the libraries that this code uses. The named components of every key are kept beside the results, so
that a run can say what has changed since the stage last ran.
"""

import hashlib
import inspect
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from pydantic import BaseModel, ConfigDict

from tasks.outputs.result import Change
from tasks.runtime.provenance import provenance
from tasks.store.artifact import Artifact, read_record
from tasks.store.folders import KEYS, RECORDS
from tasks.store.regular import is_regular, make_way, read_regular
from tasks.store.remote import Remote, behind, record_path
from tasks.store.verification import at_a_hit
from tasks.store.writing import write_atomically

# What a key is made of, by name: `epochs`, `train.parquet`, `code of tasks.neuron.sgd`, `numpy`.
Components = dict[str, str]

# Keys of a stage whose components are kept, the newest: enough to say what has changed.
REMEMBERED = 50

# And of those in the remote that an empty store compares with.
REMEMBERED_ELSEWHERE = 10

# Of a file of components: some hundred modules and settings need a hundredth of it.
MOST_BYTES = 2**24

# The parameter of every stage that says where the store is; it cannot change a result.
ROOT = "root"


class StageKey(CachePolicy):
    """The cache policy of every stage: equal components, equal key."""

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],  # noqa: ARG002 - Prefect's signature
        **kwargs: Any,  # noqa: ARG002 - Prefect's signature
    ) -> str:
        """Return the key under which Prefect looks for, or stores, the stage's record."""
        return key_for(task_ctx.task.fn, inputs)


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """What a stage will do when it is called: the finished `artifact` where it is cached, and the reason.

    `damage` is what is wrong with the store's own copy. `is_shared` says that the remote has the record. Where only
    the remote has it, the artifact's files need not be in the store yet.
    """

    key: str
    parts: Components
    artifact: Artifact | None
    reason: str
    damage: str | None = None
    changes: tuple[Change, ...] = ()
    is_shared: bool = False


def cache_status(fn: Callable[..., object], inputs: Mapping[str, Any], root: Path) -> CacheStatus:
    """Look whether a stage's result is there and whole. Changes nothing, but for the seal of a large artifact."""
    parts = components(fn, inputs)
    key = key_of(parts)
    artifact, harm = _in_store(root, key)
    remote = behind()
    shared = remote.record(record_path(key)) if remote else None
    if artifact or shared:
        return CacheStatus(
            key, parts, artifact or shared, "nothing changed", harm, is_shared=shared is not None
        )
    if harm:
        return CacheStatus(key, parts, None, harm, harm)
    before = _remembered(root, fn.__name__)
    changes = _changes(parts, before)
    return CacheStatus(key, parts, None, _reason(changes, before), changes=changes)


def _in_store(root: Path, key: str) -> tuple[Artifact | None, str | None]:
    """Return the artifact that the store has under a key, whole, or what is wrong with it; nothing if it has none."""
    artifact = recorded(root, key)
    if artifact is None:
        is_there = os.path.lexists(records(root) / key)
        return None, f"{RECORDS}/{key} cannot be read as a record" if is_there else None
    harm = at_a_hit(root, artifact)
    return (None, harm) if harm else (artifact, None)


def key_for(fn: Callable[..., object], inputs: Mapping[str, Any]) -> str:
    """Return the key of a call of a stage."""
    return key_of(components(fn, inputs))


def forget(root: Path, key: str) -> None:
    """Drop a key's record, or whatever lies in its place, so that its stage runs again."""
    make_way(records(root) / key)
    (records(root) / key).unlink(missing_ok=True)


def records(root: Path) -> Path:
    """Return the folder in which Prefect keeps the stages' records, one file per key."""
    return root / RECORDS


def recorded(root: Path, key: str) -> Artifact | None:
    """Return the artifact recorded under a key; None where there is none, or none that can be read."""
    try:
        return read_record(records(root) / key)
    except (OSError, ValueError):
        return None


def remember(root: Path, stage: str, status: CacheStatus) -> None:
    """Keep the components of a key that has a result, for later runs to say what has changed since."""
    path = root / KEYS / stage / f"{status.key}.json"
    if _components(path) == status.parts:
        os.utime(path)
        return

    write_atomically(path, written_components(stage, status)[1])
    for old in _newest_first(path.parent)[REMEMBERED:]:
        old.unlink(missing_ok=True)


def written_components(stage: str, status: CacheStatus) -> tuple[str, bytes]:
    """Return where the components of a key lie, in the store as in the remote, and what is written there."""
    written = _KeyFile(format=1, components=status.parts)
    return f"{KEYS}/{stage}/{status.key}.json", written.model_dump_json(indent=1).encode()


def components(fn: Callable[..., object], inputs: Mapping[str, Any]) -> Components:
    """Name everything that can change a stage's result, with its value or digest."""
    parts: Components = {}
    given = inspect.signature(fn).bind(**inputs)
    given.apply_defaults()  # as Prefect does, whose key must be the same
    for name, value in given.arguments.items():
        for leaf, text in () if name == ROOT else _leaves(name, value):
            parts[f"{name}: {leaf}" if leaf in parts else leaf] = text
    code = provenance(fn.__module__, fn.__name__)
    parts |= {f"code of {module}": value for module, value in code.modules.items()}
    return parts | code.libraries


def key_of(parts: Components) -> str:
    """Return the SHA-256 of the components, whatever their order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def artifacts_in(inputs: Mapping[str, Any]) -> Iterator[Artifact]:
    """Yield the artifacts among a stage's inputs, those in lists too."""
    for value in inputs.values():
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, Artifact):
                yield each


def of_several(reasons: Sequence[str], calls: int) -> str:
    """Sum up why some of the calls of a stage ran, or none of them did.

    >>> of_several(["first run", "first run"], 20), of_several(["nothing changed"], 1)
    ('2 of 20: first run', 'nothing changed')
    """
    return reasons[0] if len(reasons) == calls else f"{len(reasons)} of {calls}: {reasons[0]}"


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, Artifact):
        yield from value.contents().items()
    elif isinstance(value, list | tuple) and any(isinstance(each, Artifact) for each in value):
        for number, each in enumerate(value, start=1):
            yield from ((f"{leaf} of {name} {number}", text) for leaf, text in _leaves(name, each))
    elif isinstance(value, BaseModel):
        for field in (name for name, info in type(value).model_fields.items() if not info.exclude):
            yield from _leaves(field, getattr(value, field))
    elif isinstance(value, dict):
        for each, inner in value.items():
            yield from _leaves(f"{name} of {each}", inner)
    else:
        yield name, json.dumps(value)


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Literal[1]
    components: Components


def _remembered(root: Path, stage: str) -> list[Components]:
    """Return the stage's known components, newest first; what cannot be read, or is another format's, is left out."""
    remote = behind()
    known = [_components(path) for path in _newest_first(root / KEYS / stage)]
    if remote and not known:
        known = _shared_components(remote, stage)
    return [parts for parts in known if parts]


def _shared_components(remote: Remote, stage: str) -> list[Components]:
    """Return the newest components of a stage that the remote has: an empty store remembers none."""
    listed = sorted(remote.objects.list(f"{KEYS}/{stage}"), key=lambda item: item.changed, reverse=True)
    texts = remote.texts([item.path for item in listed[:REMEMBERED_ELSEWHERE]], MOST_BYTES)
    return [_parsed(text) for text in texts if text is not None]


def _components(path: Path) -> Components:
    try:
        return _parsed(read_regular(path, MOST_BYTES))
    except OSError:
        return {}


def _parsed(content: bytes) -> Components:
    try:
        return _KeyFile.model_validate_json(content).components
    except ValueError:
        return {}


def _newest_first(folder: Path) -> list[Path]:
    times = {}
    for path in folder.glob("*.json"):
        with suppress(FileNotFoundError):  # removed a moment ago
            times[path] = path.lstat().st_mtime_ns
    return sorted(filter(is_regular, times), key=lambda path: times[path], reverse=True)


def _changes(parts: Components, before: list[Components]) -> tuple[Change, ...]:
    """Return how a key differs from the nearest earlier one."""
    return min((_differences(earlier, parts) for earlier in before), key=len, default=())


def _reason(changes: Sequence[Change], before: list[Components]) -> str:
    """Say why a stage has no result yet: `epochs`: 100 → 200."""
    if not before:
        return "first run"
    listed = (f"`{each.name}`: {_brief(each.before)} → {_brief(each.after)}" for each in changes)
    return "; ".join(listed) or "its record was lost"


def _differences(old: Components, new: Components) -> tuple[Change, ...]:
    names = [name for name in dict.fromkeys([*new, *old]) if old.get(name) != new.get(name)]
    return tuple(Change(name=name, before=old.get(name), after=new.get(name)) for name in names)


def _brief(value: str | None) -> str:
    if value is None:
        return "absent"
    text = value.strip('"')
    return text[:8] if len(text) == hashlib.sha256().digest_size * 2 else value
