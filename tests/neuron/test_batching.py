"""Blocks of rows: each row once an epoch, whole batches but for the last one, and the order is the seed's alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tasks.neuron import batching
from tasks.neuron.batching import Call, _from_parts, train_parts, train_table
from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.scaling import raw, standardised
from tasks.neuron.sgd import Blocks, UpdateRule
from tasks.neuron.state import State
from tasks.neuron.whitening import whitening

ROWS, BATCH = 1003, 64
RULE = UpdateRule(BATCH, 0.01, 1.0, equal_rows=False, bias=True)
START = State(np.zeros(1), 0.0, 0)

Train = Callable[[list[np.ndarray], int], list[np.ndarray]]


def parts(number: int) -> list[MemoryPart]:
    """Cut a table whose feature and target are the row's own number."""
    rows = np.arange(float(ROWS), dtype=np.float32)
    return [MemoryPart(Batch([some], some)) for some in np.array_split(rows, number)]


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """Have the blocks that the program gets written down, with the rows that count, in place of training."""
    blocks: list[np.ndarray] = []

    def train(state: State, given: Blocks, rows: np.ndarray, rule: UpdateRule, _: object = None) -> object:
        blocks.extend(block[0, :count].copy() for block, count in zip(given, rows, strict=True) if count)
        return state, np.zeros(len(rows))

    monkeypatch.setattr(batching, "train_blocks", train)
    return blocks


def in_epochs(calls: Iterator[Call], blocks: list[np.ndarray]) -> list[np.ndarray]:
    """Run the training; return the rows of each epoch in their order."""
    epochs: list[np.ndarray] = [np.empty(0)]
    for call in calls:
        for count in call.rows:
            rows = blocks.pop(0)
            assert len(rows) == count
            epochs[-1] = np.append(epochs[-1], rows)
            if len(epochs[-1]) == ROWS:
                epochs.append(np.empty(0))
    assert not blocks
    assert not len(epochs.pop())
    return epochs


def of_a_table(blocks: list[np.ndarray], seed: int) -> list[np.ndarray]:
    table = np.repeat(np.arange(ROWS, dtype=np.float32)[None], 2, axis=0)
    return in_epochs(train_table(START, table, RULE, np.random.default_rng(seed), range(3)), blocks)


def of_parts(blocks: list[np.ndarray], seed: int) -> list[np.ndarray]:
    given = parts(4), raw(1), RULE, np.random.default_rng(seed), range(3)
    return in_epochs(train_parts(START, *given), blocks)


@pytest.mark.parametrize("train", [of_a_table, of_parts])
@pytest.mark.parametrize("block", [2**21, 512], ids=["one block", "several blocks"])
def test_each_row_comes_once_an_epoch_in_another_order(
    monkeypatch: pytest.MonkeyPatch, train: Train, block: int
) -> None:
    """Whether the table is handed over whole or in blocks, or comes in parts."""
    monkeypatch.setattr(batching, "BLOCK", block)
    blocks = recorded(monkeypatch)
    epochs = train(blocks, 1)
    assert len(epochs) == 3
    for rows in epochs:
        np.testing.assert_array_equal(np.sort(rows), np.arange(ROWS))
    assert not np.array_equal(epochs[0], epochs[1])
    assert not np.array_equal(epochs[1], epochs[2])


@pytest.mark.parametrize("train", [of_a_table, of_parts])
def test_the_same_seed_gives_the_same_order_and_another_one_another(
    monkeypatch: pytest.MonkeyPatch, train: Train
) -> None:
    blocks = recorded(monkeypatch)
    one, again, other = (np.concatenate(train(blocks, seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("floats", [2**22, 1, 2 * 2 * 1024])
def test_how_many_epochs_are_handed_over_at_once_does_not_change_their_order(
    monkeypatch: pytest.MonkeyPatch, floats: int
) -> None:
    """All of them, one by one, and two at a time."""
    blocks = recorded(monkeypatch)
    expected = np.concatenate(of_a_table(blocks, 5))
    monkeypatch.setattr(batching, "FLOATS", floats)
    np.testing.assert_array_equal(np.concatenate(of_a_table(blocks, 5)), expected)


def test_parts_are_fed_in_whole_batches_across_their_borders() -> None:
    """Only the last batch of an epoch is short; what an epoch leaves over does not reach the next one."""
    rows = np.arange(float(ROWS))
    units = standardised(whitening(moments(np.column_stack([rows, rows]))), [False, False])
    fed = _from_parts(parts(4), units, np.random.default_rng(0), range(2), 200, BATCH)
    epochs: list[list[np.ndarray]] = [[]]
    for block, filled, shuffles in fed:
        assert filled % BATCH == 0 or shuffles is not None
        epochs[-1].append(block[0, 1, :filled].copy())
        if shuffles is not None:
            epochs.append([])
    first, second = (np.concatenate(blocks) for blocks in epochs[:2])
    assert epochs[2] == []
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(np.sort(first), np.sort(second))
    assert len(np.unique(first)) == ROWS


def test_pieces_stay_together_and_begin_elsewhere_in_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large table 128 rows in a row keep their order; picking single ones would cost the memory's latency."""
    blocks = recorded(monkeypatch)
    given = parts(1), raw(1), RULE, np.random.default_rng(3), range(2)
    first, second = in_epochs(train_parts(START, *given), blocks)
    for rows in (first, second):
        assert np.count_nonzero(np.diff(rows) == 1) > ROWS * 0.95
    breaks = [set((rows[1:][np.diff(rows) != 1] % batching.PIECE).tolist()) for rows in (first, second)]
    assert breaks[0] != breaks[1]
