"""Stage `train`: fit the neuron to the training rows, and to nothing else."""

import threading
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import JsonValue

from tasks.config import Training
from tasks.outputs.parts import RowsPart
from tasks.runtime.checkpoints import Checkpoints
from tasks.runtime.progress import Progress
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import read_matrix, write_npz, write_parquet
from tasks.store.parts import ParquetPart, paths_of
from tasks.store.writing import draft, publish

MODEL = "model.keras"
WEIGHTS = "weights.npz"
HISTORY = "history.parquet"
_LOADING = threading.Lock()


@stage
def train(rows: Artifact, training: Training, seed: int, root: Path) -> Artifact:
    """Fit the neuron to the training rows; leave `model.keras`, `weights.npz` and `history.parquet`.

    `train.parquet` is held in memory; several files, `train-00000.parquet` and so on, are streamed. The saved model
    takes raw inputs and predicts in the target's units. `weights.npz` holds the same numbers in float64: `weights`
    (d,) and `bias` (). The history has one row per epoch: `epoch` and `loss`, the mean squared error in squared
    units of the target. A training that lasts is saved now and then under its cache key; killed, it goes on from
    there when it is run again, and leaves the same bytes. Runs again when the training rows, a setting of the
    training, the seed or this code changes.

    Raises:
        Diverged: the loss grew beyond all bounds, or did not fall; nothing is stored.
    """
    load()
    from tasks.neuron.fit import fit, fit_parts
    from tasks.neuron.keras_model import build, save_bytes

    paths = paths_of(rows, root, "train")
    checkpoints = Checkpoints(root)
    with Progress(training.epochs, f"seed {seed}") as progress:
        options = {
            **training.model_dump(),
            "seed": seed,
            "start": checkpoints.last(),
            "on_progress": progress,
            "on_checkpoint": checkpoints.keep,
        }
        if len(paths) == 1:
            fitted = fit(*read_matrix(paths[0]), **options)
        else:
            fitted = fit_parts([RowsPart(ParquetPart(path)) for path in paths], **options)
    with draft(root) as folder:
        (folder / MODEL).write_bytes(
            save_bytes(build(fitted.weights, fitted.bias if training.bias else None, len(fitted.weights)))
        )
        write_npz(folder / WEIGHTS, {"weights": fitted.weights, "bias": np.array(fitted.bias)})
        epochs = pa.array(range(1, training.epochs + 1), pa.int64())
        write_parquet(folder / HISTORY, pa.table({"epoch": epochs, "loss": fitted.loss}))
        facts: dict[str, JsonValue] = {
            "recipe": training.recipe,
            "bias": training.bias,
            "learning_rate": fitted.learning_rate,
            "stable_limit": fitted.stable_limit,
            "notes": list(fitted.notes),
        }
        return publish(folder, root, "train", facts)


def load() -> None:
    """Import TensorFlow, which takes seconds: only a training that really happens pays for it.

    Another thread may have begun already, while the run waits for something else. Two threads that import TensorFlow
    at the same time would each see it half-made, so the second one waits.
    """
    with _LOADING:
        import_module("tasks.neuron.fit")
        import_module("tasks.neuron.keras_model")
