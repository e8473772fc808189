"""What is wrong with a table is said in one line, however much it is and whatever it holds."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.errors import MOST_SAID, BadTable, Violation, printable, quoted, raise_on_errors
from tasks.table.rules import HARMLESS


def breach(rule: str, number: int = 1) -> Violation:
    return Violation(rule, f"column {number} is bad", "mend it")  # type: ignore[arg-type]


def test_harmless_breaches_and_those_of_accepted_rules_are_warnings() -> None:
    harmless = [breach(rule) for rule in sorted(HARMLESS)]
    assert raise_on_errors(harmless) == tuple(harmless)
    accepted = breach("missing-values")
    assert raise_on_errors([accepted, *harmless], {"missing-values"}) == (accepted, *harmless)


def test_errors_are_raised_without_the_warnings() -> None:
    with pytest.raises(BadTable) as caught:
        raise_on_errors([breach("drift"), breach("missing-values"), breach("mixed-types")], {"mixed-types"})
    assert [each.rule for each in caught.value.violations] == ["missing-values"]


@pytest.mark.parametrize("count", [1, 2, MOST_SAID, MOST_SAID + 1, 10_000])
def test_one_line_says_how_many_there_are_and_does_not_grow_without_end(count: int) -> None:
    line = str(BadTable(*(breach("missing-values", number) for number in range(count))))
    assert line.count("; mend it") == min(count, MOST_SAID)
    assert "\n" not in line
    assert (f"{count:,}" in line) == (count > 1)
    assert (f"and {count - MOST_SAID:,} more" in line) == (count > MOST_SAID)


def test_it_survives_another_process() -> None:
    """Prefect hands a stage's error on by pickling it."""
    error = BadTable(breach("missing-values"), "`target` of 'y' is not there; name a column")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301
    assert again.violations == error.violations
    assert str(again) == str(error)


@given(st.text())
def test_words_of_others_never_leave_their_line_nor_reach_the_terminal_raw(text: str) -> None:
    for said in (quoted(text), printable(text)):
        assert said.isprintable()
    assert len(quoted(text)) <= 60
