"""How a text file is written: encoding, delimiter and decimal sign, found out from its first bytes."""

import codecs
import csv
import re
from dataclasses import dataclass
from itertools import islice

from tasks.table.errors import BadTable

SAMPLE = 1 << 16
"""Bytes that are looked at."""

DELIMITERS = (",", ";", "\t", "|")
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ROWS = 200
_COMMA = re.compile(r"\s*[-+]?\d+,(\d{1,2}|\d{4,})\s*")
"""Not 1,500, which may be one and a half or fifteen hundred."""
_POINT = re.compile(r"\s*[-+]?\d+\.\d+\s*")
_DECLARED = re.compile(r'"?sep=(.)"?\r?\n')
"""The line by which spreadsheet programs tell each other the delimiter."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read a text file; as given by the user, None is to be found out."""

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    preamble: int = 0
    """Lines before the row of names."""


def detected(sample: bytes, given: Dialect) -> Dialect:
    """Complete a dialect from the first bytes of a file, decompressed.

    Raises:
        BadTable: the bytes are no text in the encoding.
    """
    encoding = given.encoding or encoding_of(sample)
    text = _decoded(sample, encoding)
    declared = _DECLARED.match(text)
    if declared:
        text = text[declared.end() :]
    whole = text if len(sample) < SAMPLE else text[: text.rfind("\n") + 1] or text
    delimiter = given.delimiter or (declared[1] if declared else sniffed(whole))
    return Dialect(
        delimiter, given.decimal or decimal_of(whole, delimiter), encoding, preamble=1 if declared else 0
    )


def encoding_of(sample: bytes) -> str:
    r"""Find the encoding: by its mark, by the places of zero bytes, by what UTF-8 allows; else Windows' for the West.

    >>> encoding_of("x;größe".encode()), encoding_of("x;größe".encode("cp1252")), encoding_of("x,y".encode("utf-16"))
    ('utf-8', 'cp1252', 'utf-16')
    """
    marked = next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)
    if marked:
        return marked
    if b"\0" in sample:
        return "utf-16-le" if sample[1::2].count(0) >= sample[::2].count(0) else "utf-16-be"
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _reads(sample, name))


def sniffed(text: str) -> str:
    r"""Find the delimiter: the one that cuts most rows into as many cells as the header, and into most cells.

    >>> sniffed("a;b\n1,5;2\n")
    ';'
    """

    def regularity(delimiter: str) -> tuple[float, int]:
        widths = [len(row) for row in _cells(text, delimiter)]
        if not widths or widths[0] == 1:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    return max(DELIMITERS, key=regularity)


def decimal_of(text: str, delimiter: str) -> str:
    r"""Find the decimal sign: a comma where some cells read 1,5 and none reads 1.5.

    >>> decimal_of("a;b\n1,5;2\n", ";"), decimal_of("a;b\n1,500;2.5\n", ";")
    (',', '.')
    """
    cells = [cell for row in islice(_cells(text, delimiter), 1, _ROWS) for cell in row]
    commas = sum(_COMMA.fullmatch(cell) is not None for cell in cells)
    return "," if commas and not any(map(_POINT.fullmatch, cells)) else "."


def _cells(text: str, delimiter: str) -> "islice[list[str]]":
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    return islice((row for row in rows if row), None)


def _decoded(sample: bytes, encoding: str) -> str:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError as error:
        place = sample[error.start : error.end]
        raise BadTable(
            f"`encoding` of {encoding!r} does not fit the file, which holds {place!r}; give another"
        ) from error
    return text.removeprefix("\ufeff")


def _reads(sample: bytes, encoding: str) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    return True
