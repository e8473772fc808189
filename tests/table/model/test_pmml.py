"""PMML, by PMML4S."""

import shutil

import pyarrow as pa
import pytest

from tasks.table.errors import BadTable
from tasks.table.model.linear import LinearModel
from tasks.table.model.pmml import as_pmml
from tests.table.model.test_linear import agree, predicted

Case = tuple[LinearModel, pa.Table]


def test_pmml(case: Case) -> None:
    """By PMML4S."""
    if shutil.which("java") is None:
        pytest.skip("no Java here: apt-get install default-jre-headless")
    import pypmml

    model, rows = case
    read = pypmml.Model.fromString(as_pmml(model).decode())
    found = read.predict(rows.to_pandas())
    agree(found["predicted_y"].astype(float).tolist(), predicted(model, rows))


def test_pmml_refuses_what_is_no_xml() -> None:
    inputs = [{"type": "number", "name": "a\x00", "weight": 1, "mean": None}]
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": inputs})
    with pytest.raises(BadTable, match="has a character that XML cannot hold; export another format"):
        as_pmml(model)
