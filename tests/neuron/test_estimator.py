"""The estimator keeps scikit-learn's contract, and is the training that the flow runs."""

from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from tasks.neuron.estimator import LinearNeuronRegressor
from tasks.neuron.fit import fit

CHECKS = 50


@pytest.mark.slow
@parametrize_with_checks([LinearNeuronRegressor(epochs=5)])  # type: ignore[untyped-decorator]
def test_scikit_learns_own_checks(estimator: Any, check: Any) -> None:
    """None is expected to fail."""
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
