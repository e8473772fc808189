"""ONNX in double precision, by onnxruntime."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pyarrow as pa

from tasks.table.model.linear import CategoryInput, LinearModel
from tasks.table.model.onnx_graph import as_onnx, missing_mark
from tests.table.model.test_linear import HOSTILE, predicted

Case = tuple[LinearModel, pa.Table]


def test_onnx(case: Case) -> None:
    """To the last bit, by onnxruntime, with the standard's operators in double precision; but for its own exp."""
    model, rows = case
    content = as_onnx(model)
    session = onnxruntime.InferenceSession(content)
    (found,) = session.run(None, {column.name: onnx_column(column, rows) for column in model.inputs})
    rounding = 0.0 if model.smearing is None else 1e-15
    np.testing.assert_allclose(found.ravel(), predicted(model, rows), rtol=rounding)
    graph = onnx.load_from_string(content)
    assert {entry.domain for entry in graph.opset_import} == {"", "ai.onnx.ml"}
    assert content == as_onnx(model)
    marks = {each.name: each.doc_string for each in graph.graph.input}
    assert marks[HOSTILE[0]] == "A missing value is NaN."
    assert marks[HOSTILE[2]] == "A missing value is '␀'."


def onnx_column(column: Any, rows: pa.Table) -> Any:
    if isinstance(column, CategoryInput):
        values = [missing_mark(column) if value is None else value for value in rows[column.name].to_pylist()]
        return np.array(values, dtype=object)[:, None]
    return rows[column.name].to_numpy()[:, None]
