"""Stage `generate`: draw the example problem."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from tasks.config import Problem
from tasks.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import write_npz
from tasks.store.writing import draft, publish
from tasks.table.archive import TARGET, feature_names

DATA = "data.npz"


@stage
def generate(problem: Problem, seed: int, root: Path) -> Artifact:
    """Draw the example problem into `data.npz`: `inputs` (n, d) and `targets` (n, 1), both float64.

    Reads nothing. Runs again when the problem, the seed or this code changes.
    """
    inputs, targets = drawn(problem, seed)
    with draft(root) as folder:
        write_npz(folder / DATA, {"inputs": inputs, "targets": targets[:, np.newaxis]})
        names = feature_names(len(problem.true_weights))
        facts: dict[str, JsonValue] = {
            "features": list(names),
            "target": TARGET,
            "true_weights": list(problem.true_weights),
            "true_bias": problem.true_bias,
        }
        return publish(folder, root, "generate", facts)


def drawn(problem: Problem, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw inputs (n, d), uniform in the problem's range, and targets (n,) with uniform noise on them."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(problem.lowest, problem.highest, (problem.rows, len(problem.true_weights)))
    noise = rng.uniform(-problem.noise, problem.noise, problem.rows)
    return inputs, inputs @ np.asarray(problem.true_weights) + problem.true_bias + noise
