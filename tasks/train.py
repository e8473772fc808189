"""Stage `train`: fit the neuron to the training rows, and to nothing else."""

import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tasks.config import Training
from tasks.neuron.parts import MemoryPart
from tasks.neuron.ridge import FOLDS, RELATIVE, fold_moments, path, shrunk
from tasks.outputs import model
from tasks.outputs.model import ModelFacts, PathPoint, TrainedModel
from tasks.outputs.parts import TRAIN, RowsPart, read_held, read_parts, read_profile
from tasks.runtime.checkpoints import Checkpoints
from tasks.runtime.left_out import left_out
from tasks.runtime.memory import check_memory, importing, release_memory
from tasks.runtime.native_noise import without_greetings
from tasks.runtime.progress import Progress
from tasks.runtime.spreading import spread
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tasks.table.errors import BadTable

# What Keras imports if it is installed: for data frames, an estimator, pictures of layers. It takes as long as half of
# TensorFlow, and 120 MB.
COMPANY = ("IPython", "matplotlib", "pandas", "scipy", "sklearn")

_LOADING = threading.Lock()


@stage
def train(rows: Artifact, training: Training, seed: int, root: Path) -> Artifact:
    """Fit the neuron to the training rows; see `tasks.outputs.model`.

    Rows in one file are held in memory, those in several are streamed, by whoever works on parts in this run. A
    training that lasts is saved now and then under its cache key; killed, it goes on from there when it is run again,
    and leaves the same bytes. Runs again when the training rows, a setting of the training, the seed or this code
    changes.

    Raises:
        MemoryTooSmall: a limit of the memory is below what training needs.
        WorkersFailed: those that should work on the parts cannot.
        Diverged: the loss grew beyond all bounds, or did not fall; nothing is stored.
    """
    parts, profile = read_parts(rows, root, TRAIN), read_profile(rows, root)
    in_memory = len(parts) == 1
    tight = check_memory(rows.files[parts[0].file.path.name].bytes if in_memory else 0)
    load()
    from tasks.neuron.fit import fit_held, fit_parts
    from tasks.neuron.keras_model import build, save_bytes

    checkpoints = Checkpoints(root)
    with Progress(training.epochs, f"seed {seed}") as progress:
        options = {
            **training.model_dump(exclude={"l2"}),
            "seed": seed,
            "moments": profile.moments,
            "start": checkpoints.last(),
            "on_progress": progress,
            "on_checkpoint": checkpoints.keep,
        }
        if in_memory:
            fitted = fit_held(lambda: _held(parts[0]), **options)
        else:
            fitted = fit_parts(parts, ranges=(profile.lowest, profile.highest), across=spread, **options)

    l2, points = _penalty(training, parts, profile.moments.total)
    weights, bias = fitted.weights, fitted.bias
    if l2:
        weights, bias = shrunk(profile.moments, weights, bias, l2, has_bias=training.bias)

    with draft(root) as folder:
        keras = save_bytes(build(weights, bias if training.bias else None, len(weights)))
        model.write(folder, keras, TrainedModel(weights, bias), fitted.loss)
        facts = ModelFacts(
            recipe=training.recipe,
            bias=training.bias,
            learning_rate=fitted.learning_rate,
            stable_limit=fitted.stable_limit,
            before_closing=fitted.before_closing,
            l2=l2,
            path=tuple(points),
        )
        return publish(folder, root, "train", facts.as_json(), [*fitted.notes, *tight])


def _held(part: RowsPart) -> MemoryPart:
    """Read all rows of a file into memory, and give back what reading them took before more is needed."""
    rows = read_held(part)
    release_memory()
    return rows


def _penalty(training: Training, parts: Sequence[RowsPart], total: float) -> tuple[float, list[PathPoint]]:
    """Return the ridge penalty, and the path along which it was chosen, by one more pass over the rows, if it was.

    Penalties are relative to the sum of the rows' weights, which is their number where they have none.

    Raises:
        BadTable: there are too few rows for the folds.
    """
    if training.l2 != "auto":
        return training.l2, []
    penalties = RELATIVE * total
    try:
        found = path(fold_moments(parts, FOLDS), penalties, bias=training.bias)
    except ValueError as error:
        raise BadTable(str(error)) from error
    points = [
        PathPoint(l2=float(l2), rmse=each.pooled, sd=each.deviation)
        for l2, each in zip(penalties, found, strict=True)
    ]
    return min(points, key=lambda point: point.rmse).l2, points


def load(*, alone: bool = False) -> None:
    """Import TensorFlow, which takes seconds: only a training that really happens pays for it.

    Another thread may have begun already, while the run waits for something else. Two threads that import TensorFlow
    at the same time would each see it half-made, so the second one waits.

    Args:
        alone: Whether nobody but this program uses Keras in this process: then it comes without the packages that it
            would take along for others.
    """
    with _LOADING:
        if "tasks.neuron.keras_model" in sys.modules:
            return
        with without_greetings(), importing(), left_out(COMPANY if alone else ()):
            # Read at the import; what it leaves over is held back.
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
            import_module("tasks.neuron.fit")
            import_module("tasks.neuron.keras_model")
