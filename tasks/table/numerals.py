"""How a column of text writes its numbers: the signs before decimals and between thousands, and a unit beside them.

What a sign means is settled where the cells leave one reading. `1,5` and `0,125` can only have a decimal comma,
`1,234,567` and `1 234` only thousands. `6,953` can be both; it is settled by the other cells of its column and by the
other columns of its file, or else it is a doubt, for the user to settle.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tasks.table.errors import Violation, quoted

# Signs that only stand between thousands: blanks of every width, and the Swiss apostrophe.
BLANKS = " \u00a0\u2009\u202f'’"

UNITS = "%‰€$£¥₹"

_MOST_CELLS = 2000
_EXPONENT = r"([eE][-+]?\d+|[dD][-+]\d{1,3})?"
_SIGNED = r"[-+−]?"
_WITHOUT_BLANKS = str.maketrans(dict.fromkeys(BLANKS))
_BLANKED = re.compile(rf"{_SIGNED}\d{{1,3}}([{BLANKS}]\d{{3}})+([.,]\d+)?")


@dataclass(frozen=True, slots=True)
class Notation:
    """How numbers are written: `thousands` are the signs any one of which stands between groups of three digits."""

    decimal: str = "."
    thousands: str = ""
    unit: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether there are only digits and a decimal sign."""
        return not self.thousands and not self.unit

    @property
    def pattern(self) -> str:
        """A regular expression for one number, in the syntax that Python and RE2 share."""
        point, unit = re.escape(self.decimal), re.escape(self.unit)
        grouped = [rf"\d{{1,3}}(?:{re.escape(sign)}\d{{3}})+" for sign in self.thousands]
        number = rf"(?:(?:{'|'.join([*grouped, '[0-9]+'])})(?:{point}\d*)?|{point}\d+){_EXPONENT}"
        if not unit:
            return rf"^\s*{_SIGNED}{number}\s*$"
        return rf"^\s*(?:{_SIGNED}\s*{unit}\s*{_SIGNED}{number}|{_SIGNED}{number}\s*{unit})\s*$"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the cells of a column say about one sign, a point or a comma."""

    # A cell in which it stands before decimals, and can stand for nothing else.
    fraction: str = ""
    # A cell in which it stands between thousands, and can stand for nothing else.
    repeated: str = ""
    # A cell with three digits behind it, and one to three before it.
    grouped: str = ""
    # A whole number below a thousand, in a column without another kind of fraction.
    short: str = ""
    # Whether there are whole numbers from a thousand on without a sign between their thousands.
    long: bool = False


@dataclass(frozen=True, slots=True)
class Numerals:
    """How the columns of a file write their numbers, and what had to be settled or could not be."""

    decimal: str
    columns: Mapping[str, Notation]
    findings: tuple[Violation, ...]
    # Columns of whole numbers below a thousand in a file in which nothing says what a point means: one may come yet.
    unsettled: frozenset[str] = frozenset()

    def of(self, name: str) -> Notation:
        """Return the notation of a column."""
        return self.columns.get(name, Notation(self.decimal))


def numerals(
    columns: Mapping[str, Sequence[str]], decimal: str | None = None, thousands: str | None = None
) -> Numerals:
    """Find out how columns write their numbers.

    Args:
        columns: by name, some cells of a column, none of them blank.
        decimal: the sign before decimals, if it is given.
        thousands: the sign between thousands, if it is given.
    """
    cells = {name: [cell.strip() for cell in values[:_MOST_CELLS]] for name, values in columns.items()}
    units = {name: _unit(values) for name, values in cells.items()}
    bare = {name: [_bare(cell, units[name]) for cell in values] for name, values in cells.items()}
    points = {name: evidence(values, ".") for name, values in bare.items()}
    commas = {name: evidence(values, ",") for name, values in bare.items()}
    sign = decimal or _decimal(points, commas, thousands)
    given = Notation(sign, BLANKS if thousands == " " else thousands or "")
    is_given = decimal is not None or thousands is not None

    found: dict[str, Notation] = {}
    findings: list[Violation] = []
    for name in bare:
        notation, finding = _settled(name, given, points, commas, is_given=is_given)
        notation = replace(
            notation, thousands=notation.thousands + _blanks(cells[name], units[name]), unit=units[name]
        )
        if notation != Notation(sign):
            found[name] = notation
        findings += [*([finding] if finding else []), *_notes(name, notation, given, cells[name])]
    if sign == "," and not is_given:
        findings.insert(0, _decimal_note(next(each.fraction for each in commas.values() if each.fraction)))
    is_settled = sign != "." or is_given or any(each.fraction for each in points.values())
    unsettled = frozenset(
        name for name, values in bare.items() if not is_settled and values and all(map(_is_short, values))
    )
    return Numerals(sign, found, tuple(findings), unsettled)


def _is_short(cell: str) -> bool:
    return re.fullmatch(rf"{_SIGNED}\d{{1,3}}", cell) is not None


def evidence(cells: Sequence[str], sign: str) -> Evidence:
    """Look what the cells of a column say about a sign.

    >>> evidence(["6,953", "378"], ",")
    Evidence(fraction='', repeated='', grouped='6,953', short='378', long=False)
    """
    if not any(sign in cell for cell in cells):
        return Evidence()
    s, other = re.escape(sign), re.escape("," if sign == "." else ".")
    kinds = {
        "repeated": rf"{_SIGNED}[1-9]\d{{0,2}}(({s}\d{{3}}){{2,}}({other}\d*)?|{s}\d{{3}}{other}\d*)",
        "grouped": rf"{_SIGNED}[1-9]\d{{0,2}}{s}\d{{3}}",
        "fraction": rf"{_SIGNED}(\d*{s}\d+|\d+{s}|\d{{1,3}}({other}\d{{3}})+{s}\d+){_EXPONENT}",
        "short": rf"{_SIGNED}\d{{1,3}}",
        "long": rf"{_SIGNED}\d{{4,}}",
        "odd": rf"[-\d]*{s}[-\d]*{s}[-\d{s}]*",  # dates, versions, addresses
    }
    first = dict.fromkeys(kinds, "")
    for cell in cells:
        kind = next((kind for kind, pattern in kinds.items() if re.fullmatch(pattern, cell)), None)
        if kind == "odd":
            return Evidence()
        if kind and not first[kind]:
            first[kind] = cell
    return Evidence(
        first["fraction"], first["repeated"], first["grouped"], first["short"], bool(first["long"])
    )


def _decimal(points: Mapping[str, Evidence], commas: Mapping[str, Evidence], thousands: str | None) -> str:
    """Find the decimal sign of a file: a comma where one certainly stands before decimals, and no point does."""
    if thousands in {".", ","}:
        return "," if thousands == "." else "."
    with_comma = any(each.fraction for each in commas.values())
    with_point = any(each.fraction for each in points.values())
    return "," if with_comma and not with_point else "."


def _settled(
    name: str,
    given: Notation,
    points: Mapping[str, Evidence],
    commas: Mapping[str, Evidence],
    *,
    is_given: bool,
) -> tuple[Notation, Violation | None]:
    """Settle what points and commas mean in a column, or say why it cannot be settled."""
    other = "," if given.decimal == "." else "."
    own, others = (points, commas) if given.decimal == "." else (commas, points)
    about, across = own[name], others[name]
    if about.grouped and not about.fraction and not about.repeated and not given.thousands:
        is_settled = given.decimal == "." and (about.long or any(each.fraction for each in own.values()))
        if about.short and not is_settled:
            return given, _doubt(name, about, given.decimal, is_given=is_given)
    if about.repeated and not about.fraction and not is_given:
        return Notation(other, given.decimal), None
    if across.repeated and not across.fraction and not is_given:
        return replace(given, thousands=other), None
    if across.grouped and not across.fraction and not is_given:
        if any(each.fraction for each in own.values()):
            return replace(given, thousands=other), None
        return given, _doubt(name, across, other, is_given=False)
    return given, None


def _doubt(name: str, about: Evidence, sign: str, *, is_given: bool) -> Violation:
    beside = f" beside {quoted(about.short)}" if about.short else ""
    example = f"column {quoted(name)} has {quoted(about.grouped)}{beside}"
    if is_given:
        return Violation(
            "detected",
            f"{example}, read with {quoted(sign)} before decimals, as `decimal` says",
            f"if it stands between thousands, set `thousands` to {quoted(sign)}",
            column=name,
            value=about.grouped,
        )
    return Violation(
        "ambiguous-numbers",
        f"{example}: {quoted(sign)} may stand between thousands or before decimals",
        f"set `thousands` to {quoted(sign)}" + (" or `decimal` to '.'" if sign == "." else ""),
        column=name,
        value=about.grouped,
    )


def _bare(cell: str, unit: str) -> str:
    """Return a number without its unit and without blanks between its thousands."""
    number = cell.replace(unit, "").strip()
    return number.translate(_WITHOUT_BLANKS) if _BLANKED.fullmatch(number) else number


def _blanks(cells: Sequence[str], unit: str) -> str:
    """Return the blanks that stand between thousands."""
    numbers = (cell.replace(unit, "").strip() for cell in cells)
    return "".join(
        sorted({sign for cell in numbers if _BLANKED.fullmatch(cell) for sign in cell if sign in BLANKS})
    )


def _unit(cells: Sequence[str]) -> str:
    """Return the unit that stands beside every number of a column; none where some have none, or another."""
    first = next((cell for cell in cells if any(c.isdigit() for c in cell)), "")
    unit = next((sign for sign in UNITS if sign in first), "")
    if not unit:
        return ""
    numbers = [cell for cell in cells if _reads(cell.replace(unit, "", 1))]
    return unit if numbers and all(cell.count(unit) == 1 for cell in numbers) else ""


def _reads(cell: str) -> bool:
    return re.fullmatch(rf"\s*{_SIGNED}\s*\d[\d.,{BLANKS}]*\s*", cell) is not None


def _notes(name: str, notation: Notation, given: Notation, cells: Sequence[str]) -> Iterator[Violation]:
    """Say what was taken from the cells of a column."""
    thousands = "".join(sign for sign in notation.thousands if sign not in given.thousands)
    if not thousands and not notation.unit:
        return
    numbers = f"numbers in {notation.unit}" if notation.unit else "numbers"
    between = f" with {quoted(thousands)} between thousands" if thousands else ""
    example = next((cell for cell in cells if any(sign in cell for sign in thousands + notation.unit)), "")
    yield Violation(
        "detected",
        f"column {quoted(name)} is read as {numbers}{between}, as in {quoted(example)}",
        "`exclude` it if it holds none",
        column=name,
        value=example,
    )


def _decimal_note(example: str) -> Violation:
    return Violation(
        "detected",
        f"numbers are read with a decimal comma, as in {quoted(example)}",
        "set `decimal` if that is wrong",
        value=example,
    )
