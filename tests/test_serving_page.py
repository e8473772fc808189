"""The examples of docs/serving.md, run as they stand beside the files that `export` writes."""

import re
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from flows.command.export import write
from tasks.config import Export
from tasks.table.model.exports import EXPORTS, export_of
from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput, predict
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
SECTIONS = {
    heading: code[0]
    for heading, text in re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", PAGE, re.MULTILINE)
    if (code := re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
}
FORMATS = {"SQL": "sql", "ONNX": "onnx", "PMML": "pmml", "scikit-learn": "skops", "MLflow": "mlflow"}
MODEL = LinearModel(
    target="body_mass",
    bias=-4282.0,
    inputs=(
        NumberInput(name="flipper_len", weight=50.15, mean=200.5),
        CategoryInput(
            name="island", weights={"Biscoe": 0.0, "Dream": -7.5}, reference="Biscoe", average=-3.0, fill=True
        ),
    ),
)


def test_every_example_is_known() -> None:
    assert set(SECTIONS) == set(FORMATS)


def test_every_format_is_listed() -> None:
    listed = re.findall(r"^\| `([\w-]+)` \| (?:the folder )?`([\w.-]+)`", PAGE, re.MULTILINE)
    assert listed == [(to, each.name) for to, each in EXPORTS.items()]
    assert Export(to="onnx").model == "latest"


@pytest.mark.parametrize("section", FORMATS)
def test_an_example_predicts(section: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with a gap in either column, and an island of no training row."""
    if section == "PMML" and shutil.which("java") is None:
        pytest.skip("no Java here: apt-get install default-jre-headless")
    monkeypatch.chdir(tmp_path)
    rows = pd.DataFrame(
        {"flipper_len": [181, None, 195, 210], "island": ["Dream", "Biscoe", None, "Torgersen"]}
    )
    rows.to_csv("rows.csv", index=False)
    write(export_of(FORMATS[section], MODEL), Path(EXPORTS[FORMATS[section]].name))
    names: dict[str, Any] = {}
    with warnings.catch_warnings(action="ignore"):  # of MLflow's own sources, when it is first imported
        exec(SECTIONS[section], names)  # noqa: S102 - the page's own code
    columns = {"flipper_len": pa.array(rows["flipper_len"]), "island": pa.array(rows["island"], pa.string())}
    expected = predict(MODEL, columns)
    np.testing.assert_allclose(np.ravel(names["found"]).astype(float), expected.values, rtol=1e-9)
