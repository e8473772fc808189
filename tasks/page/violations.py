"""What is wrong with the user's table: for the terminal one line, or an aligned table; for a page a table."""

from collections.abc import Sequence
from typing import get_args

from tasks.page.blocks import TableBlock
from tasks.page.text import counted, plain, shortened, visible
from tasks.table.errors import Violation
from tasks.table.rules import Rule

LONGEST_CELL = 40
"""Characters of a name or a value that are shown."""

MOST_FINDINGS = 50
"""Findings that are listed; the others are counted."""

HEADER = ["rule", "file", "column", "count", "first row", "value", "what to do"]
NUMBERS = {"count", "first row"}


def listed(findings: Sequence[Violation]) -> str:
    """Write findings for people: rule, file, column, count, first row, value and what to do.

    >>> print(listed([Violation("missing-values", "column 'x' is full of holes", "fill it in", "x", 3, 7)]))
    column 'x' is full of holes; fill it in (rule missing-values, `--warn missing-values` to go on)
    """
    if len(findings) == 1:
        return plain(f"{findings[0]}{_way_on(findings[0].rule)}")
    columns = _columns(findings)
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if column[0] in NUMBERS else cell.ljust(width)
            for cell, column, width in zip(row, columns, widths, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    return "\n".join([f"{counted(len(findings), 'finding')}, nothing was trained", *lines, *_more(findings)])


def _way_on(rule: str) -> str:
    return f" (rule {rule}, `--warn {rule}` to go on)" if rule in get_args(Rule) else ""


def tabulated(findings: Sequence[Violation]) -> TableBlock:
    """Write the same as a table of a page."""
    columns = _columns(findings)
    header, *rows = (list(row) for row in zip(*columns, strict=True))
    caption = " ".join([f"{counted(len(findings), 'finding')}; nothing was trained.", *_more(findings)])
    return TableBlock(
        caption, header, rows, "".join("r" if column[0] in NUMBERS else "l" for column in columns)
    )


def _columns(findings: Sequence[Violation]) -> list[tuple[str, ...]]:
    """Return the columns, each under its name, that have anything in them."""
    rows = [HEADER, *(_cells(finding) for finding in findings[:MOST_FINDINGS])]
    return [column for column in zip(*rows, strict=True) if any(column[1:])]


def _cells(finding: Violation) -> list[str]:
    structured = finding.column is not None or finding.row is not None
    return [
        finding.rule,
        _cell(finding.file),
        _cell(finding.column),
        "" if finding.count is None else f"{finding.count:,}",
        "" if finding.row is None else f"{finding.row:,}",
        _cell(finding.value),
        plain(finding.remedy if structured else str(finding)),
    ]


def _cell(text: str | None) -> str:
    return "" if text is None else shortened(visible(text), LONGEST_CELL)


def _more(findings: Sequence[Violation]) -> list[str]:
    rest = len(findings) - MOST_FINDINGS
    return [f"… and {rest:,} more"] if rest > 0 else []
