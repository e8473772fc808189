"""The Keras model: raw inputs in, prediction out, and the same bytes for the same weights."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
import pytest

from tasks.neuron.keras_model import build, save_bytes
from tests.processes import python


def test_the_example_problem_has_three_parameters() -> None:
    """One layer, one neuron, two weights and a bias; predictions in target units."""
    model = build([2.0, -3.0], 5.0, 2)
    assert len(model.layers) == 1
    assert model.layers[0].units == 1
    assert model.count_params() == 3
    np.testing.assert_allclose(
        model.predict(np.array([[1.0, 1.0], [10.0, 0.0]]), verbose=0), [[4.0], [25.0]], rtol=1e-12
    )


def test_without_bias_there_is_no_bias() -> None:
    """None leaves d parameters."""
    model = build([2.0, -3.0], None, 2)
    assert model.count_params() == 2
    assert not model.layers[0].use_bias


def test_far_from_zero_the_prediction_keeps_its_digits() -> None:
    """A bias that cancels what the weights add up to does not leave the digits of float32."""
    model = build([1.0], -1.7e9, 1)
    np.testing.assert_allclose(model(np.array([[1.7e9 + 0.25]])), [[0.25]], rtol=1e-9)


@pytest.mark.parametrize("bias", [5.0, None])
def test_saved_bytes_load_again(tmp_path: Path, bias: float | None) -> None:
    """Keras loads the archive, and the model predicts the same."""
    model = build([2.0, -3.0, 0.125], bias, 3)
    path = tmp_path / "model.keras"
    path.write_bytes(save_bytes(model))
    loaded = keras.models.load_model(path)
    rows = np.random.default_rng(0).normal(size=(7, 3))
    np.testing.assert_array_equal(loaded.predict(rows, verbose=0), model.predict(rows, verbose=0))
    assert loaded.count_params() == model.count_params()


@pytest.mark.slow
def test_same_weights_same_bytes_in_two_processes() -> None:
    """Neither the time nor the process, nor models made before, are in the bytes; the weights are."""
    build([1.0], 1.0, 1)
    code = (
        "from tasks.neuron.keras_model import build, save_bytes\n"
        "print(save_bytes(build([2.0, -3.0], 5.0, 2)).hex())"
    )
    other = bytes.fromhex(python("-c", code).stdout.split()[-1])
    ours = save_bytes(build([2.0, -3.0], 5.0, 2))
    assert ours == other
    assert ours != save_bytes(build([2.0, -3.0], 6.0, 2))
    with zipfile.ZipFile(BytesIO(ours)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert all(not name.startswith("/") and ".." not in name for name in archive.namelist())
        assert b"/tmp" not in b"".join(archive.read(name) for name in archive.namelist())


def test_other_shapes_are_refused() -> None:
    """One weight for each feature."""
    with pytest.raises(
        ValueError, match=r"`weights` must have shape \(3,\), one for each feature, got shape \(2,\)"
    ):
        build([1.0, 2.0], 0.0, 3)
