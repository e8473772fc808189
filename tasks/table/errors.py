"""What is wrong with the user's table, in words that the user can act on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from tasks.table.rules import HARMLESS, Fatal, Rule
from tasks.table.sources.address import redacted

_LONGEST = 60
# Findings that one line tells; the others are counted.
MOST_SAID = 50


@dataclass(frozen=True, slots=True)
class Violation:
    """One breach of a rule: what is wrong, where, how often, with which value, and what to do.

    `problem` says in words what the fields after `remedy` say one by one; rows are counted from 1, in their file.
    """

    rule: Rule | Fatal
    problem: str
    remedy: str
    column: str | None = None
    count: int | None = None
    row: int | None = None
    file: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.problem}; {self.remedy}"


class BadTable(ValueError):
    """Refuse a table: each finding says what is wrong, where, with which value, and what to do.

    `str()` of it is one line, however many findings there are.

    >>> str(BadTable("column 'x' is constant; drop it", "column 'y' is text; encode it"))
    "2 findings: column 'x' is constant; drop it | column 'y' is text; encode it"
    """

    violations: tuple[Violation, ...]

    def __init__(self, *findings: Violation | str) -> None:
        """Keep the findings, at least one, in reading order; a string is one about a setting."""
        super().__init__(*findings)
        self.violations = tuple(_finding(each) if isinstance(each, str) else each for each in findings)

    def __str__(self) -> str:
        """Join the findings into one line."""
        count, lines = len(self.violations), [str(finding) for finding in self.violations[:MOST_SAID]]
        more = [f"… and {count - MOST_SAID:,} more"] if count > MOST_SAID else []
        return lines[0] if count == 1 else f"{count:,} findings: " + " | ".join([*lines, *more])


def raise_on_errors(
    findings: Iterable[Violation], warn: Collection[str] = (), *, strict: bool = False
) -> tuple[Violation, ...]:
    """Return the findings that are only warnings, because they are harmless or the user says so with `warn`.

    Args:
        findings: all there are.
        warn: rules whose breach is a warning.
        strict: whether a breach of any other rule is an error, a harmless one too.

    Raises:
        BadTable: there are errors; it holds these alone.
    """
    every = tuple(findings)
    accepted = {*warn} if strict else {*warn, *HARMLESS}
    errors = [finding for finding in every if finding.rule not in accepted]
    if errors:
        raise BadTable(*errors)
    return every


def _finding(text: str) -> Violation:
    problem, _, remedy = text.partition("; ")
    return Violation("setting", problem, remedy)


def quoted(value: object) -> str:
    r"""Quote a value of the user's for a message: one line, no control characters, of limited length.

    >>> quoted("a\n\x1b[31mred")
    "'a\\n\\x1b[31mred'"
    """
    quoted = repr(value)
    return quoted if len(quoted) <= _LONGEST else f"{quoted[: _LONGEST - 2]}…{quoted[0]}"


def printable(text: str) -> str:
    r"""Write another program's message on one line, its control characters as escapes.

    >>> printable("bad\n magic\x0e")
    'bad magic\\x0e'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))


def located(path: Path | str, setting: str = "data") -> str:
    r"""Name the user's file in full: a path that is cut short points nowhere.

    >>> located(Path("new\nline.csv"))
    "`data` of 'new\\nline.csv'"
    """
    return redacted(f"`{setting}` of {str(path)!r}")


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
