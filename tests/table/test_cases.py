"""Tables as people have them: least squares on what is read have the right digits, the rest is refused in words."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pytest

from tests.paths import DATA
from tests.table.reading import read, refusal

CASES = DATA / "cases"

Weights = dict[str, float]


def fitted(name: str, target: str = "y", **given: Any) -> tuple[Weights, float, int, list[str]]:
    """Take a case in; return its exact weights and bias, the RMSE, how many rows there are, and the notes."""
    table, facts = read(CASES / name, target, **given)
    frame = table.to_pandas().dropna()
    design = pd.get_dummies(
        frame.drop(columns=target), columns=list(facts["categorical"]), drop_first=True, prefix_sep="="
    ).astype(float)
    design["bias"] = 1.0
    weights, *_ = np.linalg.lstsq(design.to_numpy(), frame[target].to_numpy(float), rcond=None)
    rmse = float(np.sqrt(np.mean((frame[target] - design.to_numpy() @ weights) ** 2)))
    return dict(zip(design.columns, weights.tolist(), strict=True)), rmse, len(frame), facts["notes"]


RIGHT: dict[str, tuple[str, str, dict[str, Any], Weights, float, int, str]] = {
    "other compressions": (
        "compressed-old-nights/nights",
        "y",
        {},
        {"x": 2.00823, "n": 0.501569, "bias": -0.005999},
        0.1019,
        120,
        "",
    ),
    "3 and 3.0": (
        "store-as-1-and-1.0/nights",
        "y",
        {"categorical": "store", "missing": "drop"},
        {"store=2": 4.98114, "store=3": 9.96315, "x": 2.00302, "bias": 5.01999},
        0.08937,
        59,
        "29 cells such as 3.0 read as 3, one level",
    ),
    "points between thousands": (
        "german-thousands/umsatz.csv",
        "preis",
        {"thousands": "."},
        {"flaeche": 2.99088, "umsatz": 0.0199618, "bias": 0.767048},
        2.106,
        40,
        "",
    ),
    "commas between thousands": (
        "us-thousands-target/homes.csv",
        "price",
        {"thousands": ","},
        {"sqft": 1.05949, "bias": 3885.88},
        2502,
        40,
        "",
    ),
    "blanks between thousands": (
        "french-thousands/ventes.csv",
        "prix",
        {},
        {"surface": 3.00267, "revenu": 0.00200647, "bias": -0.881717},
        1.856,
        40,
        "column 'revenu' is read as numbers with '\\xa0' between thousands, as in '17\\xa0870'",
    ),
    "commas in codes and thousands": (
        "tab-thousands-beside-pairs/towns.tsv",
        "cost",
        {"thousands": ","},
        {"people": 0.0180876, "bias": 359.379},
        134.1,
        40,
        "left out, as they hold no numbers: 'block'",
    ),
    "percent": (
        "percent-feature/loans.csv",
        "loss",
        {},
        {"amount": 3.00923, "rate": 2.01075, "bias": -1.3679},
        2.028,
        40,
        "column 'rate' is read as numbers in %, as in '20.3%'",
    ),
    "NA as a code": (
        "country-code-na/trips.csv",
        "cost",
        {"categorical": "country", "na_values": ""},
        {"country=FR": 3.38758, "country=NA": 40.3867, "km": 2.89076, "bias": 112.187},
        51.35,
        40,
        "",
    ),
    "comments above the names": (
        "comment-block-above-header/co2.csv",
        "y",
        {},
        {"x": 2.99844, "z": 0.0198415, "bias": 1.6209},
        1.796,
        40,
        "3 lines above the names passed over, first '# Station 5'",
    ),
    "blanks between cells": (
        "whitespace-table/housing.txt",
        "y",
        {},
        {"x": 3.00537, "z": 0.0200173, "bias": -0.544704},
        1.588,
        40,
        "cells stand apart by blanks",
    ),
    "a last delimiter": (
        "trailing-delimiter/vendor.csv",
        "y",
        {},
        {"x": 2.99865, "z": 0.0199225, "bias": 0.140577},
        1.507,
        40,
        "every row ends in the delimiter",
    ),
    "question marks": (
        "predict-question-marks/cars.csv",
        "use",
        {"warn": "text-in-numbers", "missing": "drop"},
        {"power": 3.00168, "weight": 0.0200762, "bias": -0.238773},
        2.068,
        39,
        "column 'power' has 1 text cell in 40 rows, first '?' in row 4",
    ),
    "question marks by name": (
        "predict-question-marks/cars.csv",
        "use",
        {"na_values": "?", "missing": "drop"},
        {"power": 3.00168, "weight": 0.0200762, "bias": -0.238773},
        2.068,
        39,
        "missing 1 in 'power'",
    ),
    "a closing line": (
        "predict-footer-line/export.csv",
        "y",
        {"warn": "irregular-rows"},
        {"x": 2.99977, "z": 0.0201174, "bias": -0.26453},
        2.232,
        40,
        "row 41 has 1 cell where the header has 3",
    ),
    "a new column excluded": (
        "new-column-in-later-file/nights",
        "y",
        {"exclude": "extra"},
        {"x": 1.99329, "n": 0.500934, "bias": -0.021225},
        0.1063,
        60,
        "",
    ),
    "an unnamed column excluded": (
        "rule-name-unsaid/ads.csv",
        "sales",
        {"exclude": ""},
        {"tv": 2.99828, "radio": 0.0200273, "bias": -0.214392},
        1.859,
        40,
        "",
    ),
    "Cyrillic": (
        "cyrillic-cp1251/prices.csv",
        "цена",
        {"encoding": "cp1251"},
        {"площадь": 2.89953, "комнаты": -5.88334, "bias": 115.067},
        49.89,
        40,
        "",
    ),
    "commas in names": (
        "semicolons-and-commas-in-names/motor.csv",
        "Verbrauch, l",
        {},
        {"Leistung, kW": 3.00045, "Drehzahl, 1/min": 0.0200682, "bias": -1.6101},
        1.642,
        40,
        "numbers are read with a decimal comma, as in '175,5'",
    ),
    "a name with a comma excluded": (
        "comma-in-column-names/last.parquet",
        "Last",
        {"exclude": "id, laufend"},
        {"Temp, °C": 2.99279, "Feuchte, %": 2.01531, "bias": -0.016777},
        1.862,
        40,
        "",
    ),
    "a pattern of files": (
        "glob-of-files/nights/*.csv",
        "y",
        {},
        {"x": 1.99821, "n": 0.502355, "bias": -0.0035453},
        0.09721,
        40,
        "",
    ),
    "Arrow's stream": (
        "arrow-stream/t.arrow",
        "y",
        {},
        {"x": 1.97979, "bias": 0.000791204},
        0.1101,
        40,
        "",
    ),
    "views of text": (
        "polars-ipc-numbers-as-text/t.arrow",
        "y",
        {"warn": "text-in-numbers"},
        {"x": 1.98694, "q": 0.0991655, "bias": -0.000473017},
        0.09755,
        40,
        "column 'q' stores its numbers as text",
    ),
    "a zero byte": (
        "one-nul-byte/log.csv",
        "y",
        {},
        {"x": 3.0181, "bias": 96.5906},
        54.84,
        40,
        "left out, as they hold no numbers: 'note'",
    ),
    "Delta Lake's last version": (
        "delta-overwritten/sales",
        "y",
        {},
        {"x": 1.9893, "z": -1.0106, "bias": 0.997688},
        0.08603,
        40,
        "",
    ),
    "X and y": (
        "npz-x-and-y/t.npz",
        "y",
        {},
        {"x": 1.99906, "z": -1.01475, "bias": 0.0129994},
        0.1004,
        40,
        "",
    ),
    "millions": (
        "all-text-column-under-warn/stock.csv",
        "close",
        {"exclude": "volume,high", "warn": "text-in-numbers"},
        {"open": 3.04188, "bias": 101.705},
        49.02,
        40,
        "",
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_table_is_read_with_its_right_values(case: str) -> None:
    """Weights and bias of exact least squares, RMSE and rows; and a note on whatever was detected."""
    name, target, given, expected, rmse, rows, note = RIGHT[case]
    weights, error, count, notes = fitted(name, target, **given)
    assert weights == pytest.approx(expected, rel=1e-5)
    assert error == pytest.approx(rmse, rel=1e-3)
    assert count == rows
    assert note in "\n".join(notes) if note else notes == []


def test_a_column_of_millions_is_read_and_said() -> None:
    """Two groups of three digits have one reading, so that no column is text for its separators."""
    table, facts = read(CASES / "all-text-column-under-warn/stock.csv", "close", exclude="high")
    assert table["volume"][:2].to_pylist() == [6_809_000, 6_228_000]
    assert facts["notes"] == [
        (
            "column 'volume' is read as numbers with ',' between thousands, as in '6,809,000'; "
            "`exclude` it if it holds none"
        )
    ]


REFUSED: dict[str, tuple[str, str, dict[str, Any], str]] = {
    "points between thousands": (
        "german-thousands/umsatz.csv",
        "preis",
        {},
        (
            "column 'umsatz' has '5.201' beside '843': '.' may stand between thousands or before decimals; "
            "set `thousands` to '.' or `decimal` to '.'"
        ),
    ),
    "commas between thousands": (
        "us-thousands-target/homes.csv",
        "price",
        {},
        (
            "column 'price' has '8,563' beside '635': ',' may stand between thousands or before decimals; "
            "set `thousands` to ','"
        ),
    ),
    "commas in codes and thousands": (
        "tab-thousands-beside-pairs/towns.tsv",
        "cost",
        {},
        (
            "column 'people' has '5,918' beside '960': ',' may stand between thousands or before decimals; "
            "set `thousands` to ','"
        ),
    ),
    "NA as a code": (
        "country-code-na/trips.csv",
        "cost",
        {"categorical": "country"},
        (
            "column 'country' has 7 missing values (cells such as 'NA' are taken for it), first in row 3; "
            "fill in or remove those rows, or set `na_values`, or set `missing`"
        ),
    ),
    "a new column": (
        "new-column-in-later-file/nights",
        "y",
        {},
        (
            "column 'extra' is double in '2024-01-02.parquet' but absent in '2024-01-01.parquet'; "
            "write all files with one schema, or `exclude` it"
        ),
    ),
    "an unnamed column": (
        "rule-name-unsaid/ads.csv",
        "sales",
        {},
        "column 1 has no name; name it, `exclude` '' (pandas: `index=False`), or list `features`",
    ),
    "Cyrillic": (
        "cyrillic-cp1251/prices.csv",
        "цена",
        {},
        (
            "`target`: no column is named 'цена'; the table's columns: 'ïëîùàäü', 'êîìíàòû', 'öåíà' "
            "(detected: cp1252, ',', names at the top – if that is wrong, set `encoding`, `delimiter`, `header_row`, "
            "`skip_rows` or `comment`)"
        ),
    ),
    "views of text": (
        "polars-ipc-numbers-as-text/t.arrow",
        "y",
        {},
        "column 'q' stores its numbers as text; convert it to a numeric type",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_table_of_two_readings_is_refused_with_a_way_on(case: str) -> None:
    name, target, given, text = REFUSED[case]
    assert refusal(CASES / name, target, **given) == text


def test_a_decimal_comma_that_looks_like_thousands_is_noted() -> None:
    """It is read as the user says, and not in silence."""
    _, facts = read(CASES / "us-thousands-target/homes.csv", "price", decimal=",")
    assert facts["notes"] == [
        (
            "column 'price' has '8,563' beside '635', read with ',' before decimals, as `decimal` says; "
            "if it stands between thousands, set `thousands` to ','"
        )
    ]


@pytest.mark.parametrize("given", [{"skip_rows": 3}, {"comment": "#"}, {"header_row": 4}])
def test_the_settings_for_the_top_of_a_file_agree(given: dict[str, Any]) -> None:
    weights, _, rows, notes = fitted("comment-block-above-header/co2.csv", **given)
    assert weights == pytest.approx({"x": 2.99844, "z": 0.0198415, "bias": 1.6209}, rel=1e-5)
    assert (rows, notes) == (40, [])


def test_a_text_file_beside_others_is_named() -> None:
    weights, _, rows, notes = fitted("data-in-txt-beside-csv/nights")
    assert rows == 30
    assert re.match(r"1 file of the folder not read: 'tuesday.txt'; name tables", notes[0])
    assert set(weights) == {"x", "n", "bias"}


def test_a_folder_above_an_iceberg_table_is_refused_by_name(tmp_path: Path) -> None:
    """As its libraries lay it out: `data/`, and `metadata/` whose JSON says which files count."""
    folder = tmp_path / "lake/warehouse/sales"
    for snapshot in (1, 2):
        path = folder / f"data/0000{snapshot}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"x": [1.0, 2, 4], "y": [snapshot, 5, 3]}).to_parquet(path)
    (folder / "metadata").mkdir()
    (folder / "metadata/00001-1a2b.metadata.json").write_text(json.dumps({"format-version": 2}))
    assert "is a table of Iceberg, as '" in refusal(tmp_path / "lake")
    assert "is a table of Iceberg, as '" in refusal(Path(f"{folder}/*/*.parquet"))


def test_text_in_every_row_says_which_column_leaves_none(tmp_path: Path) -> None:
    """Under `--warn text-in-numbers` all rows go for one column; the refusal names it."""
    pa.csv.write_csv(pa.table({"x": [1, 2, 4, 7], "q": ["1,5,2"] * 4, "y": [1, 0, 2, 5]}), tmp_path / "t.csv")
    assert refusal(tmp_path / "t.csv", features="x,q", warn="text-in-numbers") == (
        "0 rows without a missing value cannot determine 3 parameters, as column 'q' has no number in any row; "
        "`exclude` 'q'"
    )


def test_skipped_rows_are_counted_where_none_is_left(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y\n1,2,a\n2,3,b\n5,4,c\n")
    assert refusal(tmp_path / "t.csv", warn="irregular-rows").startswith(
        "the table has no rows (3 irregular rows skipped); "
    )
