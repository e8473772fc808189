"""npz, the example problem's format: `inputs` (or `input`) of shape (n, d) and `targets` of shape (n, 1)."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from tasks.table.errors import BadTable, located, shown

TARGET = "y"
_INPUTS = ("inputs", "input")
_TARGETS = "targets"


class _Array(NamedTuple):
    key: str
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]


def feature_names(d: int) -> tuple[str, ...]:
    """Name the d inputs of an array, which has no names: x and z for two, as in the example, else x1 to xd.

    >>> feature_names(2), feature_names(3)
    (('x', 'z'), ('x1', 'x2', 'x3'))
    """
    return ("x", "z") if d == 2 else tuple(f"x{number}" for number in range(1, d + 1))


def header(path: Path) -> pa.Schema:
    """Read names and types from the arrays' headers, without their values.

    Raises:
        BadTable: a key is missing, the shapes do not fit, or the values are not numbers.
    """
    inputs, targets = _arrays(path)
    d = 1 if len(inputs.shape) == 1 else inputs.shape[1]
    fields = [(name, pa.from_numpy_dtype(inputs.dtype)) for name in feature_names(d)]
    return pa.schema([*fields, (TARGET, pa.from_numpy_dtype(targets.dtype))])


def read(path: Path, names: Sequence[str] | None = None) -> pa.Table:
    """Read the arrays as columns: x, z or x1…xd, and y; pickled objects are never loaded.

    Raises:
        BadTable: a key is missing, the shapes do not fit, or the values are not numbers.
    """
    schema = header(path)
    keys = [array.key for array in _arrays(path)]
    with np.load(path, allow_pickle=False) as archive:
        inputs, targets = (archive[key] for key in keys)
    columns = [*inputs.reshape(len(inputs), len(schema.names) - 1).T, targets.reshape(-1)]
    native = [np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("=")) for column in columns]
    table = pa.table(native, names=schema.names)
    return table if names is None else table.select(list(names))


def _arrays(path: Path) -> tuple[_Array, _Array]:
    """Find the two arrays and check their shapes at the door, so that nothing is broadcast later."""
    with zipfile.ZipFile(path) as archive:
        keys = [name.removesuffix(".npy") for name in archive.namelist()]
        inputs_key = next((key for key in _INPUTS if key in keys), None)
        if inputs_key is None or _TARGETS not in keys:
            found = ", ".join(map(shown, keys[:8])) or "nothing"
            raise BadTable(f"{located(path)} holds {found}; it needs the keys 'inputs' and 'targets'")
        inputs, targets = (_stored(archive, key) for key in (inputs_key, _TARGETS))
    findings = [_not_numbers(array) for array in (inputs, targets) if not _is_number(array.dtype)]
    findings += _misshapen(inputs, targets)
    if findings:
        raise BadTable(*findings)
    return inputs, targets


def _stored(archive: zipfile.ZipFile, key: str) -> _Array:
    entry = archive.getinfo(f"{key}.npy")
    with archive.open(entry) as file:
        version = np.lib.format.read_magic(file)
        read_header = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read_header(file)
        promised, kept = int(np.prod(shape, dtype=object)) * dtype.itemsize, entry.file_size - file.tell()
    if dtype.kind != "O" and promised != kept:
        raise BadTable(
            f"array {shown(key)} of shape {shape} holds {kept:,} bytes, not {promised:,}; write it again"
        )
    return _Array(key, shape, dtype)


def _is_number(dtype: np.dtype[np.generic]) -> bool:
    return dtype.kind in "biuf" and dtype.itemsize <= 8


def _not_numbers(array: _Array) -> str:
    kind = "pickled objects" if array.dtype.kind == "O" else f"{array.dtype} values"
    return f"array {shown(array.key)} holds {kind}, not plain numbers; save it as float64"


def _misshapen(inputs: _Array, targets: _Array) -> list[str]:
    findings = []
    if len(inputs.shape) not in (1, 2) or 0 in inputs.shape[1:]:
        findings.append(f"array {shown(inputs.key)} has shape {inputs.shape}; it must be (rows, features)")
    if len(targets.shape) not in (1, 2) or targets.shape[1:] not in ((), (1,)):
        findings.append(
            f"array {shown(targets.key)} has shape {targets.shape}; it must be (rows,) or (rows, 1)"
        )
    if not findings and inputs.shape[0] != targets.shape[0]:
        rows = f"{inputs.shape[0]:,} rows and {shown(targets.key)} {targets.shape[0]:,}"
        findings.append(f"array {shown(inputs.key)} has {rows}; both need the same number")
    return findings
