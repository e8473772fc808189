"""How SQL is written: literals to the last bit, names and text that cannot break out."""

import math
import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.model.sql_dialect import identifier, literal, text

# SQLite knows neither zero bytes nor lone surrogates in text, and takes a column "true" for the word.
TEXTS = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1).filter(
    lambda text: text.lower() not in {"true", "false"}
)


def selected(sql: str) -> object:
    with closing(sqlite3.connect(":memory:")) as database:
        return database.execute(f"select {sql}").fetchone()[0]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_literal_is_read_back_to_the_last_bit(value: float) -> None:
    """It has an exponent, and brackets where it is negative: `3 - -2` would be a comment in some databases."""
    written = literal(value)
    assert "e" in written
    assert written.startswith("(") == (math.copysign(1, value) < 0)
    assert float(written.strip("()")) == value
    if 1e-290 < abs(value) < 1e290:  # SQLite rounds the outermost ones otherwise
        assert selected(written) == pytest.approx(value, rel=1e-15, abs=0)


@given(TEXTS)
def test_text_and_names_cannot_break_out(value: str) -> None:
    assert selected(text(value)) == value
    assert selected(f"{identifier(value)} from (select 7 as {identifier(value)})") == 7
