"""The stage `evaluate`: the same figures of rows in memory and in parts."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.config import Beside, Inference, Split
from tasks.evaluate import evaluate
from tasks.neuron.least_squares import solve_moments
from tasks.outputs import model, scores
from tasks.outputs.model import ModelFacts, TrainedModel
from tasks.outputs.parts import read_profile
from tasks.outputs.result import Evaluation
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tests.test_split import ingested, small_parts

__all__ = ["small_parts"]

ROWS = 3000


def table(*, spikes: bool = True) -> pa.Table:
    """Draw rows with a category, a key, an error that is larger in one level, and two rows that are far off."""
    rng = np.random.default_rng(0)
    x, city = rng.normal(size=ROWS), rng.choice(["Oslo", "Rome", "Turin"], ROWS)
    y = 2 * x + rng.normal(size=ROWS) * np.where(city == "Turin", 4, 1)
    y[[17, 1234]] += [60 * spikes, -50 * spikes]
    return pa.table({"x": x, "city": city, "y": y, "id": [f"A-{number}" for number in range(ROWS)]})


def evaluated(root: Path, rows: pa.Table, beside: Beside, **facts: Any) -> Evaluation:
    """Split the rows by a hash, and evaluate least squares on them."""
    known = {"features": ["x", "city"], "target": "y", "categorical": ["city"]} | facts
    data = ingested(root, rows, **known)
    parts = split.fn(data, Split(method="hash", by=("id",)), 0, root, beside)
    return scores.read(evaluate.fn(fitted(root, parts), parts, Inference(), root), root)


def fitted(root: Path, parts: Artifact) -> Artifact:
    """Leave least squares as `train` leaves its model."""
    found = solve_moments(read_profile(parts, root).moments)
    facts = ModelFacts(recipe="calibrated", bias=True, learning_rate=0.1, stable_limit=0.2)
    with draft(root) as folder:
        model.write(folder, b"", TrainedModel(found.weights, found.bias), np.ones(1))
        return publish(folder, root, "train", facts.as_json())


@pytest.mark.parametrize("large", [False, True])
def test_the_worst_rows_are_named_by_their_key(
    tmp_path: Path, large: bool, request: pytest.FixtureRequest
) -> None:
    if large:
        request.getfixturevalue("small_parts")
    found = evaluated(tmp_path, table(), Beside(key=("id",)))
    assert len(found.worst) == 10
    assert [each.row for each in found.worst[:2]] == ["A-17", "A-1234"]
    y = table()["y"].to_numpy()
    assert [each.actual for each in found.worst[:2]] == [y[17], y[1234]]
    errors = [abs(each.actual - each.predicted) for each in found.worst]
    assert errors == sorted(errors, reverse=True)


def test_without_a_key_they_are_numbered_where_rows_keep_their_order(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    assert [each.row for each in evaluated(tmp_path, table(), Beside()).worst[:2]] == ["18", "1,235"]
    request.getfixturevalue("small_parts")
    assert [each.row for each in evaluated(tmp_path, table(), Beside()).worst[:2]] == ["", ""]


@pytest.mark.parametrize("large", [False, True])
def test_the_worst_segment_of_the_test_rows_is_named(
    tmp_path: Path, large: bool, request: pytest.FixtureRequest
) -> None:
    if large:
        request.getfixturevalue("small_parts")
    found = evaluated(tmp_path, table(spikes=False), Beside())
    assert found.segments is not None
    assert found.metrics.test is not None
    assert found.segments.part == "test"
    assert found.segments.rmse == pytest.approx(found.metrics.test.rmse, rel=1e-12)
    assert found.segments.rows == found.metrics.test.rows
    assert (found.segments.errors[0].column, found.segments.errors[0].label) == ("city", "Turin")
    (check,) = (each for each in found.diagnosis if each.check == "segment")
    assert check.wrong
    assert check.subject == "city = Turin"


def test_weights_give_the_same_figures_in_memory_and_in_parts(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """To rounding; and other figures than without weights."""
    rng = np.random.default_rng(1)
    rows = table(spikes=False).append_column("w", pa.array(rng.exponential(size=ROWS) + 0.01))
    held = evaluated(tmp_path, rows, Beside(weights="w"))
    plain = evaluated(tmp_path, rows, Beside())
    request.getfixturevalue("small_parts")
    streamed = evaluated(tmp_path, rows, Beside(weights="w"))
    assert held.weights == streamed.weights == "by 'w'"
    for one, other in (
        (held.metrics.train, streamed.metrics.train),
        (held.metrics.test, streamed.metrics.test),
    ):
        assert one is not None
        assert other is not None
        figures = [[each.rows, each.rmse, each.mae, each.r2, each.low or 0.0] for each in (one, other)]
        assert figures[0] == pytest.approx(figures[1], rel=1e-11)
    assert held.least_squares.standard_errors == pytest.approx(
        streamed.least_squares.standard_errors, rel=1e-11
    )
    assert held.least_squares.weights == pytest.approx(streamed.least_squares.weights, rel=1e-11)
    assert held.metrics.train.rmse != pytest.approx(plain.metrics.train.rmse, rel=1e-3)
    assert held.gain is not None
    assert held.gain.significant
