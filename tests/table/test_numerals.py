"""How numbers are written: every format in every column, one reading or none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.table.numerals import Notation, evidence, numerals
from tests.table.reading import read, refused

VALUES = [6953.5, 378.25, 12.5, 1234567.75, -2001.5, 0.5]

Format = Callable[[float], str]


def grouped(value: float, thousands: str, decimal: str) -> str:
    whole, _, rest = f"{value:,.2f}".partition(".")
    return whole.replace(",", thousands) + decimal + rest


FORMATS: dict[str, tuple[Format, str]] = {
    "plain": (lambda value: f"{value:.2f}", "."),
    "decimal comma": (lambda value: f"{value:.2f}".replace(".", ","), ","),
    "English": (lambda value: grouped(value, ",", "."), "."),
    "German": (lambda value: grouped(value, ".", ","), ","),
    "Swiss": (lambda value: grouped(value, "'", "."), "."),
    "printed Swiss": (lambda value: grouped(value, "’", "."), "."),
    "French": (lambda value: grouped(value, "\u00a0", ","), ","),
    "printed French": (lambda value: grouped(value, "\u202f", ","), ","),
    "blanks": (lambda value: grouped(value, " ", ","), ","),
    "percent": (lambda value: f"{value:.2f}%", "."),
    "percent apart": (lambda value: f"{value:.2f} %".replace(".", ","), ","),
    "dollars": (lambda value: f"${grouped(value, ',', '.')}".replace("$-", "-$"), "."),
    "euros": (lambda value: f"{grouped(value, '.', ',')} €", ","),
    "Fortran": (lambda value: f"{value:.9E}".replace("E", "D"), "."),
    "exponents": (lambda value: f"{value:.9e}", "."),
    "a printed minus": (lambda value: f"{value:.2f}".replace("-", "−"), "."),
}


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_every_format_in_every_column(tmp_path: Path, name: str, place: int, delimiter: str) -> None:
    """A feature, another one or the target: the numbers are right, and what was detected is said."""
    write, decimal = FORMATS[name]
    plain: Format = FORMATS["decimal comma" if decimal == "," else "plain"][0]
    columns = [
        [4.25, 1.5, -3.75, 8.25, 0.5, 2.75],
        [0.25, 9.5, 3.5, -1.5, 4.75, 7.25],
        [1.5, 0.25, 6.5, 3.75, 2.5, 5.5],
    ]
    columns[place] = VALUES
    cells = [
        [write(value) if number == place else plain(value) for value in column]
        for number, column in enumerate(columns)
    ]
    lines = [delimiter.join(row) for row in (("a", "b", "y"), *zip(*cells, strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    table, facts = read(tmp_path / "t.csv")
    np.testing.assert_allclose(
        np.column_stack([table[each].to_numpy() for each in "aby"]), np.column_stack(columns), rtol=1e-9
    )
    assert len(facts["notes"]) == (decimal == ",") + (name not in PLAIN)


PLAIN = {"plain", "decimal comma", "Fortran", "exponents", "a printed minus"}


@pytest.mark.parametrize("sign", [".", ","])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_three_digits_beside_whole_numbers_are_never_read_in_silence(
    tmp_path: Path, sign: str, place: int
) -> None:
    """In no column; and either reading is one setting away."""
    columns = [
        [number * 7 % 11 for number in range(20)],
        [*range(20)],
        [number * 3 % 17 for number in range(20)],
    ]
    cells = [[str(value) for value in column] for column in columns]
    cells[place][4] = f"6{sign}953"
    lines = [";".join(row) for row in (("a", "b", "y"), *zip(*cells, strict=True))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    (finding,) = refused(tmp_path / "t.csv")
    assert (finding.rule, finding.column, finding.value) == (
        "ambiguous-numbers",
        "aby"[place],
        f"6{sign}953",
    )
    for setting, value in (("thousands", 6953), ("decimal", 6.953)):
        assert read(tmp_path / "t.csv", **{setting: sign})[0]["aby"[place]][4].as_py() == value


@given(
    st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=8),
    st.sampled_from([(".", ","), (",", "."), (".", "'"), (",", " "), (".", "")]),
)
def test_what_is_given_is_read_so(values: list[float], signs: tuple[str, str]) -> None:
    """Any numbers, written with any pair of signs that are given: each matches the notation's pattern."""
    import re

    decimal, thousands = signs
    found = numerals(
        {"x": [grouped(float(value), thousands, decimal) for value in values]}, decimal, thousands or None
    )
    pattern = re.compile(found.of("x").pattern)
    assert all(pattern.match(grouped(float(value), thousands, decimal)) for value in values)


@pytest.mark.parametrize(
    "cells",
    [
        ["192.168.100.101", "10.0.0.1"],
        ["1.2.3", "1.10.0"],
        ["12.05.2024", "31.12.2023"],
        ["12,34,56"],
        ["1,23,456"],
    ],
)
def test_what_only_looks_like_groups_is_text(cells: list[str]) -> None:
    """Addresses, versions, dates and lists are no numbers."""
    assert numerals({"x": cells}).of("x") == Notation(".")
    assert evidence(cells, "." if "." in cells[0] else ",").repeated == ""


@pytest.mark.parametrize("cells", [["12%", "12"], ["12", "12%"], ["$5", "5"], ["5", "5 €"]])
def test_where_some_cells_have_no_unit_there_is_none(cells: list[str]) -> None:
    """A cell without the sign may be a hundred times as much."""
    assert numerals({"x": cells}).of("x").unit == ""
