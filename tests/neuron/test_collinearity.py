"""Columns that make a fit doubtful are named, others are not."""

import numpy as np

from tasks.neuron.collinearity import collinearity_notes
from tasks.neuron.least_squares import solve, solve_moments
from tasks.neuron.moments import moments
from tests.neuron.examples import example_problem, random_problem

DEPENDENT = (
    "columns 'x' and 'twice' depend on each other: their weights are not determined, only their sum of effects is; "
    "the weight of 'twice' is set to 0"
)


def test_ordinary_columns_need_no_remark() -> None:
    x, y = example_problem(0)
    assert list(collinearity_notes(["x", "z"], solve(x, y))) == []


def test_undetermined_columns_are_named() -> None:
    """Constant ones and copies, by either way of solving."""
    x, y = example_problem(0)
    wide = np.column_stack([np.ones(800), x, x[:, 0] * 2])
    for reference in (solve(wide, y), solve_moments(moments(np.column_stack([wide, y])))):
        assert list(collinearity_notes(["one", "x", "z", "twice"], reference)) == [
            "column 'one' is constant: its weight is not determined, and set to 0",
            DEPENDENT,
        ]


def test_nearly_dependent_columns_are_named_with_their_price() -> None:
    """The factor is that of the standard errors: √ of the variance inflation."""
    x, y = example_problem(0)
    close = np.column_stack([x, x[:, 0] + 0.01 * np.random.default_rng(0).normal(size=800)])
    reference, alone = solve(close, y), solve(x, y)
    said = list(collinearity_notes(["x", "z", "near"], reference))
    assert len(said) == 2
    assert said[0].startswith("column 'x' nearly depends on the others: its weight's standard error is ")
    factor = float(said[0].split(" times")[0].split()[-1].replace(",", ""))
    np.testing.assert_allclose(factor, reference.standard_errors[0] / alone.standard_errors[0], rtol=0.01)


def test_columns_of_very_different_size_are_named() -> None:
    x, y = random_problem(0, 300, 2)
    said = list(collinearity_notes(["small", "large"], solve(x * [1e-5, 1e5], y)))
    assert len(said) == 1
    assert "the features differ in scale" in said[0]
    assert "'small'" in said[0]
    assert "'large'" in said[0]


def test_inflation_is_that_of_the_regression_on_the_others() -> None:
    """1 / (1 − R²) from NumPy's own least squares."""
    x = random_problem(3, 200, 3)[0]
    x[:, 2] += x[:, 0] * 500
    centred = x - x.mean(axis=0)
    found = solve(x, np.arange(200.0)).factor.inflation
    for column in range(3):
        others = np.delete(centred, column, axis=1)
        rest = centred[:, column] - others @ np.linalg.lstsq(others, centred[:, column])[0]
        np.testing.assert_allclose(
            found[column], (centred[:, column] ** 2).sum() / (rest**2).sum(), rtol=1e-6
        )
