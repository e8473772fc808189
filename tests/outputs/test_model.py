"""What `train` leaves is read back to the last bit."""

from pathlib import Path

import numpy as np

from tasks.outputs import model
from tasks.outputs.model import ModelFacts, TrainedModel
from tasks.store.writing import draft, publish

FACTS = ModelFacts(recipe="tutorial", bias=True, learning_rate=0.02, stable_limit=0.0284)


def test_weights_bias_and_losses_come_back(tmp_path: Path) -> None:
    weights, loss = np.array([0.1, -1e-300, np.pi]), np.array([3.0, 2.0, 1 / 3])
    with draft(tmp_path) as folder:
        model.write(folder, b"keras", TrainedModel(weights, 0.1 + 0.2), loss)
        artifact = publish(folder, tmp_path, "train", FACTS.as_json())
    found = model.read(artifact, tmp_path)
    assert (found.weights.tobytes(), found.bias) == (weights.tobytes(), 0.1 + 0.2)
    assert model.read_loss(artifact, tmp_path).tobytes() == loss.tobytes()
    assert model.read_facts(artifact) == FACTS
