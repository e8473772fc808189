"""What `split` leaves is read back the same; training is handed nothing of the test rows."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tasks.neuron.moments import moments
from tasks.neuron.parts import Batch, MemoryPart
from tasks.neuron.profile import profile
from tasks.outputs import parts
from tasks.outputs.parts import TEST, TRAIN, PartsFacts
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tests.neuron.examples import random_problem
from tests.rows import read_table

FACTS = PartsFacts(features=("a", "b"), target="y")
X, Y = random_problem(3, 30, 2)
ROWS = pa.table({"a": X[:, 0], "b": X[:, 1].astype(np.float32), "y": Y})


def left(root: Path, *, in_parts: bool, tests: int = 6) -> Artifact:
    """Leave the first rows for training, as one file or as two, and the last ones as the test."""
    train, test = ROWS.slice(0, 30 - tests), ROWS.slice(30 - tests)
    with draft(root) as folder:
        if in_parts:
            parts.write_rows_part(folder, TRAIN, 0, train.slice(0, 10))
            parts.write_rows_part(folder, TRAIN, 1, train.slice(10))
        else:
            parts.write_rows(folder, TRAIN, train)
        if tests:
            parts.write_rows(folder, TEST, test)
        columns = [column.to_numpy() for column in train.columns]
        batch = Batch(columns[:-1], columns[-1])
        parts.write_profile(folder, profile([MemoryPart(batch)], 8))
        return publish(folder, root, "split", FACTS.as_json())


@pytest.mark.parametrize("in_parts", [False, True])
def test_rows_come_back_by_part(tmp_path: Path, in_parts: bool) -> None:
    """As a table, and as batches whose target is the last column."""
    artifact = left(tmp_path, in_parts=in_parts)
    assert parts.read_facts(artifact) == FACTS
    assert read_table(artifact, tmp_path, TRAIN).to_pydict() == ROWS.slice(0, 24).to_pydict()
    assert read_table(artifact, tmp_path, TEST).to_pydict() == ROWS.slice(24).to_pydict()
    opened = parts.read_parts(artifact, tmp_path, TRAIN)
    assert [part.rows for part in opened] == ([10, 14] if in_parts else [24])
    batches = [batch for part in opened for batch in part.batches()]
    np.testing.assert_array_equal(np.concatenate([batch.target for batch in batches]), Y[:24])
    np.testing.assert_array_equal(np.concatenate([batch.features[0] for batch in batches]), X[:24, 0])


def test_without_test_rows_there_is_no_file_for_them(tmp_path: Path) -> None:
    assert parts.read_parts(left(tmp_path, in_parts=False, tests=0), tmp_path, TEST) == []


def test_the_profile_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    """Moments, range and sample of the training rows alone."""
    found = parts.read_profile(left(tmp_path, in_parts=False), tmp_path)
    train = np.column_stack([column.to_numpy() for column in ROWS.slice(0, 24).columns]).astype(float)
    np.testing.assert_allclose(found.moments.scatter, moments(train).scatter, rtol=1e-12)
    np.testing.assert_array_equal(found.lowest, train.min(axis=0))
    np.testing.assert_array_equal(found.highest, train.max(axis=0))
    assert found.sample.rows <= 24
    again = parts.read_profile(left(tmp_path, in_parts=False), tmp_path)
    assert again.moments.gram.tobytes() == found.moments.gram.tobytes()


def test_training_is_handed_nothing_of_the_test_rows(tmp_path: Path) -> None:
    """Neither their files nor facts that could depend on them: other test rows are the same training."""
    one = parts.training_part(left(tmp_path, in_parts=True))
    assert sorted(one.files) == ["profile.npz", "train-00000.parquet", "train-00001.parquet"]
    with draft(tmp_path) as folder:
        parts.write_rows_part(folder, TRAIN, 0, ROWS.slice(0, 10))
        parts.write_rows_part(folder, TRAIN, 1, ROWS.slice(10, 14))
        parts.write_rows(folder, TEST, ROWS.slice(27))
        columns = [column.to_numpy() for column in ROWS.slice(0, 24).columns]
        parts.write_profile(folder, profile([MemoryPart(Batch(columns[:-1], columns[-1]))], 8))
        other = parts.training_part(publish(folder, tmp_path, "split", FACTS.as_json()))
    assert one.contents() == other.contents()
