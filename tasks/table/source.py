"""The user's table: CSV, Parquet or npz, told apart by the file's name and checked against its first bytes.

Everything is read into memory, as Arrow columns of the stored type.
"""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pyarrow as pa

from tasks.table import archive, delimited, parquet
from tasks.table.cells import as_numbers, text_findings
from tasks.table.columns import Columns, check_names, choose
from tasks.table.errors import BadTable, located, printable

Format = Literal["CSV", "Parquet", "npz"]

_READERS = {"CSV": delimited, "Parquet": parquet, "npz": archive}
_TEXT = (".csv", ".tsv", ".txt")
_DISGUISED = {
    b"PAR1": "Parquet; name it .parquet",
    b"PK": "a zip archive or an Excel workbook; save its table as CSV",
    b"\x1f\x8b": "gzip; name it .csv.gz",
}


def header(path: Path) -> pa.Schema:
    """Take a cheap first look: the columns' names and types, without reading all rows.

    The names are certain. The types of a CSV are those of its first block; a later row can still change them.

    Raises:
        BadTable: the file is missing, unreadable, empty, damaged, or of no known format.
    """
    kind = format_of(path)
    with _explained(path, kind):
        return _READERS[kind].header(path)


def read(path: Path, target: str, features: Sequence[str] | None = None) -> tuple[pa.Table, Columns]:
    """Read the features and the target, in this order, all numeric: n rows, d + 1 columns.

    Ints and floats keep their stored type; booleans and decimals become float64. Missing values stay nulls or
    NaN: `validate` judges the values.

    Raises:
        BadTable: as for `header`; or a column is missing, ambiguous, or holds something other than numbers.
    """
    check_names(header(path).names, target, features)
    kind = format_of(path)
    with _explained(path, kind):
        table = _READERS[kind].read(path, None if features is None else (*features, target))
    if table.num_rows == 0:
        raise BadTable(f"{located(path)} has no rows; add some below the column names")
    findings = text_findings(table, target, features)
    if findings:
        raise BadTable(*findings)
    columns = choose(table.schema, target, features)
    return as_numbers(table.select(list(columns.used))), columns


def format_of(path: Path) -> Format:
    """Tell the format from the name; a CSV must not look like something else.

    Raises:
        BadTable: the file is missing, unreadable, empty, or of no known format.
    """
    if path.is_dir():
        return "Parquet"
    start = _first_bytes(path)
    named = _named_format(path)
    if named is None:
        raise BadTable(f"{located(path)} is of no known format; save it as .csv, .csv.gz, .parquet or .npz")
    found = next((advice for magic, advice in _DISGUISED.items() if start.startswith(magic)), None)
    if named == "CSV" and found is not None and path.suffix.lower() != ".gz":
        raise BadTable(f"{located(path)} is not CSV but {found}")
    return named


def _named_format(path: Path) -> Format | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    last = suffixes[-2:-1] if suffixes[-1:] == [".gz"] else suffixes[-1:]
    if last and last[0] in _TEXT:
        return "CSV"
    if last and suffixes[-1] in parquet.SUFFIXES:
        return "Parquet"
    return "npz" if suffixes[-1:] == [".npz"] else None


def _first_bytes(path: Path) -> bytes:
    if not path.exists():
        raise BadTable(f"{located(path)} does not exist; check the path")
    if not path.is_file():
        raise BadTable(f"{located(path)} is neither a file nor a folder; save the rows to a file")
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BadTable(f"{located(path)} cannot be opened: {error.strerror}") from error
    if not start:
        raise BadTable(f"{located(path)} is empty; give a table with a row of column names")
    return start


@contextmanager
def _explained(path: Path, kind: Format) -> Iterator[None]:
    """Turn what the readers raise on a damaged file into one line."""
    try:
        yield
    except BadTable:
        raise
    except MemoryError as error:
        raise BadTable(f"{located(path)} does not fit in memory; give fewer `features` or rows") from error
    except (
        pa.ArrowException,
        OSError,
        ValueError,
        EOFError,
        KeyError,
        NotImplementedError,  # zipfile, of a damaged version or compression
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = printable(str(error).rpartition(": ")[2])[:120]
        raise BadTable(
            f"{located(path)} is damaged or not {kind} ({reason}); write the file again"
        ) from error
