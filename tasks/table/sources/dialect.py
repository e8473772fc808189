"""How a text file is written: what the user says of it, and what its first bytes show of the rest."""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from tasks.table.errors import BadTable, Violation, counted, quoted
from tasks.table.numerals import Numerals, numerals

# Bytes that are looked at.
SAMPLE = 1 << 16

DELIMITERS = (",", ";", "\t", "|")
# The delimiter of a table whose cells stand apart by any number of blanks.
BLANKS = " "
COMMENT = "#"
# The name of the cell behind the last delimiter of a row, where that is no cell.
END = "\0"

# Cells that are missing values unless `na_values` says otherwise: Arrow's own list, and pandas' too.
MISSING = (
    "",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "-1.#IND",
    "-1.#QNAN",
    "-NaN",
    "-nan",
    "1.#IND",
    "1.#QNAN",
    "N/A",
    "NA",
    "NULL",
    "NaN",
    "n/a",
    "nan",
    "null",
)

_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ROWS = 2000
# Share of the bytes in every other place from which zeros are UTF-16's; below it they are what a logger left.
_ZEROS = 0.1
_NUMBER = re.compile(r"[-+]?[\d.,' ]*\d[\d.,' ]*([eE][-+]?\d+)?")
# The line by which spreadsheet programs tell each other the delimiter.
_DECLARED = re.compile(r'"?sep=(.)"?\r?\n')
_LINE = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read a text file or a workbook, as set by the user; None means detect it."""

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    thousands: str | None = None
    na_values: tuple[str, ...] | None = None
    skip_rows: int | None = None
    header_row: int | None = None
    comment: str | None = None
    # Of a workbook.
    sheet: str | None = None

    @property
    def names_line(self) -> int:
        """The line of the names, from 1, behind those skipped; 0 where there are none."""
        return 1 if self.header_row is None else self.header_row

    @property
    def is_top_given(self) -> bool:
        """Whether the user says where the names stand."""
        return any(given is not None for given in (self.skip_rows, self.header_row, self.comment))

    @property
    def missing(self) -> tuple[str, ...]:
        """The cells that are missing values."""
        return MISSING if self.na_values is None else tuple(dict.fromkeys(["", *self.na_values]))


@dataclass(frozen=True, slots=True)
class Layout:
    """How a text file is written: what the user says, completed from its first bytes."""

    delimiter: str
    encoding: str
    numerals: Numerals
    # Lines above the row of names.
    skipped: int
    # The columns' names where the file has none, or fewer than cells.
    names: tuple[str, ...] | None = None
    # Of the file's own names, the lines that `names` stand in for.
    name_lines: int = 0
    comment: str | None = None
    # Whether the last cell of every row is empty and no cell.
    ends_in_delimiter: bool = False
    findings: tuple[Violation, ...] = ()
    # What was detected, in words, for messages on what may come of it.
    assumed: str = ""

    @property
    def is_rewritten(self) -> bool:
        """Whether lines must be altered or left out before they are cut into cells."""
        return self.delimiter == BLANKS or self.comment is not None


def detected(sample: bytes, given: Dialect) -> Layout:
    """Complete a dialect from the first bytes of a file, decompressed.

    Raises:
        BadTable: the bytes are no text in the encoding.
    """
    encoding = given.encoding or encoding_of(sample)
    lines = _lines(_decoded(sample, encoding), is_whole=len(sample) < SAMPLE)
    findings = list(_encoding_note(sample, encoding, given))

    declared = _DECLARED.match("".join(lines[:1]))
    start = (given.skip_rows or 0) + max(given.names_line - 1, 0)
    start += 1 if declared and not start else 0
    comments = _comment_lines(lines[start:], given)
    if comments:
        findings.append(_comment_note(lines[start : start + comments]))
    body = [
        line for line in lines[start + comments :] if not given.comment or not line.startswith(given.comment)
    ]

    text = "".join(body)
    delimiter = given.delimiter or (declared[1] if declared and start == 1 else sniffed(text))
    if delimiter == BLANKS and not given.delimiter:
        findings.append(_note("cells stand apart by blanks", "set `delimiter` if that is wrong"))
    header, rows, first = _table(body, delimiter)

    names, ends = None, _ends_in_delimiter(header, rows, has_header=bool(given.names_line))
    if not given.names_line:
        names = tuple(f"c{number}" for number in range(1, len(header) + 1 - ends))
        rows, first = [header, *rows], 0
    elif ends and any(len(row) > len(header) for row in rows):
        names = tuple(header)
    if ends:
        findings.append(
            _note("every row ends in the delimiter, which was taken for no cell", "write the rows without it")
        )
    titles = names or tuple(header)
    written = _numerals(titles, rows, given)
    return Layout(
        delimiter,
        encoding,
        written,
        skipped=start + comments,
        names=(*names, END) if names and ends else names,
        name_lines=first if names else 0,
        comment=given.comment,
        ends_in_delimiter=ends,
        findings=(*findings, *written.findings),
        assumed=_assumed(encoding, delimiter, given),
    )


def encoding_of(sample: bytes) -> str:
    r"""Find the encoding: by its mark, by the places of zero bytes, by what UTF-8 allows; else Windows' for the West.

    >>> encoding_of("x;größe".encode()), encoding_of("x;größe".encode("cp1252")), encoding_of("x,y".encode("utf-16"))
    ('utf-8', 'cp1252', 'utf-16')
    """
    marked = next((name for mark, name in _MARKS.items() if sample.startswith(mark)), None)
    if marked:
        return marked
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) > _ZEROS * len(sample) / 2 and min(even, odd) <= max(even, odd) / 2:
        return "utf-16-le" if odd >= even else "utf-16-be"
    return next(name for name in ("utf-8", "cp1252", "latin-1") if _reads(sample, name))


def sniffed(text: str) -> str:
    r"""Find the delimiter: the one that cuts most rows into as many cells as the header, and those the cleanest.

    A clean cell is a number, or holds no other delimiter. Blanks delimit where nothing else does and all rows agree.

    >>> sniffed("a;b\n1,5;2\n"), sniffed("a, l;b, kW\n1,5;2,5\n"), sniffed(" a  b\n10   2\n")
    (';', ';', ' ')
    """

    def regularity(delimiter: str) -> tuple[float, float, int]:
        rows = list(_cells(text, delimiter))
        if not rows or len(rows[0]) == 1:
            return 0.0, 0.0, 0
        same = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        cells = [cell for row in rows[1:] for cell in row]
        clean = sum(_is_clean(cell, delimiter) for cell in cells) / len(cells) if cells else 0.0
        return same, clean, len(rows[0])

    best = max(DELIMITERS, key=regularity)
    if regularity(best)[2]:
        return best
    widths = {len(line.split()) for line in text.splitlines() if line.strip()}
    return BLANKS if len(widths) == 1 and widths != {1} and text.strip().count("\n") else best


def rewritten(text: str, layout: Layout) -> str:
    r"""Write whole lines so that one blank stands between cells, and without those that are comments.

    >>> rewritten(" 1   2\n# no\n 3  4\n", Layout(" ", "utf-8", numerals({}), 0, comment="#"))
    '1 2\n3 4\n'
    """
    if layout.comment:
        text = re.sub(rf"(?m)^{re.escape(layout.comment)}.*(?:\r\n|\n|\r|\Z)", "", text)
    if layout.delimiter == BLANKS:
        text = re.sub(r"(?m)^[ \t]+|[ \t]+(?=\r?$)", "", text)
        text = re.sub(r'("(?:[^"\n]|"")*")|[ \t]+', lambda found: found[1] or " ", text)
    return text


def _lines(text: str, *, is_whole: bool) -> list[str]:
    """Cut a text into its lines, with their ends; the last one is left out where the text goes on."""
    ends = [match.end() for match in _LINE.finditer(text)]
    lines = [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
    return lines if is_whole or len(lines) == 1 else lines[:-1]


def _comment_lines(lines: Sequence[str], given: Dialect) -> int:
    """Count the lines above the names that are comments.

    A line such as `#id,x,y` above rows of as many numbers is the row of names.
    """
    if given.is_top_given:
        return 0
    count = next((place for place, line in enumerate(lines) if not line.startswith(COMMENT)), 0)
    if not count:
        return 0
    below = re.split(r"[,;|\s]+", lines[count].strip())
    return count - 1 if all(map(_NUMBER.fullmatch, below)) else count


def _table(lines: Sequence[str], delimiter: str) -> tuple[list[str], list[list[str]], int]:
    """Cut the sample into cells: the row of names, the rows, and how many lines the names end behind."""
    reader = csv.reader(_single_blanks(lines) if delimiter == BLANKS else lines, delimiter=delimiter)
    try:
        header = next((row for row in reader if row), [])
        first = reader.line_num
        return header, [row for row in islice(reader, _ROWS) if row], first
    except csv.Error:
        return [], [], 0


def _single_blanks(lines: Sequence[str]) -> Iterator[str]:
    return (" ".join(line.split()) + "\n" for line in lines if line.strip())


def _ends_in_delimiter(header: Sequence[str], rows: Sequence[Sequence[str]], *, has_header: bool) -> bool:
    """Say whether the last cell of every row is empty, and stands under no name."""
    if not rows or any(row[-1].strip() for row in rows):
        return False
    if has_header and header[-1:] and header[-1].strip():
        return all(len(row) == len(header) + 1 for row in rows)
    return len(header) > 1 and not header[-1].strip() and all(len(row) == len(header) for row in rows)


def _numerals(names: Sequence[str], rows: Sequence[Sequence[str]], given: Dialect) -> Numerals:
    missing = set(given.missing)
    columns = {
        name.strip(): [
            row[place] for row in rows if len(row) >= len(names) and row[place].strip() not in missing
        ]
        for place, name in enumerate(names)
    }
    return numerals(columns, given.decimal, given.thousands)


def _cells(text: str, delimiter: str) -> Iterator[list[str]]:
    rows = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    try:
        yield from (row for row in rows if row)
    except csv.Error:  # a cell of more than its limit, or a zero byte
        return


def _is_clean(cell: str, delimiter: str) -> bool:
    return not any(sign in cell for sign in DELIMITERS if sign != delimiter) or bool(_NUMBER.fullmatch(cell))


def _encoding_note(sample: bytes, encoding: str, given: Dialect) -> Iterator[Violation]:
    marked = any(sample.startswith(mark) for mark in _MARKS)
    if not given.encoding and encoding != "utf-8" and not marked:
        yield _note(f"the text is no UTF-8 and was read as {encoding}", "set `encoding` if that is wrong")


def _comment_note(lines: Sequence[str]) -> Violation:
    return _note(
        f"{counted(len(lines), 'line')} above the names passed over, first {quoted(lines[0].strip())}",
        "set `skip_rows` or `header_row` if that is wrong",
    )


def _note(problem: str, remedy: str) -> Violation:
    return Violation("detected", problem, remedy)


def _assumed(encoding: str, delimiter: str, given: Dialect) -> str:
    """Say what was detected, and which settings there are if that is wrong; empty where all was given."""
    taken = {}
    if not given.encoding:
        taken["`encoding`"] = encoding
    if not given.delimiter:
        taken["`delimiter`"] = quoted(delimiter)
    if not given.is_top_given:
        taken["`header_row`, `skip_rows` or `comment`"] = "names at the top"
    return (
        f"detected: {', '.join(taken.values())} – if that is wrong, set {', '.join(taken)}" if taken else ""
    )


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
