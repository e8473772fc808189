"""What is wrong with the user's table, for the terminal: one line for one finding, an aligned table for several."""

from collections.abc import Sequence

from tasks.page.text import counted, plain, shortened, visible
from tasks.table.errors import Finding

LONGEST_CELL = 40
"""Characters of a name or a value that are shown."""

MOST_FINDINGS = 50
"""Findings that are listed; the others are counted."""


def listed(findings: Sequence[Finding]) -> str:
    """Write findings for people: rule, file, column, count, first row, value and what to do.

    >>> print(listed([Finding("missing-values", "column 'x' is full of holes", "fill it in", "x", 3, 7)]))
    column 'x' is full of holes; fill it in
    """
    if len(findings) == 1:
        return plain(str(findings[0]))
    head = ["rule", "file", "column", "count", "first row", "value", "what to do"]
    rows = [head, *(_cells(finding) for finding in findings[:MOST_FINDINGS])]
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in columns]
    numbers = [column[0] in {"count", "first row"} for column in columns]
    lines = [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ).rstrip()
        for row in zip(*columns, strict=True)
    ]
    rest = len(findings) - MOST_FINDINGS
    return "\n".join([f"{counted(len(findings), 'finding')}, nothing was trained", *lines, *_more(rest)])


def _cells(finding: Finding) -> list[str]:
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


def _more(rest: int) -> list[str]:
    return [f"… and {rest:,} more"] if rest > 0 else []
