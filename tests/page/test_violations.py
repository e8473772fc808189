"""Violations are listed so that they can be fixed one by one: aligned, short, and as plain text."""

from tasks.page.violations import listed
from tasks.table.errors import Violation
from tests.page.examples import HOSTILE

MISSING = Violation(
    "missing-values", "column 'x' has 3 missing values", "fill them in", column="x", count=3, row=1200
)
TEXT = Violation(
    "text-in-numbers",
    "column 'price' …",
    "correct it",
    column="price",
    count=12,
    row=7,
    file="b.csv",
    value="12 kg",
)
FEW = Violation("too-few-rows", "2 rows cannot determine 3 parameters", "add rows", count=2)


def test_one_finding_is_one_line() -> None:
    assert listed([MISSING]) == (
        "column 'x' has 3 missing values; fill them in (rule missing-values, `--warn missing-values` to go on)"
    )


def test_several_are_an_aligned_table() -> None:
    """Numbers to the right; what is no matter of a column or row says so in words; empty columns are left out."""
    assert listed([MISSING, TEXT, FEW]).splitlines() == [
        "3 findings, nothing was trained",
        "rule             file   column  count  first row  value  what to do",
        "missing-values          x           3      1,200         fill them in",
        "text-in-numbers  b.csv  price      12          7  12 kg  correct it",
        "too-few-rows                        2                    2 rows cannot determine 3 parameters; add rows",
    ]
    assert "file" not in listed([MISSING, FEW])


def test_many_are_counted() -> None:
    lines = listed([MISSING] * 60).splitlines()
    assert (len(lines), lines[0], lines[-1]) == (53, "60 findings, nothing was trained", "… and 10 more")


def test_nothing_reaches_the_terminal_raw() -> None:
    """Not from names, values or files, nor from another program's words."""
    hostile = Violation("unreadable-files", HOSTILE, HOSTILE, column=HOSTILE, file=HOSTILE, value=HOSTILE)
    assert all(line.isprintable() for line in listed([hostile, hostile]).splitlines())
    assert listed([hostile]).isprintable()
