"""Formulas and dates from the user's table to encoded rows: findings with row and value, and one way for all sizes."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv
from pydantic import ValidationError

from tasks.config import Input, Settings, Split
from tasks.ingest import ingest
from tasks.outputs.parts import TRAIN, read_encoding, read_profile
from tasks.runtime.user_table import check, table_of
from tasks.split import split
from tasks.table.errors import BadTable
from tests.rows import read_table
from tests.table.reading import read, refusal, refused

ROWS = 300
FORMULA = "price ~ area * city + log(income) + C(store) + month(sold_on)"


def sales(rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(0)
    days = np.datetime64("2023-01-01") + rng.integers(0, 700, rows)
    return pa.table(
        {
            "area": rng.uniform(20, 200, rows),
            "city": rng.choice(["Bonn", "Oslo", "Rom"], rows),
            "income": rng.lognormal(10, 1, rows),
            "store": rng.integers(1, 5, rows),
            "sold_on": pa.array(days).cast(pa.date32()),
            "price": rng.normal(size=rows),
        }
    )


def written(path: Path, rows: pa.Table) -> Path:
    csv.write_csv(rows, path) if path.suffix == ".csv" else pq.write_table(rows, path)
    return path


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_columns_are_taken_in_as_a_formula_uses_them(tmp_path: Path, ending: str) -> None:
    """Text is a category without being called one, whole numbers in C() are, and dates are times."""
    rows, facts = read(written(tmp_path / f"t.{ending}", sales()), "price", formula=FORMULA)
    assert rows.column_names == ["area", "city", "income", "store", "sold_on", "price"]
    assert facts["categorical"] == ["city", "store"]
    assert rows.schema.field("sold_on").type == pa.timestamp("us")
    assert rows["sold_on"].cast(pa.date32()).to_pylist() == sales()["sold_on"].to_pylist()
    assert [each["label"] for each in facts["terms"]["variables"]] == [
        *("area", "city", "log(income)", "store", "month(sold_on)")
    ]


def test_dates_are_features_beside_the_others(tmp_path: Path) -> None:
    """The numeric columns stay what they are; those of text are left out as ever."""
    rows, facts = read(written(tmp_path / "t.csv", sales()), "price", dates=["sold_on"])
    assert facts["features"] == ["area", "income", "store", "sold_on"]
    assert facts["within"] == ["sold_on"]
    assert rows.num_rows == ROWS


def spoilt(**columns: dict[int, Any]) -> pa.Table:
    rows = sales()
    for name, cells in columns.items():
        values = [cells.get(number, value) for number, value in enumerate(rows[name].to_pylist())]
        rows = rows.set_column(rows.column_names.index(name), name, pa.array(values))
    return rows


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_row_without_a_logarithm_is_a_finding(tmp_path: Path, ending: str) -> None:
    """With the first row, its value, the count and what to do; as a warning the rows are left out."""
    path = written(tmp_path / f"t.{ending}", spoilt(income={7: -2.5, 20: 0.0}))
    (found,) = refused(path, "price", formula=FORMULA)
    assert (found.rule, found.column, found.row, found.count) == ("uncomputable-terms", "log(income)", 8, 2)
    assert str(found) == (
        "term 'log(income)' has no value in 2 rows, first in row 8, where income = -2.5; "
        "correct or remove those rows, or choose another function"
    )
    rows, facts = read(path, "price", formula=FORMULA, warn=["uncomputable-terms"])
    assert rows.num_rows == ROWS - 2
    assert facts["dropped"] == 2


def test_files_of_a_folder_are_remembered_with_what_has_no_value(tmp_path: Path) -> None:
    """The finding names the file; a second run reads nothing anew and says the same."""
    (tmp_path / "t").mkdir()
    for name, rows in (("a", sales()), ("b", spoilt(income={3: -1.0}))):
        written(tmp_path / "t" / f"{name}.parquet", rows)
    table: dict[str, Any] = {"data": str(tmp_path / "t"), "formula": FORMULA, "warn": ["uncomputable-terms"]}
    notes = [ingest.fn(table_of(Input(**table)), tmp_path / "store").notes for _ in range(2)]
    assert notes[0] == notes[1]
    assert any("first in row 4 of 'b.parquet', where income = -1.0" in note for note in notes[0])


def test_cells_that_hold_no_date_are_findings(tmp_path: Path) -> None:
    """Unless `dates_format` says how they are written."""
    rows = sales()
    iso = [day.isoformat() for day in rows["sold_on"].to_pylist()]
    texts = [day.strftime("%d/%m/%Y") for day in rows["sold_on"].to_pylist()]
    path = written(tmp_path / "t.csv", rows.set_column(4, "sold_on", pa.array(texts)))
    assert refusal(path, "price", dates=["sold_on"]) == (
        f"column 'sold_on' has 300 cells that hold no date, first {texts[0]!r} in row 1; "
        "write dates as 2024-02-13, or set `dates_format`"
    )
    one = written(tmp_path / "one.csv", rows.set_column(4, "sold_on", pa.array(["soon", *iso[1:]])))
    left, facts = read(one, "price", dates=["sold_on"], warn=["unreadable-dates"])
    assert (left.num_rows, facts["dropped"]) == (ROWS - 1, 1)
    found, _ = read(path, "price", dates=["sold_on"], dates_format="%d/%m/%Y")
    assert found["sold_on"].cast(pa.date32()).to_pylist() == rows["sold_on"].to_pylist()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formula": "price ~ areas"}, "`features`: no column is named 'areas'; did you mean 'area'?"),
        (
            {"dates": ["sold"], "target": "price"},
            "`dates`: no column is named 'sold'; did you mean 'sold_on'?",
        ),
        (
            {"dates": ["area"], "target": "price"},
            "column 'area' holds 'double' values; a date is a date or time",
        ),
        ({"dates": ["price"], "target": "price"}, "`dates` include the target 'price'; take it out"),
        ({"formula": "price ~ log(city)"}, "column 'city' holds text"),
        (
            {"formula": "price ~ area", "key": ["area"]},
            "`formula` names 'area', which is a key or weight; leave it out of one of them",
        ),
        ({"formula": "price ~ eval(area)"}, "`formula`: 'eval(area)' calls a function that is not known"),
    ],
)
def test_columns_that_do_not_fit_are_refused_at_the_first_look(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    """Before a run begins."""
    path = written(tmp_path / "t.parquet", sales())
    with pytest.raises(BadTable) as caught:
        check(Input(data=str(path), **given))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"formula": "area"}, "names no target; write target ~ term"),
        (
            {"formula": "y ~ x", "target": "z"},
            "`target` of 'z' is not that of the formula, 'y'; leave it out",
        ),
        ({"formula": "y ~ x", "dates": ["d"]}, "`dates` and `formula` both choose columns"),
        ({"formula": "y ~ x", "exclude": ["d"]}, "`exclude` and `formula` both choose columns"),
        ({"target": "y", "dates_format": "%Y"}, "`dates_format` needs `dates`, or a formula with dates"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, Any], message: str) -> None:
    """In one line, which names the setting."""
    with pytest.raises(ValidationError, match=message):
        Settings.model_validate({"input": {"data": "t.csv", **given}})


def test_a_formula_names_the_target() -> None:
    """Quoted, if need be; so it need not be given."""
    assert Input(data="t.csv", formula=" `net price` ~ area").target == "net price"


def test_rows_in_memory_and_in_parts_become_the_same_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fitted to the training rows alone; the columns' moments agree, as the rows do but for their order."""
    path = written(tmp_path / "t.parquet", sales(3000))
    table = table_of(Input(data=str(path), formula=f"{FORMULA} + poly(area, 2) + scale(income)"))
    options = Split(method="hash", by=("area",))
    whole = split.fn(ingest.fn(table, tmp_path / "a"), options, 0, tmp_path / "a")
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 700)
    in_parts = split.fn(ingest.fn(table, tmp_path / "b"), options, 0, tmp_path / "b")
    assert len(read_table(in_parts, tmp_path / "b", TRAIN)) == len(read_table(whole, tmp_path / "a", TRAIN))
    assert [name for name in in_parts.files if name.startswith("train-")]

    first, second = (read_encoding(each, tmp_path / root) for each, root in ((whole, "a"), (in_parts, "b")))
    assert first.features == second.features
    order = [(name, "ascending") for name in first.features]
    one, other = (
        read_table(each, tmp_path / root, TRAIN).sort_by(order)
        for each, root in ((whole, "a"), (in_parts, "b"))
    )
    by_sums = [name for name in one.column_names if name.startswith(("poly", "scale"))]
    assert len(by_sums) == 3
    assert one.drop_columns(by_sums).to_pydict() == other.drop_columns(by_sums).to_pydict()
    for name in by_sums:  # the order of the sums moves the last bits
        np.testing.assert_allclose(one[name].to_numpy(), other[name].to_numpy(), rtol=1e-12, atol=1e-15)
    assert read_profile(whole, tmp_path / "a").moments.rows == one.num_rows
