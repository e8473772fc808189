"""Text and numbers as every page writes them, before any markup: nothing invisible, nothing endless.

Names come from users' files and may hold anything: line breaks, control characters, lone surrogates.
"""

import base64
import math
import unicodedata

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that are shown as code points: they break lines, turn the reading direction or hide."""

LONGEST_NAME = 80
"""Characters of a column's name that a page shows."""

_LARGEST, _SMALLEST = 1e9, 1e-4


def visible(text: str) -> str:
    r"""Show control, formatting and surrogate characters as code points, and blank text in quotes.

    >>> print(visible("a\tb\u202e"))
    a\x09b\u202e
    """
    shown = plain(text)
    return shown if shown.strip() else f'"{shown}"'


def plain(text: str) -> str:
    """Show control, formatting and surrogate characters as code points; blank text stays as it is."""
    return "".join(_code_point(c) if unicodedata.category(c) in INVISIBLE else c for c in text)


def named(name: str) -> str:
    """Make a column's name fit for a page: visible and not endless."""
    return shortened(visible(name), LONGEST_NAME)


def shortened(text: str, longest: int) -> str:
    """Cut text to at most `longest` characters; an ellipsis says so."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


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


def counted(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> counted(1, "weight"), counted(2000, "row")
    ('1 weight', '2,000 rows')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def data_uri(image: bytes, kind: str = "image/png") -> str:
    """Turn a picture into a link that carries the picture itself."""
    return f"data:{kind};base64," + base64.b64encode(image).decode("ascii")


def _code_point(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
