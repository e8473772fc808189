"""Predictions of a `model.json` for rows of a pandas frame.

MLflow runs this file by itself, beside the model that it was written with: it imports nothing of linear-neuron.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class ServedModel:
    """The model, as MLflow calls it."""

    def __init__(self, model: dict[str, Any]) -> None:
        """Keep what `model.json` holds."""
        self._model = model

    def predict(self, rows: pd.DataFrame, params: dict[str, Any] | None = None) -> NDArray[np.float64]:  # noqa: ARG002 - MLflow passes them
        """Return a prediction for each row, NaN where there is none."""
        total = np.full(len(rows), float(self._model["bias"]))
        for column in self._model["inputs"]:
            total += _effect(column, rows[column["name"]])
        if self._model.get("smearing") is not None:
            with np.errstate(over="ignore"):
                total = np.exp(total) * self._model["smearing"]
        total[~np.isfinite(total)] = np.nan
        return total


def _effect(column: dict[str, Any], values: "pd.Series[Any]") -> NDArray[np.float64]:
    """Return what a column adds to the prediction of each row."""
    if column["type"] == "number":
        numbers = values.astype("float64").to_numpy(copy=True)
        if column["mean"] is not None:
            numbers[np.isnan(numbers)] = column["mean"]
        return np.asarray(column["weight"] * numbers, np.float64)
    is_missing = values.isna().to_numpy()
    weights = values.astype(object).where(~is_missing, "").map(_level).map(column["weights"])
    found = np.array(weights.astype("float64").fillna(column["average"]), np.float64)
    found[is_missing] = column["average"] if column["fill"] else np.nan
    return found


def _level(value: object) -> str:
    """Write a level as text; whole numbers in a column with gaps come as floats."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _load_pyfunc(path: str) -> ServedModel:
    """Read the model; MLflow calls this with the path of `model.json`."""
    return ServedModel(json.loads(Path(path).read_text(encoding="utf-8")))
