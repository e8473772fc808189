"""The checks in words."""

from typing import get_args

import pytest

from tasks.neuron.diagnosis import FailureName
from tasks.outputs.result import CheckName, Finding, ResidualPattern
from tasks.page.blocks import Heading, TableBlock
from tasks.page.diagnosis import CHECKS, advice, diagnosis_section, wrong_lines
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
