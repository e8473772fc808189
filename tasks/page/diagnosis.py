"""The checks of a fit's assumptions in words: figure, threshold, and what to do where something is wrong."""

from collections.abc import Iterator, Sequence

from tasks.outputs.result import CheckName, Finding, Result, Segments, WorstRow
from tasks.page.blocks import Block, Heading, TableBlock
from tasks.page.coefficients import p_value
from tasks.page.text import named, number

SHOWN = 10  # segments in the report; the result has more

# What is checked, and from where on it is wrong.
CHECKS: dict[CheckName, tuple[str, str]] = {
    "inflation": ("the weights can be separated from each other (variance inflation)", "above 10"),
    "spread": ("errors are of equal size (Breusch–Pagan: R² of their squares)", "above 0.02, p < 0.01"),
    "order": ("neighbouring rows are independent (Durbin–Watson)", "outside 1.5 to 2.5, p < 0.01"),
    "normality": ("errors are normal (correlation of the Q–Q plot)", "below 0.97, p < 0.01"),
    "curvature": ("the relation is straight (RESET: share that powers explain)", "above 0.02, p < 0.01"),
    "influence": ("no row decides the fit (largest Cook's distance)", "above 1"),
    "standard errors": ("standard errors hold (HC3 / classic)", "outside 1/1.5 to 1.5"),
    "segment": ("errors are alike everywhere (worst segment / all)", "above 1.5"),
}


def diagnosis_section(findings: Sequence[Finding]) -> Iterator[Block]:
    """Tabulate the checks."""
    if not findings:
        return
    yield Heading(2, "Diagnosis")
    yield TableBlock(
        "What least squares assumes, checked on the training rows, of large tables on a sample of them.",
        ["what should hold", "found", "p", "wrong if", "so"],
        [
            [
                CHECKS[each.check][0],
                number(each.figure, 3) + (f", {_subject(each)}" if each.subject else ""),
                p_value(each.p),
                CHECKS[each.check][1],
                advice(each) if each.wrong else "fine",
            ]
            for each in findings
        ],
        "lrrll",
    )


def segment_section(found: Segments | None) -> Iterator[Block]:
    """Tabulate the segments with the largest errors."""
    if found is None or not found.errors:
        return
    part = "test" if found.part == "test" else "training"
    yield Heading(2, "Errors by segment")
    yield TableBlock(
        f"The {min(len(found.errors), SHOWN)} segments with the largest errors, among the levels of categories and the "
        f"tenths of numbers, over {found.rows:,} {part} rows, whose RMSE is {number(found.rmse, 4)}. On average: the "
        "mean of target − prediction there.",
        ["column", "segment", "N", "RMSE", "times all", "on average"],
        [
            [
                named(each.column),
                named(each.label),
                f"{each.rows:,}",
                number(each.rmse, 4),
                number(each.rmse / found.rmse if found.rmse else None, 3),
                number(each.mean, 3),
            ]
            for each in found.errors[:SHOWN]
        ],
        "llrrrr",
    )


def worst_section(worst: Sequence[WorstRow], keyed: bool) -> Iterator[Block]:
    """Tabulate the rows with the largest errors.

    Args:
        worst: The rows.
        keyed: Whether they are known by a key.
    """
    if not worst:
        return
    if keyed:
        known = "Rows are known by their `key`."
    elif worst[0].row:
        known = "Rows are counted from 1 in the data, without those that were left out; with `key` they have a name."
    else:
        known = "The rows of a large table lie in random order: set `key` to name them."
    yield Heading(2, "Worst rows")
    yield TableBlock(
        f"The {len(worst)} largest errors. {known}",
        ["row", "part", "actual", "predicted", "actual − predicted"],
        [
            [
                named(each.row) if each.row else "–",
                each.part,
                number(each.actual),
                number(each.predicted),
                number(each.actual - each.predicted, 4),
            ]
            for each in worst
        ],
        "llrrr",
    )


def wrong_lines(result: Result) -> Iterator[str]:
    """Say in one line each what is wrong and what to do; what the patterns of the residuals say already is left out."""
    known = {"fan": "spread", "curve": "curvature"}
    said = {known[pattern.name] for pattern in result.patterns}
    if result.ridge or result.least_squares.kind != "classic":
        said.add("standard errors")
    if result.ridge:
        said.add("inflation")
    for each in result.diagnosis:
        if each.wrong and each.check not in said:
            yield advice(each)


def advice(finding: Finding) -> str:
    """Say what is wrong, with its figure, and what to do."""
    figure, subject = number(finding.figure, 2), _subject(finding)
    lines: dict[CheckName, str] = {
        "inflation": f"The weight of {subject} can hardly be separated from the others (variance inflation {figure}): "
        "`exclude` a column that says the same, or set `l2`.",
        "spread": f"Errors differ in size (Breusch–Pagan: {figure} of their squares explained): set `standard_errors` "
        "to HC3, predict with conformal intervals.",
        "order": f"Neighbouring rows depend on each other (Durbin–Watson {figure}): set `method` to time or group, and "
        "cluster the standard errors.",
        "normality": f"Errors are not normal (Q–Q correlation {figure}): predict with `interval_kind` conformal.",
        "curvature": f"The relation is curved (RESET: powers explain {figure} of what is left): add a square or a "
        "logarithm of a feature.",
        "influence": f"A single row decides the fit (Cook's distance {figure}{f', {subject}' if subject else ''}): "
        "check that it is right.",
        "standard errors": f"The standard error of {subject} is off (HC3 is {figure} times the classic one): set "
        "`standard_errors` to HC3.",
        "segment": f"Errors are {figure} times the usual for {subject}: look for what is particular there.",
    }
    return lines[finding.check]


def _subject(finding: Finding) -> str:
    if not finding.subject:
        return ""
    return f"training row {finding.subject}" if finding.check == "influence" else named(finding.subject)
