"""What intervals need comes back from the store; how they come out is tested with the model's own `uncertainty`."""

from pathlib import Path

import numpy as np
import pytest

from tasks.neuron.least_squares import solve
from tasks.outputs import uncertainty
from tasks.outputs.uncertainty import LARGEST, MOST_RANKS, fit_uncertainty
from tasks.store.writing import draft, publish
from tasks.table.encoding import Encoding, Number
from tests.neuron.examples import doubled, random_problem

ENCODING = Encoding(target="y", columns=tuple(Number(name=name, mean=None) for name in ("a", "b", "c", "d")))


def test_it_comes_back_in_terms_of_the_users_columns(tmp_path: Path) -> None:
    """Of a column that is dropped nothing is left."""
    reference = solve(*doubled(*random_problem(0, 100, 2)))
    found = fit_uncertainty(reference, 97.0, 1.98, np.array([3.0, 1.0, 2.0]))
    with draft(tmp_path) as folder:
        uncertainty.write(folder, found)
        artifact = publish(folder, tmp_path, "evaluate")
    normal, conformal = uncertainty.read(artifact, tmp_path, ENCODING)
    assert normal is not None
    assert [column.column for column in normal.design] == ["a", "c"]
    assert (normal.residual_deviation, normal.degrees_of_freedom, normal.critical) == (1.0, 97, 1.98)
    assert [len(column) for column in normal.inverse] == [1, 2]
    assert conformal is not None
    assert (conformal.rows, conformal.errors) == (3, (1.0, 2.0, 3.0))


def test_weights_of_the_errors_come_back_too(tmp_path: Path) -> None:
    """As shares up to each of them; a new row counts as the heaviest."""
    reference, errors = solve(*random_problem(0, 100, 4)), np.array([3.0, 1.0, 2.0])
    with draft(tmp_path) as folder:
        uncertainty.write(folder, fit_uncertainty(reference, 97.0, 1.98, errors, np.array([4.0, 1.0, 2.0])))
        artifact = publish(folder, tmp_path, "evaluate")
    _, conformal = uncertainty.read(artifact, tmp_path, ENCODING)
    assert conformal is not None
    assert (conformal.errors, conformal.shares) == ((1.0, 2.0, 3.0), (1 / 11, 3 / 11, 7 / 11))


@pytest.mark.parametrize("rows", [0, 1, 5, 1001, 100_000])
def test_of_many_errors_evenly_spread_ranks_and_all_of_the_largest_are_kept(rows: int) -> None:
    errors = np.random.default_rng(0).normal(size=rows) ** 2
    found = fit_uncertainty(solve(*random_problem(0, 50, 2)), 1.0, 2.0, errors)
    count, *ranks = found.ranks.tolist()
    assert count == rows
    assert len(ranks) == len(found.errors) <= MOST_RANKS + LARGEST + 1
    if rows:
        assert ranks[0] == 1
        assert ranks[-LARGEST:] == [*range(max(1, rows - LARGEST + 1), rows + 1)]
        np.testing.assert_array_equal(found.errors, np.sort(errors)[np.array(ranks) - 1])


def test_without_degrees_of_freedom_there_is_no_interval(tmp_path: Path) -> None:
    reference = solve(np.array([[1.0], [2.0]]), np.array([1.0, 3.0]))
    with draft(tmp_path) as folder:
        uncertainty.write(folder, fit_uncertainty(reference, 0.0, np.nan, np.empty(0)))
        artifact = publish(folder, tmp_path, "evaluate")
    assert uncertainty.read(artifact, tmp_path, ENCODING) == (None, None)
