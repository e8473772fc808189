"""Delta Lake: the files that one version of a table's log names, without the rows that it has deleted."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from tasks.table.errors import BadTable, located, printable, quoted
from tasks.table.sources.address import redacted
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import PARQUET
from tasks.table.sources.lakes import EXTRAS, refusal
from tasks.table.sources.location import is_url, place, reached, time_of
from tasks.table.sources.source import TYPED, Contents, Origin, SourceTable, Version, Written

if TYPE_CHECKING:
    from deltalake import DeltaTable

NAME = "Delta Lake"
LOG = "_delta_log"

# What a log may ask of its readers, and this one does. What is left out is refused by name.
READ = frozenset({"columnMapping", "deletionVectors", "timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"})
READ_BY_VERSION = (
    2  # the last version of the protocol that names no features: it added the mapping of columns
)

PHYSICAL_NAME = "delta.columnMapping.physicalName"


@dataclass(frozen=True, slots=True)
class DeltaColumn:
    """A column of the table: its name, its type, and how its files call it."""

    name: str
    kind: pa.DataType
    physical: str


@dataclass(frozen=True)
class DeltaFile:
    """A file of one version of the table. Its columns are the table's, by their present names and types."""

    file: DataFile
    columns: tuple[DeltaColumn, ...]
    # Which of its rows are left, one value each; None: all of them.
    kept: NDArray[np.bool_] | None = None
    format: str = field(default=NAME, init=False)

    @property
    def name(self) -> str:
        """Its path in the table's folder."""
        return self.file.name

    @property
    def place(self) -> str:
        """Where it lies, in full."""
        return self.file.place

    @property
    def keys(self) -> Mapping[str, pa.Scalar]:
        """The values of the columns that the table is partitioned by."""
        return self.file.keys

    def version(self) -> Version | None:
        """Return how the file looks from outside, and what the log says of it.

        Raises:
            BadTable: it is gone.
        """
        try:
            own = self.file.version()
            return None if own is None else (*own, int(self._read_as[:15], 16))
        except FileNotFoundError as error:
            raise BadTable(
                f"{quoted(self.name)}, which this version of the table needs, is gone; name a later `version`"
            ) from error

    def digest(self) -> str:
        """Read all of it; return a SHA-256 of its bytes and of what the log says of it."""
        return hashlib.sha256(f"{self.file.digest()} {self._read_as}".encode()).hexdigest()

    def contents(self, dialect: Dialect) -> Contents:
        """Open the file, whose footer says which columns it has."""
        return DeltaRows(self, self.file.contents(dialect))

    @cached_property
    def _read_as(self) -> str:
        """A digest of all that decides, besides its bytes, which rows and columns the file has."""
        columns = [[column.name, str(column.kind), column.physical] for column in self.columns]
        rows = None if self.kept is None else hashlib.sha256(self.kept.tobytes()).hexdigest()
        return hashlib.sha256(json.dumps([columns, rows]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class DeltaRows:
    """The rows of a file that are left, with the table's columns; those that are younger than the file are null."""

    member: DeltaFile
    stored: Contents
    written: Written = TYPED

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the table's columns."""
        return pa.schema([(column.name, column.kind) for column in self.member.columns])

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        wanted = [column for column in self.member.columns if column.name in types]
        there = set(self.stored.schema.names)
        present = {column.physical: column.kind for column in wanted if column.physical in there}
        # Without any, a file's rows could not be counted.
        read = present or {self.stored.schema.names[0]: self.stored.schema.types[0]}
        start = 0
        for batch in self.stored.batches(read, rows):
            left = pa.array(self._left(start, batch.num_rows))
            start += batch.num_rows
            columns = [
                batch.column(column.physical).filter(left).cast(column.kind)
                if column.physical in present
                else pa.nulls(left.true_count, column.kind)
                for column in wanted
            ]
            yield pa.RecordBatch.from_arrays(columns, [column.name for column in wanted])

    def _left(self, start: int, count: int) -> NDArray[np.bool_]:
        """Say which of some rows are left; a vector may end with the last row that it removes."""
        left = np.ones(count, np.bool_)
        if self.member.kept is not None:
            known = self.member.kept[start : start + count]
            left[: len(known)] = known
        return left


def find(origin: Origin) -> SourceTable | None:
    """Find a table of Delta Lake, the newest version or the one that is asked for.

    Raises:
        BadTable: `deltalake` is not installed, there is no such version, or it asks for what is not read here.
    """
    with reached(origin.data):
        filesystem, path = place(origin.data)
        is_there = filesystem.get_file_info(f"{path.rstrip('/')}/{LOG}").type == fs.FileType.Directory
    if not is_there:
        return None
    origin.refuse_others(f"a table of {NAME}", "version")
    table, described = _opened(origin)
    _check_readable(table, origin.data)
    mapped = (table.metadata().configuration or {}).get("delta.columnMapping.mode", "none") != "none"
    columns = _columns(table, mapped=mapped)
    members = _members(table, origin.data, columns, DataFile(filesystem, path, "", PARQUET))
    if not members:
        raise BadTable(f"{located(origin.data)} is a table of {NAME} without rows; add some")
    return SourceTable(
        origin.data, members, is_ordered=False, described=described, version=str(table.version())
    )


def _opened(origin: Origin) -> tuple["DeltaTable", str]:
    """Open a table's log at the version that is asked for; return it, and what to call it.

    Raises:
        BadTable: `deltalake` is not installed, the log cannot be read, or has no such version.
    """
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise BadTable(refusal(origin.data, NAME, LOG, EXTRAS[NAME])) from error

    try:
        table = DeltaTable(origin.data, storage_options=_options())
        # Asked of the newest version: that of another one counts wrongly.
        times = {
            each["version"]: each.get("timestamp", 0)
            for each in table.history(1 if origin.version is None else None)
        }
        number = table.version() if origin.version is None else _number(origin.version, times, origin.data)
        if number != table.version():
            table = DeltaTable(origin.data, version=number, storage_options=_options())
    except (DeltaError, OSError) as error:
        reason = printable(redacted(str(error)))[:160]
        raise BadTable(
            f"{located(origin.data)}: its {LOG} cannot be read ({reason}); repair it, or name another `version`"
        ) from error
    written = (
        f" of {datetime.fromtimestamp(times[number] / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
        if number in times
        else ""
    )
    return table, f"{NAME}, version {number}{written}"


def _options() -> dict[str, str]:
    """Allow what Arrow allows: a store at AWS_ENDPOINT_URL, whether or not it has a certificate."""
    return {"allow_http": "true"} if os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://") else {}


def _number(version: str, times: Mapping[int, int], data: str) -> int:
    """Return the number of a version, or of the newest one at a time.

    Args:
        version: the number or the time.
        times: by number, when a version was written, in milliseconds; those that the log still has.
        data: the table, as the user names it.

    Raises:
        BadTable: it is neither, or there is none such.
    """
    if version.isdecimal():
        found = {int(version)} & times.keys()
    else:
        latest = time_of(version).timestamp() * 1000
        found = {number for number, time in times.items() if time <= latest}
    if not found:
        raise BadTable(
            f"`version` of {version!r}: {located(data)} has the versions {min(times)} to {max(times)}, the first of "
            f"{datetime.fromtimestamp(times[min(times)] / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}; name one of these"
        )
    return max(found)


def _check_readable(table: "DeltaTable", data: str) -> None:
    """Refuse by name what a version asks of its readers and this one does not do.

    Raises:
        BadTable: there is something.
    """
    protocol = table.protocol()
    unknown = sorted(set(protocol.reader_features or ()) - READ)
    if not unknown and protocol.min_reader_version > READ_BY_VERSION and protocol.reader_features is None:
        unknown = [f"version {protocol.min_reader_version} of its protocol"]
    if (table.metadata().configuration or {}).get("delta.columnMapping.mode") == "id":
        unknown.append("columnMapping by id")
    if unknown:
        raise BadTable(
            f"{located(data)} is a table of {NAME} that needs {', '.join(unknown)}, which is not read here; "
            "export its present rows to Parquet, and name that file"
        )


def _columns(table: "DeltaTable", *, mapped: bool) -> tuple[DeltaColumn, ...]:
    """Return the columns of the table, those that it is partitioned by among them."""
    kinds = pa.schema(table.schema().to_arrow())
    return tuple(
        DeltaColumn(
            each.name,
            kinds.field(each.name).type,
            str(each.metadata.get(PHYSICAL_NAME, each.name)) if mapped else each.name,
        )
        for each in table.schema().fields
    )


def _members(
    table: "DeltaTable", data: str, columns: Sequence[DeltaColumn], root: DataFile
) -> tuple[DeltaFile, ...]:
    """Return the files of a version, in the order of their names."""
    partitioned = set(table.metadata().partition_columns)
    own = tuple(column for column in columns if column.name not in partitioned)
    kept = _kept(table)
    members = []
    for added in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        name = unquote(added["path"])
        if is_url(name) or name.startswith("/"):
            raise BadTable(
                f"{located(data)} is a table of {NAME} that refers to the files of another, such as "
                f"{quoted(redacted(name))}; name that one, or export the present rows to Parquet"
            )
        keys = {
            column.name: pa.scalar(_partition(added, column)).cast(column.kind)
            for column in columns
            if column.name in partitioned
        }
        file = replace(root, path=f"{root.path.rstrip('/')}/{name}", name=name, keys=keys)
        members.append(DeltaFile(file, own, kept.get(name)))
    return tuple(sorted(members, key=lambda member: member.name))


def _partition(added: Mapping[str, Any], column: DeltaColumn) -> Any:
    names = (f"partition.{column.physical}", f"partition.{column.name}")
    return next(added[name] for name in names if name in added)


def _kept(table: "DeltaTable") -> dict[str, NDArray[np.bool_]]:
    """Return, by a file's path in the table, which of its rows are left, where some were removed."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return {}
    return {
        _below(row["filepath"], table.table_uri): np.array(row["selection_vector"], np.bool_)
        for batch in pa.RecordBatchReader.from_stream(table.deletion_vectors())
        for row in batch.to_pylist()
    }


def _below(address: str, root: str) -> str:
    """Return a file's path in the table's folder; both are addresses, and one may lack `file://`."""
    path, folder = (unquote(each).removeprefix("file://") for each in (address, root))
    return path.removeprefix(folder.rstrip("/") + "/")
