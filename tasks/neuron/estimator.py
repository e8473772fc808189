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
    from sklearn.utils.validation import check_array, check_is_fitted, validate_data
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

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Train on n rows.

        Args:
            X: (n, d) finite numbers, as an array or a frame.
            y: (n,) finite numbers.
            sample_weight: (n,) finite numbers by which rows count, up to a factor; rows of 0 are left out. All count as
                one by default.

        Raises:
            Diverged: The loss left all bounds, or ended no lower than it began.
            ValueError: The rows, their weights or a parameter cannot be used.
        """
        features, targets = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        weights = None if sample_weight is None else _weights(sample_weight, len(targets))
        if weights is not None:
            counts = weights > 0
            features, targets, weights = features[counts], targets[counts], weights[counts]
        options: dict[str, Any] = self.get_params()
        Options(**options)
        # TensorFlow takes seconds to import.
        from tasks.neuron.fit import fit

        fitted = fit(features, targets.astype(np.float64), weights=weights, **options)
        self.coef_, self.intercept_, self.loss_ = fitted.weights, fitted.bias, fitted.loss
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Return the predictions (n,) for rows (n, d)."""
        check_is_fitted(self)
        features = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(features @ self.coef_ + self.intercept_)


def _weights(given: ArrayLike, rows: int) -> Array:
    """Return weights (n,) as float64.

    Raises:
        ValueError: They are not one for each row, not finite, negative, or all 0.
    """
    found = np.asarray(check_array(given, dtype=np.float64, ensure_2d=False, input_name="sample_weight"))
    if found.shape != (rows,):
        raise ValueError(
            f"`sample_weight` has the shape {found.shape}, with {rows} rows; give a weight for each row"
        )
    if (found < 0).any():
        raise ValueError(f"`sample_weight` has a negative value, {found.min():g}; give weights of 0 or more")
    if not found.any():
        raise ValueError(
            "`sample_weight` is zero in all rows, so that none is left; give one of them a weight"
        )
    return found
