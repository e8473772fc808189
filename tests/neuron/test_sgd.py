"""The compiled program against the same steps written out in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.neuron.sgd import ALIGNMENT, PADDING, UpdateRule, empty_blocks, train_blocks
from tasks.neuron.state import State

BATCH = 8


def filled(features: int, counts: list[int], length: int = 24) -> np.ndarray:
    """Return blocks of random rows; what is behind a block's own rows is nonsense that must not count."""
    blocks = empty_blocks((len(counts), features + 1, length))
    blocks[:] = np.random.default_rng(features).normal(size=blocks.shape)
    for block, count in zip(blocks, counts, strict=True):
        block[:, count:] = 1e6
    return blocks


def by_hand(
    state: State, blocks: np.ndarray, counts: list[int], rule: UpdateRule, metric: np.ndarray | None
) -> tuple[State, list[float]]:
    """Make the same steps one after the other, in float64."""
    w, b, t = state.weights.copy(), state.bias, state.step
    squares = []
    for block, count in zip(blocks.astype(np.float64), counts, strict=True):
        total = 0.0
        for start in range(0, count, rule.batch_size):
            stop = min(start + rule.batch_size, count)
            x, y = block[:-1, start:stop], block[-1, start:stop]
            residuals = w @ x + b - y
            weight = rule.batch_size if rule.equal_rows else stop - start
            rate = rule.rate * rule.decay**t / (1 + rule.slope * max(t - rule.hold, 0))
            gradient = 2 / weight * (x @ residuals)
            w -= rate * (gradient if metric is None else metric @ gradient)
            b -= rate * 2 / weight * residuals.sum() * rule.bias
            total += float(residuals @ residuals)
            t += 1
        squares.append(total)
    return State(w, b, t), squares


RULES = {
    "a constant rate": UpdateRule(BATCH, 0.05, 1.0, equal_rows=False, bias=True),
    "each row weighs the same": UpdateRule(BATCH, 0.05, 1.0, equal_rows=True, bias=True),
    "a rate that falls by a factor": UpdateRule(BATCH, 0.05, 0.9, equal_rows=True, bias=True),
    "a hyperbolic decline from step 3 on": UpdateRule(BATCH, 0.05, 1.0, True, True, slope=0.5, hold=3),
    "no bias": UpdateRule(BATCH, 0.05, 1.0, equal_rows=True, bias=False),
}


@pytest.mark.parametrize("case", RULES)
@pytest.mark.parametrize("with_metric", [False, True])
def test_the_program_makes_the_steps_of_the_formula(case: str, with_metric: bool) -> None:
    """Short last batches, blocks that are not full, and an empty one; losses are taken before each step."""
    rule, counts, features = RULES[case], [24, 21, 0], 3
    metric = np.diag([0.5, 1.0, 2.0]) + 0.1 if with_metric else None
    state = State(np.array([0.1, -0.2, 0.3]), 0.5 if rule.bias else 0.0, 2)
    blocks = filled(features, counts)
    expected, squares = by_hand(state, blocks, counts, rule, metric)
    found, losses = train_blocks(state, blocks, np.array(counts), rule, metric)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-5)
    assert found.bias == pytest.approx(expected.bias, rel=1e-5, abs=0.0)
    assert found.step == expected.step
    np.testing.assert_allclose(losses, squares, rtol=1e-5)


def test_many_features_take_the_matrix_product() -> None:
    """From nine features on; the same numbers."""
    rule, counts = RULES["each row weighs the same"], [24]
    state = State(np.linspace(-1, 1, 12), 0.0, 0)
    blocks = filled(12, counts) * np.float32(0.3)
    blocks[0, :, 24:] = 1e6
    expected, _ = by_hand(state, blocks, counts, rule, None)
    found, _ = train_blocks(state, blocks, np.array(counts), rule)
    np.testing.assert_allclose(found.weights, expected.weights, rtol=1e-5)


def test_blocks_are_read_in_place_or_copied() -> None:
    """What lies otherwise in memory gives the same bits."""
    rule, counts = RULES["a constant rate"], [24, 24]
    aligned = filled(2, counts)
    assert aligned.ctypes.data % ALIGNMENT == 0
    assert aligned.shape == (2, 3, 24 + PADDING)
    elsewhere = np.empty(aligned.size + 1, np.float32)[1:].reshape(aligned.shape)
    elsewhere[:] = aligned
    state = State(np.zeros(2), 0.0, 0)
    one, other = (train_blocks(state, blocks, np.array(counts), rule) for blocks in (aligned, elsewhere))
    assert one[0].weights.tobytes() == other[0].weights.tobytes()
    assert one[1].tobytes() == other[1].tobytes()
