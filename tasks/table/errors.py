"""What is wrong with the user's table, in words that the user can act on."""

from pathlib import Path

_LONGEST = 60


class BadTable(ValueError):
    """Refuse a table: each finding says what is wrong, where, with which value, and what to do.

    `str()` of it is one line, however many findings there are.

    >>> str(BadTable("column 'x' is constant; drop it", "column 'y' is text; encode it"))
    "2 findings: column 'x' is constant; drop it | column 'y' is text; encode it"
    """

    findings: tuple[str, ...]

    def __init__(self, *findings: str) -> None:
        """Keep the findings, one or more, in the order in which they are to be read."""
        super().__init__(*findings)
        self.findings = findings

    def __str__(self) -> str:
        """Join the findings into one line."""
        if len(self.findings) == 1:
            return self.findings[0]
        return f"{len(self.findings)} findings: " + " | ".join(self.findings)


def shown(value: object) -> str:
    r"""Quote a value of the user's for a message: one line, no control characters, of limited length.

    >>> shown("a\n\x1b[31mred")
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


def located(path: Path) -> str:
    r"""Name the user's file in full: a path that is cut short points nowhere.

    >>> located(Path("new\nline.csv"))
    "`data` of 'new\\nline.csv'"
    """
    return f"`data` of {str(path)!r}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """Write a count with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
