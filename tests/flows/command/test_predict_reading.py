"""`predict` takes what its run took: the model carries how the table was read, and minds its own columns only."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from flows.command import predict as command
from tasks.config import Input, Prediction
from tasks.table.encoding import ColumnRoles, fit, tally
from tasks.table.model.exports import as_json
from tasks.table.model.linear import NumberInput, Reading, linear_model
from tasks.table.model.linear import read as read_model
from tests.paths import DATA
from tests.table.reading import read

CASES = DATA / "cases"


def trained(folder: Path, data: Path, target: str, **given: Any) -> Path:
    """Write the exact least-squares model of a table as a run would; return its path."""
    rows, facts = read(data, target, **given)
    roles = ColumnRoles(
        tuple(facts["features"]), target, tuple(facts["categorical"]), fill=given.get("missing") == "mean"
    )
    encoding = fit(tally(rows, roles), roles)
    encoded = encoding.apply(rows).to_pandas().to_numpy(float)
    design = np.column_stack([encoded[:, :-1], np.ones(len(encoded))])
    *weights, bias = np.linalg.lstsq(design, encoded[:, -1], rcond=None)[0]
    settings = Input(data=str(data), target=target, **given)
    reading = Reading.model_validate(settings.model_dump(include={*Reading.model_fields}))
    path = folder / "model.json"
    path.write_bytes(as_json(linear_model(encoding, weights, bias, reading)))
    return path


def predicted(model: Path, data: Path, **more: Any) -> tuple[int, pd.DataFrame]:
    output = model.with_name("out.parquet")
    options = Prediction(model=str(model), data=str(data), output=str(output), overwrite=True, **more)
    status = int(command.predict(options, as_json=False))
    return status, pq.read_table(output).to_pandas() if output.exists() else pd.DataFrame()


@pytest.mark.parametrize("missing", ["drop", "mean"])
def test_text_that_the_run_took_for_missing_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """Row 4 has a question mark: no prediction, or that of the training mean; the other 39 have theirs."""
    data = CASES / "predict-question-marks/cars.csv"
    model = trained(tmp_path, data, "use", warn="text-in-numbers", missing=missing)
    status, rows = predicted(model, data)
    assert status == 0
    assert rows["predicted_use"].notna().sum() == (39 if missing == "drop" else 40)
    if missing == "drop":
        assert "1 row without a prediction: column 'power' misses 1 value" in capsys.readouterr().err
    else:
        formula = read_model(model)
        power, weight = (each for each in formula.inputs if isinstance(each, NumberInput))
        assert power.mean == pytest.approx(111.282, rel=1e-5)
        expected = formula.bias + power.weight * 111.282 + weight.weight * rows["weight"][3]
        assert rows["predicted_use"][3] == pytest.approx(expected, rel=1e-5)
    assert predicted(model, data, warn=())[0] == 2
    assert "has '?' in row 4; the model needs numbers there" in capsys.readouterr().err


def test_a_closing_line_is_counted_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = CASES / "predict-footer-line/export.csv"
    status, rows = predicted(trained(tmp_path, data, "y", warn="irregular-rows"), data)
    assert (status, len(rows)) == (0, 40)
    assert "row 41 has 1 cell where the header has 3: '(40 rows affected)'" in capsys.readouterr().err
    plain = trained(tmp_path, CASES / "trailing-delimiter/vendor.csv", "y")
    assert predicted(plain, data)[0] == 2
    assert predicted(plain, data, warn="irregular-rows")[0] == 0


def test_only_the_models_columns_matter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column that later files alone have comes out empty for the first one, and that is said."""
    data = CASES / "new-column-in-later-file/nights"
    status, rows = predicted(trained(tmp_path, data, "y", exclude="extra"), data)
    assert (status, len(rows)) == (0, 60)
    assert rows["predicted_y"].notna().all()
    assert rows["extra"].isna().sum() == 30
    assert "'2024-01-01.parquet' lacks 'extra'; its rows have no value there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "target", "given"),
    [
        ("german-thousands/umsatz.csv", "preis", {"thousands": "."}),
        ("country-code-na/trips.csv", "cost", {"categorical": "country", "na_values": ""}),
        ("comment-block-above-header/co2.csv", "y", {"skip_rows": 3}),
        ("cyrillic-cp1251/prices.csv", "цена", {"encoding": "cp1251"}),
        ("whitespace-table/housing.txt", "y", {}),
        ("trailing-delimiter/vendor.csv", "y", {}),
        ("percent-feature/loans.csv", "loss", {}),
        ("french-thousands/ventes.csv", "prix", {}),
        ("store-as-1-and-1.0/nights", "y", {"categorical": "store", "missing": "drop"}),
        ("polars-ipc-numbers-as-text/t.arrow", "y", {"warn": "text-in-numbers"}),
        ("arrow-stream/t.arrow", "y", {}),
    ],
)
def test_a_table_that_was_learnt_from_is_predicted(
    tmp_path: Path, name: str, target: str, given: dict[str, Any]
) -> None:
    """Without a setting: the predictions are those of least squares on the very rows."""
    rows, _ = read(CASES / name, target, **given)
    status, found = predicted(trained(tmp_path, CASES / name, target, **given), CASES / name)
    residuals = rows[target].to_numpy() - found[f"predicted_{target}"].dropna().to_numpy()
    assert status == 0
    assert abs(residuals.mean()) < 1e-9 * np.abs(rows[target].to_numpy()).max() + 1e-9


def test_a_model_of_an_earlier_release_is_read(tmp_path: Path) -> None:
    """One of version 1 says nothing of the reading."""
    model = trained(tmp_path, CASES / "arrow-stream/t.arrow", "y")
    content = model.read_text().replace('"version": 2', '"version": 1')
    model.write_text(content[: content.index(',\n "reading"')] + "\n}")
    assert predicted(model, CASES / "arrow-stream/t.arrow")[0] == 0
