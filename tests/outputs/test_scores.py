"""Predictions come back by part, all of them or a sample of bounded size."""

from pathlib import Path

import numpy as np
import pytest

from tasks.outputs import scores
from tasks.outputs.scores import file_names, prediction_writer, read_predictions
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish

ACTUAL = np.arange(2700.0)


def left(root: Path, files: int) -> Artifact:
    """Leave predictions of 2,700 rows, the last third of each file for the test."""
    with draft(root) as folder:
        for name, rows in zip(
            file_names(files, in_parts=files > 1), np.array_split(ACTUAL, files), strict=True
        ):
            cut = 2 * len(rows) // 3
            with prediction_writer(folder, name) as writer:
                writer.append("train", rows[:cut], rows[:cut] / 3)
                writer.append("test", rows[cut:], rows[cut:] / 3)
        return publish(folder, root, "evaluate")


@pytest.mark.parametrize("files", [1, 3])
def test_every_prediction_is_found_beside_its_actual_value(tmp_path: Path, files: int) -> None:
    found = read_predictions(left(tmp_path, files), tmp_path, 10**6)
    assert list(found) == ["train", "test"]
    np.testing.assert_array_equal(np.sort(np.concatenate([pair[0] for pair in found.values()])), ACTUAL)
    assert len(found["train"][0]) == 1800
    for actual, predicted in found.values():
        np.testing.assert_array_equal(predicted, actual / 3)


def test_of_many_files_as_many_rows_are_read_as_asked_for(tmp_path: Path) -> None:
    """The first ones of each, since large data lies in random order; of a single file a random sample."""
    found = read_predictions(left(tmp_path, 3), tmp_path, 30)
    assert np.concatenate([pair[0] for pair in found.values()]).tolist() == [
        number for start in (0.0, 900.0, 1800.0) for number in np.arange(start, start + 10)
    ]
    some = np.concatenate([pair[0] for pair in read_predictions(left(tmp_path, 1), tmp_path, 30).values()])
    assert len(np.unique(some)) == 30
    assert ACTUAL.min() < some.min() < np.median(ACTUAL) < some.max() < ACTUAL.max()


def test_a_sample_keeps_parts_and_order_whatever_the_blocks_that_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows drawn are those of the whole table at the numbers drawn."""
    artifact = left(tmp_path, 1)
    chosen = np.sort(np.random.default_rng(0).choice(2700, 700, replace=False, shuffle=False))
    for rows in (100, 901, 10**6):
        monkeypatch.setattr(scores, "GROUP_ROWS", rows)
        found = read_predictions(artifact, tmp_path, 700)
        np.testing.assert_array_equal(found["train"][0], ACTUAL[chosen[chosen < 1800]])
        np.testing.assert_array_equal(found["test"][0], ACTUAL[chosen[chosen >= 1800]])


def test_one_file_for_all_rows_in_memory() -> None:
    assert file_names(2, in_parts=False) == ["predictions.parquet"] * 2
