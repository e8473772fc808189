"""The fitted neuron as a Keras model: raw features in, prediction in target units out."""

from __future__ import annotations

import json
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
from numpy.typing import ArrayLike

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can hold


def build(weights: ArrayLike, bias: float | None, features: int) -> keras.Model:
    """Return one Dense layer of one neuron.

    It computes in float64: the bias of uncentred inputs (years, time stamps) cancels most of what the weights
    add up to, and float32 would leave nothing of the prediction. Call `model(rows)` for such inputs: Keras
    rounds arrays to float32 in `model.predict`.

    Args:
        weights: (d,) in raw units.
        bias: In target units; None builds a layer without bias.
        features: d.

    Raises:
        ValueError: If there is not one weight for each feature.
    """
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (features,):
        message = f"`weights` must have shape ({features},), one for each feature, got shape {w.shape}"
        raise ValueError(message)
    dense = keras.layers.Dense(1, use_bias=bias is not None, dtype="float64", name="neuron")
    model = keras.Sequential(
        [keras.Input((features,), dtype="float64", name="features"), dense], name="linear_neuron"
    )
    dense.set_weights([w[:, None]] if bias is None else [w[:, None], np.array([bias])])
    return model


def save_bytes(model: keras.Model) -> bytes:
    """Return the model as a `.keras` archive; the same weights give the same bytes.

    Keras stamps the time of saving into the archive's entries and metadata; both are set to 1980.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "neuron.keras")
        model.save(path)
        with zipfile.ZipFile(path) as archive:
            entries = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(entries["metadata.json"]) | {"date_saved": "1980-01-01@00:00:00"}
    entries["metadata.json"] = json.dumps(metadata).encode()
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content)
    return buffer.getvalue()
