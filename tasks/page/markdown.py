"""Markdown that no column name can break: escaping, tables, numbers and pictures as links.

Written for GitHub-flavoured markdown and for the artifact page of Prefect's UI. Names come from users' files
and may hold anything: pipes, backticks, tags, dollars, line breaks, control characters, lone surrogates.
"""

import base64
import math
import re
import unicodedata
from collections.abc import Sequence

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that are shown as code points: they break lines, turn the reading direction or hide."""

WIDEST = 40
"""Characters to which a table's source is padded; one long cell must not blow up two hundred rows."""

_MARKUP = str.maketrans(
    {character: "\\" + character for character in "\\`*_[]|~#!"}
    # Entities: some renderers take `\$` for the start of a formula, and `\<` for the start of a tag.
    | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
)
_BARE_LINK = re.compile(r"(?<=www)\.|:(?=//)", re.IGNORECASE)
_LARGEST, _SMALLEST = 1e9, 1e-4


def visible(text: str) -> str:
    r"""Show control, formatting and surrogate characters as code points, and blank text in quotes.

    >>> print(visible("a\tb\u202e"))
    a\x09b\u202e
    """
    shown = "".join(_code_point(c) if unicodedata.category(c) in INVISIBLE else c for c in text)
    return shown if shown.strip() else f'"{shown}"'


def shortened(text: str, longest: int) -> str:
    """Cut text to at most `longest` characters; an ellipsis says so."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def escaped(text: str) -> str:
    r"""Make text safe in a table cell, a heading or a sentence: it shows as it stands, without markup.

    >>> print(escaped("a|b <i> $c$"))
    a\|b &lt;i&gt; &#36;c&#36;
    """
    return _BARE_LINK.sub(r"\\\g<0>", visible(text).strip().translate(_MARKUP))


def number(value: float | None, digits: int = 6) -> str:
    """Write a number to `digits` significant digits, without padding zeros; None is a dash.

    >>> number(2.0), number(-0.57735027, 3), number(6.02e-6, 2), number(None)
    ('2', '-0.577', '6e-6', '–')
    """
    if value is None:
        return "–"
    if value == 0 or not math.isfinite(value):
        return f"{value + 0.0:g}"  # the sum turns -0 into 0
    if not _SMALLEST <= abs(value) < _LARGEST:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return f"{_trimmed(mantissa)}e{int(exponent)}"
    return _trimmed(f"{value:.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}")


def table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    """Lay out a table whose source reads as well as its rendering.

    Args:
        header: One label per column, as markdown.
        rows: The cells as markdown: `escaped` where they hold a user's text.
        align: One letter per column, `l` or `r`.

    Raises:
        ValueError: If a row has more or fewer cells than `align` has letters.
    """
    lines = [header, *rows]
    if wrong := [len(line) for line in lines if len(line) != len(align)]:
        raise ValueError(f"`rows` must have {len(align)} cells, one per letter of `align`; got {wrong[0]}")
    widths = [min(WIDEST, max(3, *map(len, column))) for column in zip(*lines, strict=True)]
    rules = [_rule(*column) for column in zip(align, widths, strict=True)]
    return "\n".join(_line(cells, widths, align) for cells in (header, rules, *rows)) + "\n"


def data_uri(png: bytes) -> str:
    """Turn a PNG into a link that carries the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")


def _code_point(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _rule(letter: str, width: int) -> str:
    return ":" + "-" * (width - 1) if letter == "l" else "-" * (width - 1) + ":"


def _line(cells: Sequence[str], widths: Sequence[int], align: str) -> str:
    padded = (
        cell.ljust(width) if letter == "l" else cell.rjust(width)
        for cell, width, letter in zip(cells, widths, align, strict=True)
    )
    return "| " + " | ".join(padded) + " |"
