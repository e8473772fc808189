"""Text and numbers before any markup: nothing invisible, nothing endless, no digit lost."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.page.text import data_uri, number, shortened, visible


@pytest.mark.parametrize(
    "character", ["\n", "\r", "\x00", "\x1b", "\x85", "\u2028", "\u202e", "\ud800", "\ufeff"]
)
def test_invisible_characters_are_shown_as_code_points(character: str) -> None:
    """No line break, terminal sequence or change of reading direction gets through."""
    assert character not in visible(f"a{character}b")
    assert visible(f"a{character}b").isascii()


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (2.0, 6, "2"),
        (-0.0, 6, "0"),
        (1234567.8, 3, "1234568"),
        (9.9999999, 6, "10"),
        (0.00012345, 3, "0.000123"),
        (0.00001, 6, "1e-5"),
        (-6.0213e-6, 2, "-6e-6"),
        (1.5e300, 6, "1.5e300"),
        (120000.0, 6, "120000"),
        (float("nan"), 6, "nan"),
        (float("-inf"), 6, "-inf"),
        (None, 6, "–"),
    ],
)
def test_numbers_have_significant_digits(value: float | None, digits: int, text: str) -> None:
    """No digit before the point is rounded away, no zero pads, extremes get an exponent."""
    assert number(value, digits) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_keep_their_value(value: float) -> None:
    """What is written reads back as the same number, to its digits."""
    assert float(number(value)) == pytest.approx(value, rel=1e-5)


def test_text_is_cut_only_when_too_long() -> None:
    """An ellipsis takes the place of the rest."""
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abcde…"


def test_a_data_uri_holds_the_picture() -> None:
    """The bytes come back from the link."""
    kind, payload = data_uri(b"\x89PNG").split(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(payload) == b"\x89PNG"
