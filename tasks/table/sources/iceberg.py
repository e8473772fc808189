"""Iceberg: the rows of one snapshot, from a table's newest metadata in its folder or from a catalogue."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import fs

from tasks.table.cells import batch_without_views, without_views
from tasks.table.errors import BadTable, located, printable, quoted
from tasks.table.sources.address import redacted
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile
from tasks.table.sources.formats import PARQUET
from tasks.table.sources.lakes import EXTRAS, refusal
from tasks.table.sources.location import place, reached, scheme, time_of
from tasks.table.sources.source import TYPED, Contents, Origin, SourceTable, Version, Written

if TYPE_CHECKING:
    from pyiceberg.table import DataScan, FileScanTask, Table
    from pyiceberg.table.snapshots import Snapshot

NAME = "Iceberg"
METADATA = "metadata"

# An address of a table that a catalogue of pyiceberg's configuration names: iceberg://catalogue/namespace.table
SCHEME = "iceberg"

# The libraries' two ways of numbering a table's metadata: 00003-….metadata.json and v3.metadata.json.
_NUMBERED = re.compile(r"v?(\d+)(?:-[^/]*)?(?:\.gz)?\.metadata\.json")


@dataclass(frozen=True)
class IcebergFile:
    """A data file of a snapshot, with the files that say which of its rows were deleted."""

    scan: "DataScan" = field(compare=False)
    task: "FileScanTask" = field(compare=False)
    name: str
    file: DataFile
    deletes: tuple[DataFile, ...]
    format: str = field(default=NAME, init=False)
    keys: Mapping[str, pa.Scalar] = field(default_factory=dict, init=False)

    @property
    def place(self) -> str:
        """Where it lies, in full."""
        return self.file.place

    def version(self) -> Version | None:
        """Return how the files look from outside, and as which columns they are read.

        Raises:
            BadTable: one is gone.
        """
        try:
            known = [file.version() for file in (self.file, *self.deletes)]
            numbers = [number for each in known if each is not None for number in each]
            return None if None in known else (*numbers, int(self._read_as[:15], 16))
        except FileNotFoundError as error:
            raise BadTable(
                f"{quoted(self.name)}, which this snapshot of the table needs, is gone; name a later `version`, or "
                "put the table back where it was written"
            ) from error

    def digest(self) -> str:
        """Read all of it; return a SHA-256 of the bytes and of as which columns they are read."""
        digests = [self.file.digest(), *(file.digest() for file in self.deletes), self._read_as]
        return hashlib.sha256(" ".join(digests).encode()).hexdigest()

    def contents(self, _: Dialect) -> Contents:
        """Return the snapshot's columns; which of them the file has is pyiceberg's business."""
        return IcebergRows(self, _schema(self.scan))

    @cached_property
    def _read_as(self) -> str:
        return hashlib.sha256(json.dumps(self.scan.projection().model_dump_json()).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class IcebergRows:
    """The rows of a file that are left, with the snapshot's columns."""

    member: IcebergFile
    schema: pa.Schema
    written: Written = TYPED

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time; one file is in memory."""
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan

        names = [name for name in types if name in self.schema.names] or self.schema.names[:1]
        scan = self.member.scan
        wanted = pa.schema([self.schema.field(name) for name in names])
        reader = ArrowScan(scan.table_metadata, scan.io, scan.projection().select(*names), AlwaysTrue())
        for batch in reader.to_record_batches([self.member.task]):
            plain = batch_without_views(batch.select(names))
            columns = [column.cast(each.type) for column, each in zip(plain.columns, wanted, strict=True)]
            whole = pa.RecordBatch.from_arrays(columns, names)
            yield from (whole.slice(start, rows) for start in range(0, whole.num_rows, rows))


def find(origin: Origin) -> SourceTable | None:
    """Find a table of Iceberg, the newest snapshot or the one that is asked for.

    Raises:
        BadTable: `pyiceberg` is not installed, there is no such snapshot, or it holds what is not read here.
    """
    newest = origin.data if scheme(origin.data) == SCHEME else _newest_metadata(origin.data)
    if newest is None:
        return None
    origin.refuse_others(f"a table of {NAME}", "version")
    table = _opened(origin, newest)
    snapshot = _snapshot(table, origin)
    scan = table.scan(snapshot_id=snapshot.snapshot_id)
    tasks = _tasks(scan, origin.data)
    if not tasks:
        raise BadTable(f"{located(origin.data)} is a table of {NAME} without rows; add some")
    members = tuple(_member(scan, task, table.location()) for task in tasks)
    written = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC)
    described = f"{NAME}, snapshot {snapshot.snapshot_id} of {written:%Y-%m-%dT%H:%M:%SZ}"
    version = str(snapshot.snapshot_id)
    return SourceTable(origin.data, members, is_ordered=False, described=described, version=version)


def _tasks(scan: "DataScan", data: str) -> list["FileScanTask"]:
    """Return what to read, by file name.

    Raises:
        BadTable: the table holds what is not read here, or its manifests cannot be reached.
    """
    with reached(data):
        try:
            return sorted(scan.plan_files(), key=lambda task: str(task.file.file_path))
        except (
            ValueError,
            NotImplementedError,
        ) as error:  # deletes by value, and whatever a later format has
            raise BadTable(
                f"{located(data)} is a table of {NAME} that cannot be read here ({printable(str(error))[:160]}); "
                "compact it, or export its present rows to Parquet, and name that file"
            ) from error


def _newest_metadata(data: str) -> str | None:
    """Return the address of the newest metadata in a folder, if it is one of a table."""
    with reached(data):
        filesystem, path = place(data)
        folder = fs.FileSelector(f"{path.rstrip('/')}/{METADATA}", allow_not_found=True)
        found = [info.base_name for info in filesystem.get_file_info(folder) if info.is_file]
    numbered = [(int(match[1]), name) for name in found if (match := _NUMBERED.fullmatch(name))]
    return f"{data.rstrip('/')}/{METADATA}/{max(numbered)[1]}" if numbered else None


def _opened(origin: Origin, newest: str) -> "Table":
    """Open a table by its newest metadata, or by its name in a catalogue.

    Raises:
        BadTable: `pyiceberg` is not installed, or the table cannot be read.
    """
    try:
        from pyiceberg.catalog import load_catalog
        from pyiceberg.exceptions import NoSuchTableError, NotInstalledError, RESTError
        from pyiceberg.table import StaticTable
    except ImportError as error:
        mark = newest.removeprefix(origin.data).strip("/") or f"{SCHEME}://"
        raise BadTable(refusal(origin.data, NAME, mark, EXTRAS[NAME])) from error

    try:
        if scheme(origin.data) != SCHEME:
            return StaticTable.from_metadata(newest)
        catalogue, _, name = origin.data.removeprefix(f"{SCHEME}://").partition("/")
        return load_catalog(catalogue).load_table(name)
    except (OSError, ValueError, NoSuchTableError, NotInstalledError, RESTError) as error:
        reason = printable(redacted(str(error)))[:160]
        raise BadTable(
            f"{located(origin.data)}: the table cannot be read ({reason}); check the address"
        ) from error


def _snapshot(table: "Table", origin: Origin) -> "Snapshot":
    """Return the newest snapshot, or the one with a number, or the newest one at a time.

    Raises:
        BadTable: there is none.
    """
    version = origin.version
    if version is None:
        found = table.current_snapshot()
    elif version.isdecimal():
        found = table.snapshot_by_id(int(version))
    else:
        found = table.snapshot_as_of_timestamp(int(time_of(version).timestamp() * 1000))
    if found is not None:
        return found
    if version is None:
        raise BadTable(f"{located(origin.data)} is a table of {NAME} without rows; add some")
    known = ", ".join(str(each.snapshot_id) for each in table.snapshots()[-3:])
    raise BadTable(
        f"`version` of {version!r}: {located(origin.data)} has no such snapshot; the last ones are {known or 'none'}"
    )


def _member(scan: "DataScan", task: "FileScanTask", location: str) -> IcebergFile:
    address = str(task.file.file_path)
    name = address.removeprefix(location.rstrip("/") + "/")
    deletes = sorted(str(each.file_path) for each in task.delete_files)
    return IcebergFile(scan, task, name, _file(address, name), tuple(_file(each, name) for each in deletes))


def _file(address: str, name: str) -> DataFile:
    with reached(address):
        filesystem, path = place(address)
    return DataFile(filesystem, path, name, PARQUET)


def _schema(scan: "DataScan") -> pa.Schema:
    """Return the snapshot's columns, text and bytes with offsets of 32 bits as elsewhere."""
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    schema = without_views(schema_to_pyarrow(scan.projection(), include_field_ids=False))
    short = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    return pa.schema([pa.field(each.name, short.get(each.type, each.type)) for each in schema])
