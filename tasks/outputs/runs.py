"""The runs in the store: which have finished, in which order, what they found and which folders they use.

A run's folder is named by the time when the run was due, which is not the order in which runs end: a clock may be
wrong, a run may start late. So each run adds its name to a list when it ends, and that list is the order. Runs of
earlier releases are not in it; they come first, by name.

A run's result lists the other files of the run's folder with their digests, and carries a checksum of itself. The
folder may hold anything, from other versions to half-written files. A result that cannot be read is passed over.

Where a remote lies behind the store, the runs of other machines count among those before. Their order is that in which
the remote got their results; runs that it does not have come before them. Only what is read of them is fetched.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from tasks.config import Input
from tasks.outputs.data import SCHEMA
from tasks.outputs.naming import name_of_run
from tasks.outputs.result import Result, RunFile, Stage
from tasks.store.artifact import StoredFile, digest, stored_digest
from tasks.store.checksum import checksum_of
from tasks.store.folders import RUNS
from tasks.store.locks import locked
from tasks.store.objects import RemoteError
from tasks.store.regular import is_folder, make_way, read_inside, read_regular, regular_handle
from tasks.store.remote import behind
from tasks.store.writing import share, write_atomically
from tasks.table.drift import TableSchema
from tasks.table.sources.location import anchored

RESULT = "result.json"
REPORT = "report.md"
PAGE = "report.html"
FAILURE = "failure.json"
ORDER = "finished-runs.txt"
RUN_NAME = re.compile(r"\d{8}T\d{6}-[0-9a-f]{8}")

# Where the remote has a run's result.
_REMOTE = re.compile(rf"{RUNS}/({RUN_NAME.pattern})\.json")

SCHEMA_PATH = re.compile(r"ingest/[0-9a-f]{16}/" + re.escape(SCHEMA))

# Runs in a trend, the present one among them.
MOST_COMPARED = 20

# Runs whose results are read in search of others of the same kind, the newest.
MOST_LOOKED_AT = 200

# Of a file that is read: a result with a million features.
MOST_BYTES = 2**28


def folder(root: Path, name: str) -> Path:
    """Return the folder of a run."""
    return root / RUNS / name


def finished(root: Path) -> list[str]:
    """Return the names of the finished runs, in the order in which they ended."""
    places = {name: place for place, name in enumerate(_order(root))}
    return sorted(
        (name for name in _names(root) if os.path.lexists(folder(root, name) / RESULT)),
        key=lambda name: (places.get(name, -1), name),
    )


def forget_removed(root: Path) -> None:
    """Drop from the order the runs whose folders are gone."""
    with locked(root, ORDER):
        order = list(_order(root))
        kept = [name for name in order if folder(root, name).is_dir()]
        if kept != order:
            write_atomically(root / ORDER, "".join(f"{name}\n" for name in kept).encode())


def write(
    root: Path, result: Result, files: Mapping[str, bytes], shared: Mapping[str, Path] | None = None
) -> Result:
    """Write a run's folder: its files, and last the result, which lists them. A folder that has a result is whole.

    Args:
        root: The store's root.
        result: What the run found.
        files: Contents by name.
        shared: Files of the store by the name that they get in the run's folder too.

    Returns:
        The result as it was written, with the list of the files and its checksum.
    """
    place = folder(root, result.run)
    if os.path.lexists(place) and not is_folder(place):
        place.unlink(missing_ok=True)  # a link: what it leads to is not the store's
    for name, path in (shared or {}).items():
        share(path, place / name)
    for name, content in files.items():
        write_atomically(place / name, content)

    _note_finished(root, result.run)
    listed = [_listed(place / name, f"{RUNS}/{result.run}/{name}") for name in (*(shared or {}), *files)]
    whole = result.model_copy(update={"format": 2, "files": listed, "checksum": ""})
    written = whole.model_copy(update={"checksum": checksum_of(from_json(whole.model_dump_json()))})
    content = written.model_dump_json(indent=1).encode()
    write_atomically(place / RESULT, content)
    if remote := behind():
        remote.send((StoredFile(**file.model_dump()) for file in listed), root)
        remote.write(_remote_path(result.run), content)
    return written


def latest(root: Path) -> str | None:
    """Return the name of the run that ended last."""
    names = finished(root)
    return names[-1] if names else None


def read(root: Path, name: str) -> Result | None:
    """Return what a run found; None where that cannot be read.

    Raises:
        RemoteError: it is not in the store, and the remote cannot be read.
    """
    try:
        result: Result | None = _result(folder(root, name))
    except FileNotFoundError:
        result = _elsewhere(name)
    except (OSError, ValueError):
        return None
    return result if result and result.run == name else None


def unreadable(root: Path) -> list[str]:
    """Say of each finished run whose result cannot be read that it cannot, and why."""
    return [harm for name in finished(root) if (harm := _unreadable(root, name))]


def altered(place: Path, file: str) -> str | None:
    """Say why a file of a run's folder, wherever that lies, is not to be used, or return None.

    A folder without a result, and one of the first release, whose results list no files, are taken as they are.
    """
    try:
        listed = _result(place).files
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"{str(place / RESULT)!r} cannot be read ({reason(error)}), and so {file} cannot be verified"

    known = next((each.sha256 for each in listed if PurePosixPath(each.path).name == file), None)
    try:
        same = known is None or stored_digest(place, file) == known
    except OSError as error:
        return f"{str(place / file)!r} cannot be read: {reason(error)}"
    return None if same else f"{str(place / file)!r} is not what the run wrote: its SHA-256 has changed"


def before(root: Path, name: str) -> list[str]:
    """Return the names of the runs that had finished before this one, newest first; all of them if it has not yet.

    The runs of other machines, which the remote has, are among them.

    Raises:
        RemoteError: the remote cannot be read.
    """
    names = finished(root)
    if remote := behind():
        shared = [found[1] for item in remote.runs() if (found := _REMOTE.fullmatch(item.path))]
        known = set(shared)
        names = [*(each for each in names if each not in known), *shared]
    return names[: names.index(name) if name in names else None][::-1]


def earlier(root: Path, result: Result) -> list[Result]:
    """Read the newest 19 runs of the same name before this one, the oldest first."""
    found: list[Result] = []
    names = before(root, result.run)[:MOST_LOOKED_AT]
    _fetch(root, names[: MOST_COMPARED - 1])
    for name in names:
        past = read(root, name)
        if past is not None and name_of_run(past) == name_of_run(result):
            found.append(past)
        if len(found) == MOST_COMPARED - 1:
            break
    return found[::-1]


class FailedRun(BaseModel):
    """A run that left no model, as its folder says it in `failure.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    name: str = Field(description="Of what is modelled.")
    reason: str = Field(description="In one line.")


def failed_between(root: Path, name: str, before: str, now: str) -> list[FailedRun]:
    """Return the runs of a name that were due after one run and before another, and failed; the oldest first.

    Only what lies among the newest folders is looked at; what cannot be read is passed over.
    """
    found = []
    for each in sorted(run for run in _names(root) if before < run < now)[-MOST_LOOKED_AT:]:
        with suppress(OSError, ValueError):
            found.append(
                FailedRun.model_validate_json(read_regular(folder(root, each) / FAILURE, MOST_BYTES))
            )
    return [run for run in found if run.name == name]


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
    """Read the table's columns as a run's `ingest` left them, if they are still there, or in the remote.

    Raises:
        RemoteError: they are not in the store, and the remote cannot be read.
    """
    for file in stages["ingest"].files if "ingest" in stages else ():
        if SCHEMA_PATH.fullmatch(file.path):
            try:
                return TableSchema.model_validate_json(_stored(root, file))
            except RemoteError:
                raise
            except (OSError, ValueError):
                return None
    return None


def _listed(path: Path, name: str) -> RunFile:
    return RunFile(path=name, sha256=digest(path), bytes=path.stat().st_size)


def _note_finished(root: Path, name: str) -> None:
    """Put a run at the end of the order, before its result is written and it counts as finished."""
    with locked(root, ORDER):
        make_way(root / ORDER)
        with os.fdopen(regular_handle(root / ORDER, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as stream:
            stream.write(f"{name}\n".encode())
            stream.flush()
            os.fsync(stream.fileno())


def _result(place: Path) -> Result:
    """Read the result in a run's folder.

    Raises:
        OSError: it is not there, no regular file, or cannot be read.
        ValueError: it is not what was written, or of a later release.
    """
    return parsed(read_regular(place / RESULT, MOST_BYTES))


def parsed(content: bytes) -> Result:
    """Read a result as it is written.

    Raises:
        ValueError: it is not what was written, or of a later release.
    """
    result = Result.model_validate_json(content)
    if result.format > 1 and result.checksum != checksum_of(from_json(content)):
        raise ValueError("its checksum has changed")
    if any(str(PurePosixPath(file.path).parent) != f"{RUNS}/{result.run}" for file in result.files):
        raise ValueError("it lists a file outside the run's folder")
    return result


def _elsewhere(name: str) -> Result | None:
    """Read the result of a run of another machine; None where there is no remote, or none that can be read."""
    remote = behind()
    try:
        content = remote.text(_remote_path(name), MOST_BYTES) if remote else None
        return parsed(content) if content is not None else None
    except ValueError:
        return None


def _fetch(root: Path, names: Sequence[str]) -> None:
    """Read the results of other machines' runs at once, which takes no longer than one of them."""
    if remote := behind():
        missing = [name for name in names if not os.path.lexists(folder(root, name) / RESULT)]
        remote.texts([_remote_path(name) for name in missing], MOST_BYTES)


def _stored(root: Path, file: RunFile) -> bytes:
    """Return a stage's file; of a stage that ran elsewhere, as the remote has it.

    Raises:
        OSError: it is neither here nor there, or cannot be read.
    """
    try:
        return read_inside(root, file.path, MOST_BYTES)
    except FileNotFoundError:
        remote = behind()
        content = remote.content(StoredFile(**file.model_dump()), MOST_BYTES) if remote else None
        if content is None:
            raise
        return content


def _remote_path(name: str) -> str:
    return f"{RUNS}/{name}.json"


def _unreadable(root: Path, name: str) -> str | None:
    where = f"{RUNS}/{name}/{RESULT}"
    try:
        found = _result(folder(root, name)).run
    except (OSError, ValueError) as error:
        return f"{where} cannot be read: {reason(error)}"
    return None if found == name else f"{where} is the result of another run"


def reason(error: OSError | ValueError) -> str:
    """Say in a line why something cannot be read."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"[:160]
    return str(error)


def _chose(past: Result) -> dict[str, object] | None:
    try:
        return _choice(Input.model_validate(past.settings["input"]))
    except (KeyError, ValueError):  # of another release
        return None


def _choice(table: Input) -> dict[str, object]:
    fields = {"target", "features", "exclude", "categorical", "formula", "dates", "query", "table"}
    chosen = table.model_dump(include=fields)
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
