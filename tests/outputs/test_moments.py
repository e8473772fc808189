"""Moments through an npz file: to the last bit, low parts too, beside other arrays."""

from dataclasses import fields
from pathlib import Path

import numpy as np

from tasks.neuron.moments import Moments, moments
from tasks.outputs.moments import as_arrays, from_arrays
from tasks.store.formats import read_npz, write_npz
from tests.neuron.examples import random_problem


def test_every_part_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    x, y = random_problem(0, 200, 3)
    expected = moments(np.column_stack([x + 1e9, y]))
    assert np.any(expected.products_low)
    write_npz(tmp_path / "m.npz", as_arrays(expected) | {"lowest": np.zeros(4)})
    found = from_arrays(read_npz(tmp_path / "m.npz"))
    assert type(found.rows) is int
    for field in fields(Moments):
        one, other = (np.asarray(getattr(each, field.name)) for each in (found, expected))
        assert one.tobytes() == other.tobytes(), field.name
    assert found.scatter.tobytes() == expected.scatter.tobytes()
