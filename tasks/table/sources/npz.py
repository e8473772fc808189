"""npz: `inputs` of shape (n, d) and `targets` of shape (n, 1) as the example problem has them, or `X` and `y`."""

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tasks.table.errors import BadTable, located, quoted
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.files import DataFile, refuse_empty
from tasks.table.sources.source import TYPED, Written

TARGET = "y"
_INPUTS = ("inputs", "input", "X", "x")
_TARGETS = ("targets", "target", "y")


class _Array(NamedTuple):
    key: str
    shape: tuple[int, ...]
    by_column: bool
    dtype: np.dtype[np.generic]

    @property
    def width(self) -> int:
        """Values in a row."""
        return 1 if len(self.shape) == 1 else self.shape[1]


def feature_names(d: int) -> tuple[str, ...]:
    """Name the d inputs of an array, which has no names: x and z for two, as in the example, else x1 to xd.

    >>> feature_names(2), feature_names(3)
    (('x', 'z'), ('x1', 'x2', 'x3'))
    """
    return ("x", "z") if d == 2 else tuple(f"x{number}" for number in range(1, d + 1))


@dataclass(frozen=True, slots=True)
class Arrays:
    """The two arrays of a file, whose headers have been read."""

    file: DataFile
    inputs: _Array
    targets: _Array
    written: Written = TYPED

    @property
    def schema(self) -> pa.Schema:
        """The columns x and z, or x1 to xd, and y, with the arrays' types."""
        kind = pa.from_numpy_dtype(self.inputs.dtype)
        inputs = [(name, kind) for name in feature_names(self.inputs.width)]
        return pa.schema([*inputs, (TARGET, pa.from_numpy_dtype(self.targets.dtype))])

    def batches(self, types: Mapping[str, pa.DataType], rows: int) -> Iterator[pa.RecordBatch]:
        """Yield those of the named columns that there are, at most so many rows at a time."""
        names = self.schema.names
        with _archive(self.file) as archive:
            blocks = zip(_rows(archive, self.inputs, rows), _rows(archive, self.targets, rows), strict=True)
            for inputs, targets in blocks:
                columns = [*inputs.T, targets[:, 0]]
                native = [np.ascontiguousarray(each, dtype=each.dtype.newbyteorder("=")) for each in columns]
                batch = pa.RecordBatch.from_arrays([pa.array(each) for each in native], names)
                yield batch.select([name for name in types if name in names])


def read(file: DataFile, _: Dialect) -> Arrays:
    """Read names and types from the arrays' headers, without their values; pickled objects are never loaded.

    Raises:
        BadTable: a key is missing, the shapes do not fit, or the values are not numbers.
    """
    with _archive(file) as archive:
        return Arrays(file, *_arrays(archive, file.name))


@contextmanager
def _archive(file: DataFile) -> Iterator[zipfile.ZipFile]:
    with file.opened() as stream:
        refuse_empty(file, stream.read(1))
        with zipfile.ZipFile(stream) as archive:
            yield archive


def _rows(archive: zipfile.ZipFile, array: _Array, rows: int) -> Iterator[npt.NDArray[Any]]:
    """Yield an array (n, width) so many rows at a time; one that is stored column by column is read whole."""
    n = array.shape[0]
    with archive.open(f"{array.key}.npy") as file:
        _header(file)
        if array.by_column:
            whole = np.frombuffer(file.read(), array.dtype).reshape(array.width, n).T
            yield from (whole[start : start + rows] for start in range(0, n, rows))
            return
        for start in range(0, n, rows):
            count = min(rows, n - start)
            content = file.read(count * array.width * array.dtype.itemsize)
            yield np.frombuffer(content, array.dtype).reshape(count, array.width)


def _arrays(archive: zipfile.ZipFile, name: str) -> tuple[_Array, _Array]:
    """Find the two arrays and check their shapes at the door, so that nothing is broadcast later."""
    keys = [entry.removesuffix(".npy") for entry in archive.namelist()]
    inputs_key = next((key for key in _INPUTS if key in keys), None)
    targets_key = next((key for key in _TARGETS if key in keys), None)
    if inputs_key is None or targets_key is None:
        found = ", ".join(map(quoted, keys[:8])) or "nothing"
        raise BadTable(
            f"{located(name)} holds {found}; it needs the keys 'inputs' and 'targets', or 'X' and 'y': "
            "`np.savez(path, inputs=…, targets=…)`"
        )
    inputs, targets = _stored(archive, inputs_key), _stored(archive, targets_key)
    findings = [_not_numbers(array) for array in (inputs, targets) if not _is_number(array.dtype)]
    findings += _misshapen(inputs, targets)
    if findings:
        raise BadTable(*findings)
    return inputs, targets


def _stored(archive: zipfile.ZipFile, key: str) -> _Array:
    entry = archive.getinfo(f"{key}.npy")
    with archive.open(entry) as file:
        shape, by_column, dtype = _header(file)
        promised, kept = int(np.prod(shape, dtype=object)) * dtype.itemsize, entry.file_size - file.tell()
    if dtype.kind != "O" and promised != kept:
        raise BadTable(
            f"array {quoted(key)} of shape {shape} holds {kept:,} bytes, not {promised:,}; write it again"
        )
    return _Array(key, shape, by_column, dtype)


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(file)


def _is_number(dtype: np.dtype[np.generic]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def _not_numbers(array: _Array) -> str:
    kind = "pickled objects" if array.dtype.kind == "O" else f"{array.dtype} values"
    return f"array {quoted(array.key)} holds {kind}, not plain numbers; save it as float64"


def _misshapen(inputs: _Array, targets: _Array) -> list[str]:
    findings = []
    if len(inputs.shape) not in (1, 2) or 0 in inputs.shape[1:]:
        findings.append(f"array {quoted(inputs.key)} has shape {inputs.shape}; it must be (rows, features)")
    if len(targets.shape) not in (1, 2) or targets.shape[1:] not in ((), (1,)):
        findings.append(
            f"array {quoted(targets.key)} has shape {targets.shape}; it must be (rows,) or (rows, 1)"
        )
    if not findings and inputs.shape[0] != targets.shape[0]:
        rows = f"{inputs.shape[0]:,} rows and {quoted(targets.key)} {targets.shape[0]:,}"
        findings.append(f"array {quoted(inputs.key)} has {rows}; both need the same number")
    return findings
