"""Text and numbers as every page writes them, before any markup: nothing invisible, nothing too long.

Names come from users' files and may hold anything: line breaks, control characters, lone surrogates.
"""

import base64
import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

# Unicode categories that are shown as code points: they break lines, reverse the reading direction or hide text.
INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}

LONGEST_NAME = 80  # characters of a column's name that a page shows

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
    """Make a column's name fit for a page: visible and not too long."""
    return _cut_inside(visible(name), LONGEST_NAME)


def labels(names: Sequence[str], longest: int) -> dict[str, str]:
    """Make different names fit for a page or a figure so that they stay different.

    A long name is cut inside, since columns often differ at the end; names that look the same then get a number.

    >>> list(labels(["a" * 9 + "x", "a" * 9 + "y", "a" * 10 + "y", "b"], 6).values())
    ['aa…aax', 'a…y #2', 'a…y #3', 'b']
    """
    cut = {name: _cut_inside(visible(name), longest) for name in names}
    uses = Counter(cut.values())
    return {
        name: label if uses[label] == 1 else _numbered(visible(name), longest, f" #{place}")
        for place, (name, label) in enumerate(cut.items(), start=1)
    }


def shortened(text: str, longest: int) -> str:
    """Cut text to at most `longest` characters, the last of them an ellipsis."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def number(value: float | None, digits: int = 6) -> str:
    """Write a number with `digits` significant digits, without trailing zeros; None is a dash.

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


def rounded(value: float | None, resolution: float) -> str:
    """Write a number with the decimals that show two digits of the resolution, for example its standard error.

    >>> rounded(1.992063, 0.00352), rounded(1.11e-16, 0.02), rounded(123456.7, 1200)
    ('1.9921', '0', '123500')
    """
    if value is None or not (math.isfinite(value) and 0 < resolution < math.inf):
        return number(value)
    decimals = 1 - math.floor(math.log10(resolution))
    return number(round(value, decimals), 15)


def data_uri(image: bytes, kind: str = "image/png") -> str:
    """Return a link that contains the picture itself."""
    return f"data:{kind};base64," + base64.b64encode(image).decode("ascii")


def _cut_inside(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    kept = longest - 1
    return f"{text[: kept // 2]}…{text[len(text) - (kept - kept // 2) :]}"


def _numbered(text: str, longest: int, number: str) -> str:
    return _cut_inside(text, longest - len(number)) + number


def _code_point(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _trimmed(digits: str) -> str:
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
