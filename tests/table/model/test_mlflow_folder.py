"""The folder as MLflow loads it."""

import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa

from flows.command.export import write
from tasks.table.model.linear import LinearModel
from tasks.table.model.mlflow_folder import as_mlflow
from tests.table.model.test_linear import HOSTILE, predicted

# It warns of its own sources when it is first imported, and here warnings are errors.
with warnings.catch_warnings(action="ignore"):
    import mlflow.pyfunc


Case = tuple[LinearModel, pa.Table]


def test_mlflow(case: Case, tmp_path: Path) -> None:
    """Loaded by MLflow, without a pickle; whole numbers may come as such."""
    model, rows = case
    write(as_mlflow(model), tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(rows.to_pandas()), predicted(model, rows))
    whole = rows.to_pandas().dropna()
    whole[HOSTILE[3]] = whole[HOSTILE[3]].astype(int)
    expected = predicted(model, pa.Table.from_pandas(whole, preserve_index=False))
    np.testing.assert_array_equal(loaded.predict(whole), expected)
    names = {
        path.relative_to(tmp_path / "model").as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {"MLmodel", "model.json", "code/linear_neuron_served.py", "requirements.txt"} < names
    assert loaded.metadata.get_input_schema().input_names() == HOSTILE
