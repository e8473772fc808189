"""Rows written for people, some at a time, in the format that the file's name asks for."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pyarrow.types as kinds

Write = Callable[[pa.RecordBatch], None]

_PARQUET = (".parquet", ".parq", ".pq")
_ARROW = (".feather", ".arrow", ".ipc")
_TEXT = (".csv", ".tsv", ".txt")
KNOWN = ".csv, .csv.gz, .tsv, .parquet, .feather or .arrow"


@dataclass(frozen=True, slots=True)
class Style:
    """How text is written: what stands between cells, and before decimals."""

    delimiter: str = ","
    decimal: str = "."


def is_known(path: Path) -> bool:
    """Say whether a file's name ends in a way that rows can be written.

    >>> is_known(Path("out.CSV.gz")), is_known(Path("out.xlsx"))
    (True, False)
    """
    return _ending(path) in (*_PARQUET, *_ARROW, *_TEXT)


def is_text(path: Path) -> bool:
    """Say whether the format is text."""
    return _ending(path) in _TEXT


@contextmanager
def writer(path: Path, name: Path, schema: pa.Schema, style: Style) -> Iterator[Write]:
    """Lend a function that appends rows to the file at `path`, in the format that `name` asks for.

    Raises:
        pa.ArrowException: the format has no place for a column's type.
    """
    ending = _ending(name)
    if ending in _PARQUET:
        texts = [field.name for field in schema if kinds.is_string(field.type)]
        with pq.ParquetWriter(path, schema, use_dictionary=texts or False) as parquet:
            yield parquet.write_batch
    elif ending in _ARROW:
        with pa.ipc.new_file(path, schema) as arrow:
            yield arrow.write_batch
    else:
        tabbed = Style("\t", style.decimal) if ending == ".tsv" else style
        compression = "gzip" if name.suffix.lower() == ".gz" else None
        with pa.output_stream(path, compression=compression, buffer_size=2**20) as stream:
            names = pa.RecordBatch.from_arrays([pa.array([field.name]) for field in schema], schema.names)
            stream.write(_text(names, tabbed))
            yield lambda rows: _append(stream, _text(rows, tabbed))


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"] and suffixes[-2:-1] and suffixes[-2] in _TEXT
    return suffixes[-2] if packed else suffixes[-1] if suffixes else ""


def _append(stream: pa.NativeFile, lines: pa.Buffer) -> None:
    stream.write(lines)


def _text(rows: pa.RecordBatch, style: Style) -> pa.Buffer:
    r"""Write the rows' lines; a missing value is an empty cell.

    Arrow's own writer would put quotes around every text, also around numbers that were read as text.

    >>> _text(pa.record_batch({"a": ["x", 'a "b" c'], "n": [0.5, None]}), Style(";", ",")).to_pybytes()
    b'x;0,5\n"a ""b"" c";\n'
    """
    cells = [_cells(column, style) for column in rows.columns]
    lines = pc.binary_join_element_wise(*cells, style.delimiter, null_handling="replace", null_replacement="")
    ended = pc.binary_join_element_wise(lines, "", "\n")
    _, offsets, text = ended.buffers()
    end = int(np.frombuffer(offsets, np.int32)[len(ended)])
    return text.slice(0, end) if text is not None else pa.py_buffer(b"")


def _cells(column: pa.Array, style: Style) -> pa.Array:
    if kinds.is_dictionary(column.type):
        column = column.dictionary_decode()
    text = column.cast(pa.string())
    if kinds.is_floating(column.type):
        return text if style.decimal == "." else pc.replace_substring(text, ".", style.decimal)
    marked = pc.match_substring_regex(text, f'["\r\n{re.escape(style.delimiter)}]')
    if not pc.any(marked).as_py():
        return text
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(marked, pc.binary_join_element_wise('"', doubled, '"', ""), text)
