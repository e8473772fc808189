"""What is wrong with the user's table: for the terminal one line, or an aligned table; for a page a table."""

from collections.abc import Sequence
from typing import get_args

from tasks.page.blocks import TableBlock
from tasks.page.text import counted, plain, shortened, visible
from tasks.table.errors import Violation
from tasks.table.rules import Rule

LONGEST_CELL = 40  # characters of a name or a value
MOST_LISTED = 50  # violations; the others are counted

HEADER = ["rule", "file", "column", "count", "first row", "value", "what to do"]
NUMBERS = {"count", "first row"}


def listed(violations: Sequence[Violation]) -> str:
    """Write violations for the terminal: rule, file, column, count, first row, value and remedy.

    >>> print(listed([Violation("missing-values", "column 'x' has 3 missing values", "fill it in", "x", 3, 7)]))
    column 'x' has 3 missing values; fill it in (rule missing-values, `--warn missing-values` to go on)
    """
    if len(violations) == 1:
        return plain(f"{violations[0]}{_way_on(violations[0].rule)}")
    columns = _columns(violations)
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if column[0] in NUMBERS else cell.ljust(width)
            for cell, column, width in zip(row, columns, widths, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    return "\n".join(
        [f"{counted(len(violations), 'finding')}, nothing was trained", *lines, *_more(violations)]
    )


def _way_on(rule: str) -> str:
    return f" (rule {rule}, `--warn {rule}` to go on)" if rule in get_args(Rule) else ""


def tabulated(violations: Sequence[Violation]) -> TableBlock:
    """Write the same as a table for a page."""
    columns = _columns(violations)
    header, *rows = (list(row) for row in zip(*columns, strict=True))
    caption = " ".join([f"{counted(len(violations), 'finding')}; nothing was trained.", *_more(violations)])
    return TableBlock(
        caption, header, rows, "".join("r" if column[0] in NUMBERS else "l" for column in columns)
    )


def _columns(violations: Sequence[Violation]) -> list[tuple[str, ...]]:
    """Return the columns that are not empty, each under its name."""
    rows = [HEADER, *(_cells(violation) for violation in violations[:MOST_LISTED])]
    return [column for column in zip(*rows, strict=True) if any(column[1:])]


def _cells(violation: Violation) -> list[str]:
    structured = violation.column is not None or violation.row is not None
    return [
        violation.rule,
        _cell(violation.file),
        _cell(violation.column),
        "" if violation.count is None else f"{violation.count:,}",
        "" if violation.row is None else f"{violation.row:,}",
        _cell(violation.value),
        plain(violation.remedy if structured else str(violation)),
    ]


def _cell(text: str | None) -> str:
    return "" if text is None else shortened(visible(text), LONGEST_CELL)


def _more(violations: Sequence[Violation]) -> list[str]:
    rest = len(violations) - MOST_LISTED
    return [f"… and {rest:,} more"] if rest > 0 else []
