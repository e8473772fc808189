"""The models in use: for each name its versions, and the history of the aliases that point to them.

Every finished run is a version of its name, numbered from 1. An alias such as `champion` points to a version. It moves
only by an entry in the history, which grows and is never rewritten: who or what moved it, when, from where, to where,
why, and by which figures. Where an alias points is read from the history alone.

`registry/<name>.json` holds all of a name, with a checksum, and is replaced as a whole: a reader sees it before or
after a change. Whoever changes one holds the lock of all of them, so that changes have one order.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import from_json

from tasks.config import RUN_NAME
from tasks.outputs import naming
from tasks.outputs.naming import Dumped
from tasks.outputs.runs import reason
from tasks.store.checksum import checksum_of
from tasks.store.folders import REGISTRY, BadStore, files_in
from tasks.store.locks import locked
from tasks.store.regular import read_inside
from tasks.store.writing import write_atomically
from tasks.table.errors import BadTable

CHAMPION, CHALLENGER = "champion", "challenger"

# An alias: not a number, which would be a version.
ALIAS = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

# Of a file that is read: a century of nights.
MOST_BYTES = 2**26


class Entry(BaseModel):
    """A frozen part of the registry."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelVersion(Entry):
    """A finished run under its name."""

    number: int = Field(ge=1)
    run: str


class Move(Entry):
    """An entry of the history: an alias moved."""

    at: str = Field(description="UTC, as YYYY-MM-DDTHH:MM:SSZ.")
    by: str = Field(description="Who or what moved it: the gate, a command, a person.")
    alias: str
    before: int | None = Field(description="The version that it pointed to; None: it was not set.")
    after: int | None = Field(description="The version that it points to; None: it was removed.")
    run: str | None = Field(description="The run of the version `after`.")
    why: str
    figures: dict[str, float] = Field(default={}, description="The figures that decided, by name.")


class NamedModel(Entry):
    """All that is known of a name."""

    format: Literal[1] = 1
    name: str
    owner: str = Field(description="What the name stands for, see `naming.owner`.")
    table: str = Field(description="The same for readers.")
    versions: tuple[ModelVersion, ...] = ()
    history: tuple[Move, ...] = ()
    checksum: str = ""

    @property
    def aliases(self) -> dict[str, ModelVersion]:
        """Return where each alias points."""
        places = {move.alias: move.after for move in self.history}
        return {alias: self.versions[number - 1] for alias, number in places.items() if number}

    @property
    def champion(self) -> ModelVersion | None:
        """Return the model in use."""
        return self.aliases.get(CHAMPION)

    @property
    def former_champion(self) -> ModelVersion | None:
        """Return the model that was in use before the champion."""
        moves = [move for move in self.history if move.alias == CHAMPION]
        before = moves[-1].before if moves else None
        return self.versions[before - 1] if before else None

    def aliases_of(self, version: ModelVersion) -> list[str]:
        """Return the aliases that point to a version."""
        return [alias for alias, each in self.aliases.items() if each == version]

    def version_of(self, run: str) -> ModelVersion | None:
        """Return the version that a run is; None: it is none of this name."""
        return next((version for version in reversed(self.versions) if version.run == run), None)

    def with_run(self, run: str) -> Self:
        """Add a run as the newest version; a run that was made again keeps its number."""
        if self.version_of(run):
            return self
        version = ModelVersion(number=len(self.versions) + 1, run=run)
        return self.model_copy(update={"versions": (*self.versions, version)})

    def moved(
        self,
        alias: str,
        run: str | None,
        *,
        by: str,
        why: str,
        figures: Mapping[str, float] | None = None,
    ) -> Self:
        """Move an alias to a run, or with None remove it; where it is there already, nothing is added.

        Raises:
            ValueError: the run is no version of this name, or `alias` is no alias.
        """
        if not ALIAS.fullmatch(alias):
            raise ValueError(
                f"`alias` of {alias!r} is none; use lower-case letters, digits and single dashes"
            )
        version = self.version_of(run) if run else None
        if run and version is None:
            raise ValueError(f"{run!r} is no version of {self.name!r}")
        before, after = self.aliases.get(alias), version
        if before == after:
            return self
        move = Move(
            at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            by=by,
            alias=alias,
            before=before.number if before else None,
            after=after.number if after else None,
            run=run,
            why=why,
            figures=dict(figures or {}),
        )
        return self.model_copy(update={"history": (*self.history, move)})

    def protected(self, promotions: int) -> set[str]:
        """Return the runs that are not to be removed: those of all aliases, and of the last promotions."""
        champions = [move.run for move in self.history if move.alias == CHAMPION and move.run]
        kept = champions[-promotions:] if promotions else []
        return {*kept, *(version.run for version in self.aliases.values())}


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Hold the lock under which the registry is changed."""
    with locked(root, REGISTRY):
        yield


def names(root: Path) -> list[str]:
    """Return all names, sorted."""
    found = [path.stem for path in files_in(root / REGISTRY) if path.suffix == ".json"]
    return [name for name in found if RUN_NAME.fullmatch(name)]


def read(root: Path, name: str) -> NamedModel | None:
    """Return what is known of a name; None: nothing.

    Raises:
        BadStore: it cannot be read, or is not as it was written.
    """
    if not RUN_NAME.fullmatch(name):
        return None
    path = f"{REGISTRY}/{name}.json"
    try:
        found = _parsed(read_inside(root, path, MOST_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise BadStore(
            f"{path} in {str(root)!r} cannot be read: {reason(error)}; restore it from a backup, or remove it "
            f"to begin {name!r} anew"
        ) from error
    if found.name != name:
        raise BadStore(f"{path} in {str(root)!r} is not what was written; restore it from a backup")
    return found


def _parsed(content: bytes) -> NamedModel:
    found = NamedModel.model_validate_json(content)
    if found.checksum != checksum_of(from_json(content)):
        raise ValueError("its checksum has changed")
    return found


def read_all(root: Path) -> list[NamedModel]:
    """Return what is known of every name.

    Raises:
        BadStore: one cannot be read.
    """
    return [found for name in names(root) if (found := read(root, name))]


def write(root: Path, model: NamedModel) -> None:
    """Write what is known of a name, whole and durably; the caller holds the lock."""
    bare = model.model_copy(update={"checksum": ""})
    whole = bare.model_copy(update={"checksum": checksum_of(from_json(bare.model_dump_json()))})
    write_atomically(root / REGISTRY / f"{model.name}.json", whole.model_dump_json(indent=1).encode())


def claimed_name(root: Path, settings: Dumped) -> str:
    """Return the name under which a run counts: the given one, or one from the table and the target.

    Raises:
        BadTable: the given name is that of another table.
        BadStore: the registry cannot be read.
    """
    name = settings.get("name") or naming.default_name(settings)
    known = read(root, name)
    if known is None or known.owner == naming.owner(settings):
        return str(name)
    if settings.get("name"):
        raise BadTable(
            f"`name` of {name!r} is taken: in these artifacts it stands for {known.table}; give another name"
        )
    return naming.distinct_name(name, settings)


def entry(root: Path, name: str, settings: Dumped) -> NamedModel:
    """Return what is known of a run's name, or a new entry for it.

    Raises:
        BadStore: the registry cannot be read.
    """
    fresh = NamedModel(name=name, owner=naming.owner(settings), table=naming.owner_in_words(settings))
    return read(root, name) or fresh
