"""Stage `generate`: the example problem, drawn as its settings say."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.config import Problem
from tasks.generate import drawn, drawn_parts, generate

PROBLEM = Problem(rows=4000, noise=0.5, true_weights=(2.0, -3.0, 0.25), true_bias=5.0, lowest=-2, highest=8)


def test_rows_are_the_line_within_the_noise() -> None:
    """Uniform inputs over the whole range, and uniform noise of the given half-width."""
    inputs, targets = drawn(PROBLEM, 4000, np.random.default_rng(1))
    assert inputs.shape == (4000, 3)
    noise = targets - (inputs @ [2.0, -3.0, 0.25] + 5)
    assert 0.49 < np.abs(noise).max() <= 0.5
    assert (inputs.min() >= -2, inputs.max() < 8) == (True, True)
    assert np.abs(np.quantile(inputs, [0.25, 0.5, 0.75]) - [0.5, 3, 5.5]).max() < 0.2
    assert np.abs(np.corrcoef(inputs.T) - np.eye(3)).max() < 0.06


def test_without_noise_the_rows_lie_on_the_line() -> None:
    inputs, targets = drawn(PROBLEM.model_copy(update={"noise": 0.0}), 50, np.random.default_rng(1))
    np.testing.assert_array_equal(targets, inputs @ np.array([2.0, -3.0, 0.25]) + 5)


def test_parts_hold_all_rows_each_from_a_stream_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 1500)
    parts = [inputs for inputs, _ in drawn_parts(PROBLEM, 7)]
    assert len(parts) > 1
    assert sum(map(len, parts)) == 4000
    assert len({part[0, 0] for part in parts}) == len(parts)
    again = [inputs for inputs, _ in drawn_parts(PROBLEM, 7)]
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))
    assert not np.array_equal(parts[0], next(drawn_parts(PROBLEM, 8))[0])


def test_many_rows_leave_parts_and_few_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under names that sort, with a column for each input and one for the target."""
    few = generate.fn(PROBLEM, 3, tmp_path)
    assert len(few.files) == 1
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 1500)
    many = generate.fn(PROBLEM, 3, tmp_path)
    assert list(many.files) == sorted(many.files)
    tables = [pq.read_table(tmp_path / file.path) for file in many.files.values()]
    assert len(tables) > 1
    table = pa.concat_tables(tables)
    assert (table.num_rows, table.num_columns) == (4000, 4)
