"""The checks in words."""

from typing import get_args

import pytest

from tasks.neuron.diagnosis import FailureName
from tasks.outputs.result import CheckName, Finding, ResidualPattern, SegmentErrors, Segments, WorstRow
from tasks.page.blocks import Heading, TableBlock
from tasks.page.diagnosis import (
    CHECKS,
    advice,
    diagnosis_section,
    segment_section,
    worst_section,
    wrong_lines,
)
from tests.page.examples import result_of


def finding(check: CheckName, *, wrong: bool = True, subject: str = "x|y") -> Finding:
    return Finding(check=check, figure=12.345, p=None, wrong=wrong, subject=subject)


def test_every_check_has_its_words() -> None:
    assert set(get_args(CheckName)) == set(get_args(FailureName)) == set(CHECKS)


@pytest.mark.parametrize("check", get_args(CheckName))
def test_advice_is_one_line_with_figure_and_remedy(check: CheckName) -> None:
    line = advice(finding(check))
    assert "12" in line
    assert line.endswith(".")
    assert ": " in line
    assert "\n" not in line
    assert len(line) < 160


def test_the_section_is_a_row_a_check_and_absent_without() -> None:
    heading, table = diagnosis_section([finding("inflation"), finding("order", wrong=False)])
    assert heading == Heading(2, "Diagnosis")
    assert isinstance(table, TableBlock)
    assert [row[-1] for row in table.rows] == [advice(finding("inflation")), "fine"]
    assert list(diagnosis_section([])) == []


def test_what_is_wrong_is_said_once() -> None:
    """Not what a pattern of the residuals says already, nor what robust errors have mended."""
    findings = [
        finding("spread"),
        finding("standard errors"),
        finding("order", wrong=False),
        finding("influence"),
    ]
    result = result_of().model_copy(update={"diagnosis": findings})
    assert len(list(wrong_lines(result))) == 3
    fan = result.model_copy(update={"patterns": [ResidualPattern(name="fan", correlation=0.5)]})
    assert list(wrong_lines(fan)) == [advice(findings[1]), advice(findings[3])]
    robust = result.least_squares.model_copy(update={"kind": "HC3"})
    mended = fan.model_copy(update={"least_squares": robust})
    assert list(wrong_lines(mended)) == [advice(findings[3])]


def test_segments_are_a_table_of_the_worst_ten() -> None:
    errors = [
        SegmentErrors(column="city|", label=f"<{place}>", rows=40, rmse=20 - place, mean=-0.5)
        for place in range(12)
    ]
    heading, table = segment_section(Segments(part="test", rows=480, rmse=10.0, errors=errors))
    assert heading == Heading(2, "Errors by segment")
    assert isinstance(table, TableBlock)
    assert len(table.rows) == 10
    assert table.rows[0] == ["city|", "<0>", "40", "20", "2", "-0.5"]
    assert "480 test rows, whose RMSE is 10" in str(table.caption)
    assert list(segment_section(None)) == []


@pytest.mark.parametrize(
    ("row", "keyed", "said"),
    [
        ("A-7", True, "by their `key`"),
        ("1,003", False, "counted from 1"),
        ("", False, "set `key` to name them"),
    ],
)
def test_the_worst_rows_are_known_by_key_or_number(row: str, keyed: bool, said: str) -> None:
    worst = [WorstRow(part="test", row=row, actual=3.0, predicted=5.5)]
    _, table = worst_section(worst, keyed)
    assert isinstance(table, TableBlock)
    assert table.rows == [[row or "–", "test", "3", "5.5", "-2.5"]]
    assert said in str(table.caption)
    assert list(worst_section([], keyed)) == []
