"""The few lines that the terminal shows after a run, as plain text."""

from collections.abc import Iterator, Sequence
from pathlib import PurePath

from tasks.outputs.result import PartScores, Result
from tasks.page.coefficients import Coefficient, coefficients, reference_name
from tasks.page.repeats import repeats_line
from tasks.page.text import labels, number, shortened, visible

MOST_WEIGHTS = 8
MOST_NOTES = 3
LONGEST_NAME = 24


def summary(result: Result) -> str:
    """Write coefficients, errors, verdict, notes and the report's path as a few aligned lines."""
    return "\n".join(line.rstrip() for line in _lines(result)) + "\n"


def _lines(result: Result) -> Iterator[str]:
    yield from _coefficient_lines(coefficients(result), result)
    yield from (f"{label:<8}  {text}" for label, text in _facts(result))


def _facts(result: Result) -> Iterator[tuple[str, str]]:
    yield "RMSE", _errors(result.metrics)
    if result.rounding_rmse is not None:
        yield "", f"{number(result.rounding_rmse, 4)}: rounding error of the targets (not a model error)"
    yield "baseline", f"{_errors(result.baseline)}: RMSE of predicting the training mean"
    yield "fit", visible(result.verdict.text)
    if result.answers is not None:
        yield "usable?", visible(result.answers.usable)
        yield "changed?", visible(result.answers.changed)
        yield from zip(
            ("to do", *[""] * MOST_NOTES), map(visible, result.answers.advice[:MOST_NOTES]), strict=False
        )
    if result.decision is not None:
        yield "decision", visible(result.decision.text)
        if result.decision.drift_text:
            yield "", visible(result.decision.drift_text)
    if result.repeats:
        yield "repeats", repeats_line(result.repeats)
    yield from (("note", visible(note)) for note in result.notes[:MOST_NOTES])
    if len(result.notes) > MOST_NOTES:
        yield "", f"… and {len(result.notes) - MOST_NOTES:,} more notes in the report"
    page = PurePath(result.report).with_suffix(".html")
    yield "report", visible(str(PurePath(str(result.settings.get("artifacts", "")), page)))


def _coefficient_lines(listed: Sequence[Coefficient], result: Result) -> Iterator[str]:
    weights = [coefficient for coefficient in listed if not coefficient.is_bias]
    shown = [*weights[:MOST_WEIGHTS], *(coefficient for coefficient in listed if coefficient.is_bias)]
    names = labels([each.name for each in listed], LONGEST_NAME)
    header = [shortened(visible(result.target), LONGEST_NAME), "estimate", "true", reference_name(result)]
    rows = [header, *(_cells(names[each.name], each) for each in shown)]
    if all(coefficient.true is None for coefficient in listed):
        rows = [[*row[:2], row[3]] for row in rows]
    lines = _aligned(rows)
    rest = len(weights) - MOST_WEIGHTS
    if rest > 0:
        lines.insert(1 + MOST_WEIGHTS, f"… and {rest:,} more")
    yield from lines


def _cells(name: str, coefficient: Coefficient) -> list[str]:
    return [name, *map(number, (coefficient.estimate, coefficient.true, coefficient.least_squares))]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align the first column left, under the labels of the lines that follow, and the others right."""
    first, *widths = (max(map(len, column)) for column in zip(*rows, strict=True))
    return ["  ".join([row[0].ljust(max(first, 8)), *map(str.rjust, row[1:], widths)]) for row in rows]


def _errors(parts: PartScores) -> str:
    both = {"train": parts.train, "test": parts.test}
    return ", ".join(
        f"{part} {number(scores.rmse, 4)} ({scores.rows:,} rows)" for part, scores in both.items() if scores
    )
