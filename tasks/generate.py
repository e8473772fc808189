"""Stage `generate`: draw the example problem."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import JsonValue

from tasks.config import Problem
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.formats import write_npz
from tasks.store.parts import is_large, part_count, part_name, write_part
from tasks.store.writing import draft, publish
from tasks.table.sources.npz import TARGET, feature_names

DATA = "data.npz"

Sample = tuple[NDArray[np.float64], NDArray[np.float64]]


@stage
def generate(problem: Problem, seed: int, root: Path) -> Artifact:
    """Draw the example problem into `data.npz`: `inputs` (n, d) and `targets` (n, 1), both float64.

    Above 5 million rows it leaves `data-00000.parquet` and so on instead, with a column per input and one for the
    target, drawn one after the other in constant memory. Reads nothing. Runs again when the problem, the seed or
    this code changes.
    """
    names = [*feature_names(len(problem.true_weights)), TARGET]
    facts: dict[str, JsonValue] = {
        "features": list(names[:-1]),
        "target": TARGET,
        "true_weights": list(problem.true_weights),
        "true_bias": problem.true_bias,
    }
    with draft(root) as folder:
        if is_large(problem.rows, len(names)):
            for number, (inputs, targets) in enumerate(drawn_parts(problem, seed)):
                write_part(folder / part_name("data", number), pa.table([*inputs.T, targets], names=names))
        else:
            inputs, targets = drawn(problem, problem.rows, np.random.default_rng(seed))
            write_npz(folder / DATA, {"inputs": inputs, "targets": targets[:, np.newaxis]})
        return publish(folder, root, "generate", facts)


def drawn_parts(problem: Problem, seed: int) -> Iterator[Sample]:
    """Draw the parts of a large problem, each from a random stream of its own."""
    count = part_count(problem.rows, len(problem.true_weights) + 1)
    for number in range(count):
        rows = problem.rows * (number + 1) // count - problem.rows * number // count
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        yield drawn(problem, rows, rng)


def drawn(problem: Problem, rows: int, rng: np.random.Generator) -> Sample:
    """Draw inputs (n, d), uniform in the problem's range, and targets (n,) with uniform noise on them."""
    inputs = rng.uniform(problem.lowest, problem.highest, (rows, len(problem.true_weights)))
    noise = rng.uniform(-problem.noise, problem.noise, rows)
    return inputs, inputs @ np.asarray(problem.true_weights) + problem.true_bias + noise
