"""The estimator keeps scikit-learn's contract, and is the training that the flow runs."""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from tasks.neuron.estimator import LinearNeuronRegressor
from tasks.neuron.fit import fit

CHECKS = 50


# It asks for equality to 10⁻⁹, and both lie that near to least squares only: mini-batches of repeated rows are others
# than those of rows that count double. scikit-learn's own SGD regressor expects this failure, too.
REPEATED = "check_sample_weight_equivalence_on_dense_data"


def expected(_: LinearNeuronRegressor) -> dict[str, str]:
    return {REPEATED: "mini-batches of repeated rows are others than those of weighted ones"}


@pytest.mark.slow
@parametrize_with_checks([LinearNeuronRegressor(epochs=5)], expected_failed_checks=expected)  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    """Just one is expected to fail."""
    check(estimator)


def test_scikit_learn_has_many_checks() -> None:
    assert len(list(estimator_checks_generator(LinearNeuronRegressor()))) >= CHECKS


def drawn(rows: int = 60) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, 2))
    return X, X @ [2.0, -3.0] + 5.0 + rng.normal(0, 0.1, rows)


def test_it_is_the_training_of_the_flow_to_the_last_bit() -> None:
    X, y = drawn()
    fitted = fit(X, y, epochs=20, seed=3)
    found = LinearNeuronRegressor(epochs=20, seed=3).fit(X, y)
    np.testing.assert_array_equal(found.coef_, fitted.weights)
    assert found.intercept_ == fitted.bias
    np.testing.assert_array_equal(found.loss_, fitted.loss)


def test_it_is_least_squares() -> None:
    X, y = drawn()
    found = LinearNeuronRegressor().fit(X, y)
    np.testing.assert_allclose(found.coef_, np.linalg.lstsq(np.c_[X, np.ones(len(X))], y)[0][:2], rtol=1e-2)
    assert cross_val_score(found, X, y, cv=3).min() > 0.99


@pytest.mark.parametrize(("name", "value"), [("epochs", 0), ("recipe", "none"), ("learning_rate", -1.0)])
def test_a_parameter_that_cannot_be_used_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        LinearNeuronRegressor(**{name: value}).fit(*drawn())


def test_rows_count_by_their_weights() -> None:
    """Up to a factor, and rows of 0 not at all: weighted least squares, within what the training leaves."""
    X, y = drawn()
    weights = np.random.default_rng(1).integers(0, 4, len(y)).astype(float)
    found = LinearNeuronRegressor(epochs=20).fit(X, y, sample_weight=weights)
    root = np.sqrt(weights)
    exact = np.linalg.lstsq(np.c_[X, np.ones(len(X))] * root[:, None], y * root)[0]
    plain = np.linalg.lstsq(np.c_[X, np.ones(len(X))], y)[0]
    near = np.abs(plain - exact).max() / 10
    np.testing.assert_allclose([*found.coef_, found.intercept_], exact, rtol=0, atol=near)
    counts = weights.astype(int)
    repeated = LinearNeuronRegressor(epochs=20).fit(X.repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(repeated.coef_, exact[:2], rtol=0, atol=near)
    kept = weights > 0
    scaled = LinearNeuronRegressor(epochs=20).fit(X[kept], y[kept], 4 * weights[kept])
    np.testing.assert_allclose(scaled.coef_, found.coef_, rtol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(59), r"`sample_weight` has the shape \(59,\), with 60 rows; give a weight for each row"),
        (np.ones((60, 1)), r"`sample_weight` has the shape \(60, 1\)"),
        (np.full(60, -0.5), "`sample_weight` has a negative value, -0.5; give weights of 0 or more"),
        (np.zeros(60), "`sample_weight` is zero in all rows, so that none is left"),
        (np.full(60, np.nan), "sample_weight contains NaN"),
    ],
)
def test_weights_that_no_row_can_count_by_are_refused(weights: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearNeuronRegressor().fit(*drawn(), weights)
