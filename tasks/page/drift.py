"""How far features are from a champion's training rows, as a table."""

from collections.abc import Sequence

from tasks.outputs.result import ColumnDrift
from tasks.page.blocks import TableBlock, Text
from tasks.page.coefficients import p_value
from tasks.page.text import named, number

MOST = 20


def drift_table(which: str, found: Sequence[ColumnDrift]) -> TableBlock:
    """Tabulate the features, the furthest first.

    Args:
        which: The rows that are compared, and with which.
        found: How far each feature is.
    """
    by_distance = sorted(found, key=lambda each: (not each.drifted, -each.psi))
    rows: list[list[Text]] = [
        [named(each.name), number(each.psi, 3), p_value(each.p), "yes" if each.drifted else "no"]
        for each in by_distance[:MOST]
    ]
    rest = f", the {len(rows)} of {len(found):,} that are furthest" if len(rows) < len(found) else ""
    return TableBlock(
        f"{which}, by feature, missing values as a value of their own{rest}; drifted: beyond chance (chi-square, rows "
        "taken as independent), and a population stability index (PSI) of at least 0.1.",
        ["feature", "PSI", "p", "drifted"],
        rows,
        "lrrl",
    )
