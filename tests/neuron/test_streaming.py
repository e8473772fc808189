"""Training on parts: least squares again, in whatever order and type the rows come, and nothing left running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tasks.neuron.fit import fit, fit_parts
from tasks.neuron.least_squares import solve
from tasks.neuron.metrics import Agreement, verdict
from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch, MemoryPart, all_moments, leverage
from tasks.neuron.recipe import Diverged
from tasks.neuron.scaling import STEEPEST, standardised, whitened
from tasks.neuron.whitening import whitening
from tests.neuron.examples import Problem, doubled, example_problem, random_problem, shifted, with_a_constant


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make blocks so small that these tables fill many."""
    monkeypatch.setattr("tasks.neuron.batching.BLOCK", 4096)


def parts(x: np.ndarray, y: np.ndarray, number: int = 4) -> list[MemoryPart]:
    """Cut a table into parts."""
    return [
        MemoryPart(Batch([*a.T], b))
        for a, b in zip(np.array_split(x, number), np.array_split(y, number), strict=True)
    ]


def judged(x: np.ndarray, y: np.ndarray, *, bias: bool = True, **settings: Any) -> Agreement:
    """Return the verdict on a streamed fit."""
    f = fit_parts(parts(x, y), bias=bias, **settings)
    return verdict(f.weights, f.bias, solve(x, y, bias=bias))


def close_pair() -> tuple[np.ndarray, np.ndarray]:
    """Return two features of correlation 0.9999."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(5000, 1)) + 0.01 * rng.normal(size=(5000, 2))
    return x, x @ [1.0, -1.0] + 3 + rng.normal(size=5000)


def closer_pair() -> tuple[np.ndarray, np.ndarray]:
    """Return two features that differ by a hundred-thousandth, for which rows are whitened one by one."""
    rng = np.random.default_rng(7)
    x = rng.normal(size=(5000, 1)) + 1e-5 * rng.normal(size=(5000, 2))
    return x, x @ [1.0, -1.0] + 3 + rng.normal(size=5000)


@pytest.mark.parametrize("epochs", [20, 100])
@pytest.mark.parametrize(
    ("data", "settings"),
    [
        pytest.param(lambda: example_problem(0, rows=5003), {}, id="example"),
        pytest.param(lambda: random_problem(1, 5000, 12), {}, id="d=12, mixed scales"),
        pytest.param(lambda: random_problem(1, 5000, 3), {"bias": False}, id="no bias"),
        pytest.param(close_pair, {}, id="correlation 0.9999"),
        pytest.param(closer_pair, {}, id="correlation 1 - 5e-11"),
        pytest.param(lambda: shifted(*random_problem(5, 5000, 2)), {}, id="offset"),
        pytest.param(
            lambda: with_a_constant(*random_problem(6, 5000, 2)),
            {},
            id="constant column",
        ),
        pytest.param(
            lambda: doubled(*random_problem(7, 5000, 2)),
            {},
            id="copied columns",
        ),
    ],
)
def test_streaming_is_indistinguishable_from_least_squares(
    data: Callable[[], Problem], settings: dict[str, Any], epochs: int
) -> None:
    """Hard columns too, with either schedule."""
    v = judged(*data(), epochs=epochs, **settings)
    assert v.converged, v.text


def test_float32_columns_far_from_zero() -> None:
    """They are centred in float32, which loses nothing, at a mean that is folded back exactly."""
    rng = np.random.default_rng(3)
    x = rng.normal([1000, 0, -50], 1, size=(20_000, 3)).astype(np.float32)
    y = (x @ np.array([1.0, 2.0, 3.0]) + rng.normal(size=20_000)).astype(np.float32)
    assert judged(x, y, epochs=20).converged


def test_one_epoch_is_enough_where_rows_are_many() -> None:
    """One pass over 300,000 rows averages; only the first few batches, while the start is forgotten, do not count."""
    v = judged(*example_problem(0, rows=300_000), epochs=1)
    assert v.converged, v.text


def test_streamed_and_in_memory_agree() -> None:
    """Both are within the verdict's tolerance of least squares, so of each other; batches differ, answers do not."""
    x, y = example_problem(4, rows=5000)
    one, other = fit(x, y, epochs=40), fit_parts(parts(x, y), epochs=40)
    reference = solve(x, y)
    gap = np.abs(one.weights - other.weights) / reference.standard_errors
    assert gap.max() < 0.05
    assert one.stable_limit == pytest.approx(other.stable_limit, rel=0.1)
    np.testing.assert_allclose(one.loss[1:], other.loss[1:], rtol=0.05)


def test_the_tutorials_recipe_streams_as_it_is() -> None:
    """Raw inputs, constant rate: it wobbles, and a rate that is too high is refused with the raw inputs' limit."""
    x, y = example_problem(0, rows=4000)
    f = fit_parts(parts(x, y), recipe="tutorial", epochs=3)
    assert np.abs(f.weights - [2, -3]).max() < 0.2
    with pytest.raises(Diverged, match=r"ends at 0\.02"):
        fit_parts(parts(x, y), recipe="tutorial", epochs=3, learning_rate=1.0)


def test_same_seed_same_bits() -> None:
    """Another seed shuffles otherwise."""
    x, y = example_problem(0, rows=5000)
    one, again, other = (fit_parts(parts(x, y), epochs=2, seed=seed) for seed in (1, 1, 2))
    assert one.weights.tobytes() == again.weights.tobytes()
    assert one.loss.tobytes() == again.loss.tobytes()
    assert one.loss.tobytes() != other.loss.tobytes()


class Broken(MemoryPart):
    """A part whose second batch cannot be read."""

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        yield from super().batches(rng)
        raise OSError("the disk is gone")


def test_an_error_of_the_reader_arrives_and_its_thread_ends() -> None:
    """What fails in the other thread fails here."""
    x, y = example_problem(0, rows=100)
    before = threading.active_count()
    with pytest.raises(OSError, match="the disk is gone"):
        fit_parts([Broken(Batch([*x.T], y))], epochs=2)
    assert threading.active_count() == before


def test_a_refused_training_leaves_no_thread() -> None:
    """The reader stops with the training."""
    x, y = example_problem(0, rows=4000)
    before = threading.active_count()
    with pytest.raises(Diverged):
        fit_parts(parts(x, y), epochs=50, learning_rate=1e30)
    assert threading.active_count() == before


def test_moments_and_leverage_of_parts_are_those_of_the_table() -> None:
    """Cut anywhere, to the last bits."""
    x, y = random_problem(2, 1000, 3)
    table = moments(np.column_stack([x, y]))
    cut = all_moments(parts(x, y, 7))
    np.testing.assert_allclose(cut.scatter, table.scatter, rtol=1e-13)
    white = whitening(table)
    expected = (((x - white.centre) @ white.matrix) ** 2).sum(axis=1).max()
    for units in (whitened(white), standardised(white, [False] * 4)):
        assert leverage(parts(x, y, 7), units) == pytest.approx(expected, rel=1e-4)


def test_nearly_collinear_rows_are_whitened_one_by_one() -> None:
    """Where a metric would be too steep for float32 columns, there is none."""
    x, y = close_pair()
    gentle = standardised(whitening(moments(np.column_stack([x, y]))), [False] * 3)
    assert gentle.metric is not None
    assert np.linalg.norm(gentle.metric, 2) < STEEPEST
    x, y = closer_pair()
    assert standardised(whitening(moments(np.column_stack([x, y]))), [False] * 3).metric is None
