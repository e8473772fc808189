"""Stage `generate`: draw the example problem."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tasks.config import Problem
from tasks.outputs import data
from tasks.outputs.data import DataFacts, Sample
from tasks.outputs.result import Truth
from tasks.runtime.stage import stage
from tasks.store.artifact import Artifact
from tasks.store.parts import is_large, part_count
from tasks.store.writing import draft, publish
from tasks.table.sources.npz import TARGET, feature_names


@stage
def generate(problem: Problem, seed: int, root: Path) -> Artifact:
    """Draw the example problem; see `tasks.outputs.data`.

    Up to 5 million rows are drawn at once, more in parts, one after the other in constant memory. Reads nothing. Runs
    again when the problem, the seed or this code changes.
    """
    names = feature_names(len(problem.true_weights))
    truth = Truth(weights=dict(zip(names, problem.true_weights, strict=True)), bias=problem.true_bias)
    facts = DataFacts(features=tuple(names), target=TARGET, truth=truth)
    with draft(root) as folder:
        if is_large(problem.rows, len(names) + 1):
            data.write_samples(folder, drawn_parts(problem, seed), facts)
        else:
            data.write_sample(folder, drawn(problem, problem.rows, np.random.default_rng(seed)))
        return publish(folder, root, "generate", facts.as_json())


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
