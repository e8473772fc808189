"""The stage `validate`: each candidate's errors over the rows that its fits have not seen, against NumPy."""

from pathlib import Path

import numpy as np
import pytest

from tasks.fold import fold
from tasks.neuron.chance import rms_interval, sample_of
from tasks.outputs import model, validation
from tasks.outputs.model import TrainedModel
from tasks.outputs.parts import TEST
from tasks.store.artifact import Artifact
from tasks.store.writing import draft, publish
from tasks.validate import validate
from tests.test_fold import held, rows, training


def trained(root: Path, weight: float, bias: float) -> Artifact:
    with draft(root) as folder:
        model.write(folder, b"", TrainedModel(np.array([weight]), bias), np.array([1.0]))
        return publish(folder, root, "train")


def test_errors_are_pooled_over_the_folds(tmp_path: Path) -> None:
    """Of two candidates with a fit for each of three folds, over rows in several files."""
    dealt = training(tmp_path, rows(31), rows(8, start=31))
    folds = [fold.fn(dealt, number, 3, tmp_path) for number in range(3)]
    fits = [[(2.0, 1.0), (2.0, 2.0), (2.1, 1.0)], [(0.0, 0.0), (1.0, 0.0), (2.0, 1.0)]]
    models = [trained(tmp_path, *each) for its in fits for each in its]
    left = validate.fn(models, [each.starting_with(TEST) for each in folds], tmp_path)
    for its, found in zip(fits, validation.read(left, tmp_path), strict=True):
        squares = []
        for (weight, bias), each in zip(its, folds, strict=True):
            x = np.array(held(each, tmp_path, TEST))
            squares.append((weight * x + bias - (2 * x + 1)) ** 2)
        together = np.concatenate(squares)
        assert found.rmse == pytest.approx(np.sqrt(together.mean()))
        np.testing.assert_allclose(found.folds, [np.sqrt(each.mean()) for each in squares])
        assert (found.low, found.high) == pytest.approx(rms_interval(sample_of(together)))
