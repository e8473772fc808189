"""What `train` leaves: the neuron, for Keras and in plain numbers, and its loss by epoch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tasks.neuron.recipe import Recipe
from tasks.outputs.facts import Facts
from tasks.store.artifact import Artifact
from tasks.store.formats import read_npz, read_parquet, write_npz, write_parquet

KERAS = "model.keras"
WEIGHTS = "weights.npz"
HISTORY = "history.parquet"


class PathPoint(Facts):
    """A penalty, and the error of ridge by folds: over all rows, and its standard deviation among the folds."""

    l2: float
    rmse: float
    sd: float


class ModelFacts(Facts):
    """How the neuron was trained."""

    recipe: Recipe
    bias: bool
    learning_rate: float
    stable_limit: float
    before_closing: float | None = (
        None  # D where the mini-batches ended, if a full-batch epoch closed the training
    )
    l2: float = 0.0  # penalty that the weights were shrunk by
    path: tuple[PathPoint, ...] = ()  # among which it was chosen


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """The fitted numbers: weights (d,) in units of the target per unit of the feature, bias in units of the target."""

    weights: NDArray[np.float64]
    bias: float


def write(folder: Path, keras: bytes, model: TrainedModel, loss: NDArray[np.float64]) -> None:
    """Write the model.

    Args:
        folder: Where to.
        keras: A saved Keras model that takes raw inputs and predicts in the target's units.
        model: The same numbers in float64.
        loss: (epochs,) mean squared error of the training rows, in squared units of the target.
    """
    (folder / KERAS).write_bytes(keras)
    write_npz(folder / WEIGHTS, {"weights": model.weights, "bias": np.array(model.bias)})
    epochs = pa.array(range(1, len(loss) + 1), pa.int64())
    write_parquet(folder / HISTORY, pa.table({"epoch": epochs, "loss": loss}))


def read_facts(artifact: Artifact) -> ModelFacts:
    """Return how the neuron was trained."""
    return ModelFacts.of(artifact)


def read(artifact: Artifact, root: Path) -> TrainedModel:
    """Return the fitted numbers."""
    arrays = read_npz(artifact.path(root, WEIGHTS))
    return TrainedModel(np.asarray(arrays["weights"], np.float64), float(arrays["bias"].item()))


def read_loss(artifact: Artifact, root: Path) -> NDArray[np.float64]:
    """Return the (epochs,) losses."""
    loss: NDArray[np.float64] = read_parquet(artifact.path(root, HISTORY)).column("loss").to_numpy()
    return loss
