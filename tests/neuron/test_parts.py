"""Rows in parts: all of them, once, in pieces; and their moments are those of the table, however it is cut."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tasks.neuron import parts
from tasks.neuron.moments import Array, moments
from tasks.neuron.parts import Batch, MemoryPart, all_moments, leverage, part_moments
from tasks.neuron.scaling import whitened
from tasks.neuron.whitening import whitening
from tests.neuron.examples import random_problem


def cut(x: Array, y: Array, number: int) -> list[MemoryPart]:
    pairs = zip(np.array_split(x, number), np.array_split(y, number), strict=True)
    return [MemoryPart(Batch([*a.T], b)) for a, b in pairs]


def test_a_batch_has_its_columns_in_one_order() -> None:
    """The target comes last, and the matrix holds the features alone, in float64."""
    batch = Batch([np.array([1, 2, 3]), np.array([4, 5, 6], np.float32)], np.array([7.0, 8.0, 9.0]))
    assert batch.rows == 3
    assert [column.tolist() for column in batch.columns] == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert batch.matrix.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert batch.matrix.dtype == np.float64
    some = batch.cut(1, 9)
    assert [column.tolist() for column in some.columns] == [[2, 3], [5, 6], [8, 9]]
    assert np.shares_memory(some.target, batch.target)


def test_a_part_in_memory_comes_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, or by a generator in a random order of pieces; each row once."""
    monkeypatch.setattr(parts, "HELD", 10)
    part = MemoryPart(Batch([np.arange(95.0)], np.arange(95.0)))
    in_order = [batch.target for batch in part.batches()]
    assert [len(piece) for piece in in_order] == [10] * 9 + [5]
    np.testing.assert_array_equal(np.concatenate(in_order), np.arange(95))
    shuffled = [batch.target for batch in part.batches(np.random.default_rng(0))]
    assert [piece[0] for piece in shuffled] != [piece[0] for piece in in_order]
    assert sorted(piece[0] for piece in shuffled) == [piece[0] for piece in in_order]
    assert all((np.diff(piece) == 1).all() for piece in shuffled)


@pytest.mark.parametrize("number", [1, 3, 50])
def test_moments_of_parts_are_those_of_the_table(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Also where a part comes in several batches."""
    monkeypatch.setattr(parts, "HELD", 7)
    x, y = random_problem(1, 200, 3)
    found, table = all_moments(cut(x, y, number)), moments(np.column_stack([x, y]))
    assert found.rows == 200
    np.testing.assert_allclose(found.mean, table.mean, rtol=1e-15)
    np.testing.assert_allclose(found.scatter, table.scatter, rtol=1e-14)


def test_leverage_is_the_largest_of_any_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "BLOCK", 16)
    x, y = random_problem(2, 150, 2)
    x[77] *= 50
    white = whitening(moments(np.column_stack([x, y])))
    expected = (((x - white.centre) @ white.matrix) ** 2).sum(axis=1)
    assert expected.argmax() == 77
    assert leverage(cut(x, y, 4), whitened(white)) == pytest.approx(expected.max(), rel=1e-5)


class Empty(MemoryPart):
    """A part without a row."""

    def batches(self, rng: np.random.Generator | None = None) -> Iterator[Batch]:
        yield from ()


def test_a_part_without_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="a part holds no rows; leave empty files out"):
        part_moments(Empty(Batch([np.empty(0)], np.empty(0))), 1)
