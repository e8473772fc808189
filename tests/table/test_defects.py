"""Defects seeded into a sound table: each is found by its rule, with column, count, row and value, and nothing else."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

from tasks.table.rules import HARMLESS, Rule
from tests.table.reading import read, refusal, refused

RNG = np.random.default_rng(0)
ROWS = 60
SOUND = pd.DataFrame(
    {
        "x": RNG.normal(size=ROWS),
        "n": RNG.integers(0, 9, ROWS),
        "k": RNG.choice(["a", "b", "c"], ROWS),
        "y": RNG.normal(size=ROWS),
    }
)

Frames = dict[str, pd.DataFrame | bytes]
# Rule, column, count, first row, file or value.
Found = tuple[str, str | None, int | None, int | None, str | None]


def one(**columns: Any) -> Frames:
    """Return the sound table with some columns replaced, as one file."""
    return {"t.parquet": SOUND.assign(**columns)}


def cell(column: str, row: int, value: object) -> Frames:
    """Return the sound table with one cell replaced, counted from 1, as CSV."""
    values = [value if number == row else each for number, each in enumerate(SOUND[column], start=1)]
    return {"t.csv": SOUND.assign(**{column: pd.Series(values, dtype=object)})}


def two(second: pd.DataFrame | bytes, name: str = "b.parquet") -> Frames:
    """Return a folder of two files, the first of them sound."""
    return {name.replace("b.", "a."): SOUND, name: second}


def text(edit: Callable[[list[str]], list[str]]) -> Frames:
    """Return the sound table as CSV with its lines edited."""
    return {"t.csv": "".join(edit(SOUND.to_csv(index=False).splitlines(keepends=True))).encode()}


def parquet() -> bytes:
    return SOUND.to_parquet()


DEFECTS: dict[str, tuple[Frames, Found]] = {
    "an empty cell": (cell("x", 7, None), ("missing-values", "x", 1, 7, None)),
    "a cell NA": (cell("x", 7, "NA"), ("missing-values", "x", 1, 7, None)),
    "NaN in Parquet": (one(x=SOUND["x"].where(SOUND.index % 2 == 0)), ("missing-values", "x", 30, 2, None)),
    "nulls in a nullable column": (
        one(n=SOUND["n"].astype("Int64").where(SOUND.index != 4)),
        ("missing-values", "n", 1, 5, None),
    ),
    "a missing target": (cell("y", 60, None), ("missing-target", "y", 1, 60, None)),
    "infinity in CSV": (cell("x", 3, "inf"), ("infinite-values", "x", 1, 3, None)),
    "minus infinity in Parquet": (
        one(x=SOUND["x"].where(SOUND.index != 0, -np.inf)),
        ("infinite-values", "x", 1, 1, None),
    ),
    "an infinite target": (cell("y", 9, "-Infinity"), ("infinite-values", "y", 1, 9, None)),
    "a typing error": (cell("x", 8, "1.2.3"), ("text-in-numbers", "x", 1, 8, "1.2.3")),
    "a unit": (cell("x", 8, "12 kg"), ("text-in-numbers", "x", 1, 8, "12 kg")),
    "a formula's error": (cell("x", 8, "#DIV/0!"), ("text-in-numbers", "x", 1, 8, "#DIV/0!")),
    "a decimal comma among points": (cell("x", 8, "1,5"), ("text-in-numbers", "x", 1, 8, "1,5")),
    "text in the target": (cell("y", 8, "none"), ("text-in-numbers", "y", 1, 8, "none")),
    "an escape sequence": (cell("x", 8, "\x1b[31m"), ("text-in-numbers", "x", 1, 8, "\x1b[31m")),
    "numbers stored as text": (one(x=SOUND["x"].astype(str)), ("text-in-numbers", "x", None, None, None)),
    "points between thousands, or before decimals": (
        {
            "t.csv": pd.DataFrame({"n": ["5.201", *range(1, ROWS)], "y": range(ROWS)}).assign(
                x=[number % 7 for number in range(ROWS)]
            )
        },
        ("ambiguous-numbers", "n", None, None, "5.201"),
    ),
    "a percent sign in every cell": (
        {"t.csv": SOUND.assign(n=SOUND["n"].astype(str) + "%")},
        ("detected", "n", None, None, None),
    ),
    "a text file beside": (
        {"t.csv": SOUND, "more.txt": b"x,n,k,y\n1,2,a,3\n"},
        ("passed-over", None, 1, None, None),
    ),
    "a row too long": (
        text(lambda lines: [*lines[:5], "1,2,a,3,4\n", *lines[5:]]),
        ("irregular-rows", None, 1, 5, "1,2,a,3,4"),
    ),
    "rows too short": (
        text(lambda lines: [*lines, "1,2\n", "1\n"]),
        ("irregular-rows", None, 2, 61, "1,2"),
    ),
    "a doubled name": (
        text(lambda lines: ["x,n,n,y\n", *lines[1:]]),
        ("duplicate-names", "n", 2, None, None),
    ),
    "an empty name": (
        text(lambda lines: ["x,,k,y\n", *lines[1:]]),
        ("unnamed-columns", "", 1, None, None),
    ),
    "the index of pandas": (
        {"t.parquet": SOUND.sample(ROWS, random_state=0)},
        ("unnamed-columns", "__index_level_0__", None, None, None),
    ),
    "a constant target": (one(y=2.5), ("constant-target", "y", None, None, "2.5")),
    "a constant feature": (one(n=3), ("constant-columns", "n", None, None, "3")),
    "the target copied": (one(n=SOUND["y"]), ("copied-target", "n", None, None, None)),
    "the target in another unit": (one(n=9 - 1000 * SOUND["y"]), ("copied-target", "n", None, None, None)),
    "a feature doubled": (one(z=SOUND["x"]), ("duplicate-columns", "z", None, None, None)),
    "a feature in another unit": (one(z=32 + 1.8 * SOUND["x"]), ("duplicate-columns", "z", None, None, None)),
    "text in one file, numbers in the other": (
        two(SOUND.assign(x=[f"c{row}" for row in range(ROWS)])),
        ("mixed-types", "x", None, None, "b.parquet"),
    ),
    "fractions in one file, whole numbers in the other": (
        two(SOUND.assign(n=SOUND["n"] + 0.5)),
        ("mixed-types", "n", None, None, "b.parquet"),
    ),
    "a column added": (two(SOUND.assign(z=SOUND["x"] ** 2)), ("mixed-types", "z", None, None, "b.parquet")),
    "a column that the second file lacks": (
        two(SOUND.drop(columns="x")),
        ("mixed-types", "x", None, None, "b.parquet"),
    ),
    "a truncated Parquet file": (two(parquet()[:-10]), ("unreadable-files", None, None, None, "b.parquet")),
    "Parquet with its middle torn out": (
        two(parquet()[:100] + b"\0" * 1500 + parquet()[1600:]),
        ("unreadable-files", None, None, None, "b.parquet"),
    ),
    "an empty file": (two(b"", "b.csv"), ("unreadable-files", None, None, None, "b.csv")),
    "a workbook named CSV": (
        two(b"PK\x03\x04....", "b.csv"),
        ("unreadable-files", None, None, None, "b.csv"),
    ),
}

FATAL: dict[str, tuple[Frames, Found]] = {
    "no such target": ({"t.parquet": SOUND.drop(columns="y")}, ("unknown-column", "y", None, None, None)),
    "a target of text": (one(y="high"), ("unusable-column", "y", None, None, None)),
    "a target of dates": (one(y=datetime.date(2024, 1, 1)), ("unusable-column", "y", None, None, None)),
    "an empty target": (one(y=np.nan), ("unusable-column", "y", ROWS, None, None)),
    "an empty feature": (one(x=np.nan), ("unusable-column", "x", ROWS, None, None)),
    "no rows": ({"t.csv": SOUND[:0]}, ("too-few-rows", None, 0, None, None)),
    "more parameters than rows": ({"t.csv": SOUND[:2]}, ("too-few-rows", None, 2, None, None)),
    "a column named bias": (one(bias=SOUND["x"] * SOUND["n"]), ("reserved-name", "bias", None, None, None)),
}


def written(tmp_path: Path, frames: Frames) -> Path:
    """Write the files; return the one file, or the folder."""
    for name, content in frames.items():
        if isinstance(content, bytes):
            (tmp_path / name).write_bytes(content)
        elif name.endswith(".csv"):
            content.to_csv(tmp_path / name, index=False)
        else:
            content.to_parquet(tmp_path / name)
    return tmp_path if len(frames) > 1 else tmp_path / next(iter(frames))


def assert_found(frames: Frames, path: Path, expected: Found) -> None:
    """Compare what is found with what was seeded."""
    rule, column, count, row, value = expected
    findings = refused(path)
    (found,) = [finding for finding in findings if finding.rule == rule]
    assert (found.column, found.count, found.row) == (column, count, row)
    assert value is None or value in {found.value, found.file}
    assert found.remedy
    if len(frames) == 1:
        assert len(findings) == 1


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_defect_is_found_by_its_rule_and_can_be_a_warning(tmp_path: Path, defect: str) -> None:
    """As a warning it stands in the notes, and the affected cells or columns are dropped; the sound rows stay."""
    frames, expected = DEFECTS[defect]
    path = written(tmp_path, frames)
    also = ("text-in-numbers", "missing-values") if expected[0] == "mixed-types" else ()
    if expected[0] not in HARMLESS:
        assert_found(frames, path, expected)
    table, facts = read(path, warn=(expected[0], *also))
    assert [
        note for note in facts["notes"] if not note.startswith("left out")
    ]  # the column of text is, always
    assert len(table) >= ROWS - (expected[2] or 0)


@pytest.mark.parametrize("defect", [name for name, (_, found) in DEFECTS.items() if found[0] in HARMLESS])
def test_strictly_nothing_is_harmless(tmp_path: Path, defect: str) -> None:
    """What is a note otherwise is refused, unless its rule is accepted by name."""
    frames, expected = DEFECTS[defect]
    path = written(tmp_path, frames)
    rules = {finding.rule for finding in refused(path, strict=True)}
    assert rules - {"left-out"} == {expected[0]}  # the column of text is left out, always
    read(path, strict=True, warn=(expected[0], "left-out"))


@pytest.mark.parametrize("defect", FATAL)
def test_what_no_fit_can_do_without_is_always_refused(tmp_path: Path, defect: str) -> None:
    """With every rule a warning."""
    frames, expected = FATAL[defect]
    path = written(tmp_path, frames)
    assert_found(frames, path, expected)
    assert expected[0] in {finding.rule for finding in refused(path, warn=get_args(Rule))}


def test_every_rule_has_a_defect_that_breaks_it() -> None:
    """So that none is forgotten; some have tests of their own: what a run before was like matters to most of these."""
    elsewhere = {"exact-fit", "left-out", "removed-columns", "retyped-columns", "added-columns", "drift"}
    elsewhere |= {"unreadable-dates", "uncomputable-terms"}  # which need settings: test_terms_of_tables.py
    assert {expected[0] for _, expected in DEFECTS.values()} == {*get_args(Rule)} - elsewhere
    assert len(DEFECTS) + len(FATAL) >= 30


def test_defects_of_several_kinds_and_files_come_together(tmp_path: Path) -> None:
    """One run says everything, with the file where there are many."""
    broken = SOUND.assign(x=SOUND["x"].where(SOUND.index != 3), y=SOUND["y"].where(SOUND.index != 5, np.inf))
    SOUND.to_csv(tmp_path / "a.csv", index=False)
    broken.to_csv(tmp_path / "b.csv", index=False)
    (tmp_path / "c.csv").write_bytes(b"")
    (tmp_path / "d.csv").write_text(SOUND.to_csv(index=False).replace("\n", "\nbad,1,2,3\n", 1))
    found = {(each.rule, each.column, each.row, each.file) for each in refused(tmp_path)}
    assert found == {
        ("unreadable-files", None, None, "c.csv"),
        ("missing-values", "x", 4, "b.csv"),
        ("infinite-values", "y", 6, "b.csv"),
        ("text-in-numbers", "x", 1, "d.csv"),
    }


def test_names_and_values_are_judged_together(tmp_path: Path) -> None:
    """A doubled name does not hide what is wrong in other columns."""
    broken = SOUND.assign(z=SOUND["x"], w=SOUND["y"] ** 2, y=SOUND["y"].where(SOUND.index != 5, np.inf))
    lines = broken.astype({"n": object}).to_csv(index=False).splitlines()
    lines[0] = "x,n,,y,x,w"
    lines[9] = "1,oops,a,2,3,4"
    (tmp_path / "t.csv").write_text("\n".join(lines))
    assert [(finding.rule, finding.column) for finding in refused(tmp_path / "t.csv")] == [
        ("duplicate-names", "x"),
        ("unnamed-columns", ""),
        ("text-in-numbers", "n"),
        ("infinite-values", "y"),
    ]


LATE: dict[str, tuple[list[str], str | None]] = {
    "thousands or decimals": (["6.953"], "'6.953' in row 4,001"),
    "several of them": (["6.953", "1.250"], "'6.953' in row 4,001"),
    "another kind of fraction": (["6.953", "1.5"], None),
    "long whole numbers": (["6.953", "1250"], None),
    "decimals": (["6.95"], None),
    "below one": (["0.953"], None),
    "with a sign": (["-6.953"], "'-6.953' in row 4,001"),
}


@pytest.mark.parametrize("case", LATE)
def test_a_point_below_the_rows_that_were_looked_at_is_no_guess(tmp_path: Path, case: str) -> None:
    """Where only whole numbers below a thousand came before, it may stand between thousands: row and value are said."""
    cells, found = LATE[case]
    rows = [f"{number % 900},{number % 7}" for number in range(4000)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *rows, *(f"{cell},3" for cell in cells)]) + "\n")
    if found is None:
        assert read(tmp_path / "t.csv")[0]["x"][4000].as_py() == float(cells[0])
        return
    assert refusal(tmp_path / "t.csv") == (
        f"column 'x' has {found} beside whole numbers: '.' may stand between thousands or before decimals; "
        "set `thousands` to '.' or `decimal` to '.'"
    )
    assert read(tmp_path / "t.csv", decimal=".")[0]["x"][4000].as_py() == float(cells[0])
    thousands = read(tmp_path / "t.csv", thousands=".")[0]["x"][4000].as_py()
    assert thousands == float(cells[0].replace(".", ""))
    noted = read(tmp_path / "t.csv", warn="ambiguous-numbers")[1]["notes"]
    assert found in noted[0]
