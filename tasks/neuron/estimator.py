"""The neuron as a scikit-learn estimator: the same training on arrays, without Prefect and without a store."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from tasks.neuron.moments import Array
from tasks.neuron.options import Initializer, Options
from tasks.neuron.recipe import Recipe

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import check_is_fitted, validate_data
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "LinearNeuronRegressor needs the package scikit-learn; `pip install scikit-learn`",
        name=error.name,
    ) from error


class LinearNeuronRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no annotations
    """Linear regression by a single neuron and mini-batch SGD.

    The parameters are the training's settings, see `Options`.

    Attributes:
        coef_: (d,) float64, weights in raw units.
        intercept_: In units of the target; 0 without bias.
        loss_: (epochs,) running mean squared error of each epoch, in squared units of the target.
        n_features_in_: d.
        feature_names_in_: (d,) names, where a frame was given.
    """

    def __init__(
        self,
        *,
        recipe: Recipe = "calibrated",
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float | None = None,
        bias: bool = True,
        initializer: Initializer = "glorot_uniform",
        seed: int = 0,
    ) -> None:
        self.recipe = recipe
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.bias = bias
        self.initializer = initializer
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Train on n rows.

        Args:
            X: (n, d) finite numbers, as an array or a frame.
            y: (n,) finite numbers.

        Raises:
            Diverged: The loss left all bounds, or ended no lower than it began.
            ValueError: The rows or a parameter cannot be used.
        """
        features, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        options: dict[str, Any] = self.get_params()
        Options(**options)
        # TensorFlow takes seconds to import.
        from tasks.neuron.fit import fit

        fitted = fit(features, targets.astype(np.float64), **options)
        self.coef_, self.intercept_, self.loss_ = fitted.weights, fitted.bias, fitted.loss
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions (n,) for rows (n, d)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(features @ self.coef_ + self.intercept_)
