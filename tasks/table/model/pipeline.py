"""The model as a scikit-learn pipeline in skops's format, which holds no pickle: https://skops.readthedocs.io.

The pipeline takes a pandas frame with the user's columns. It is made of scikit-learn's own classes alone, so that
nothing of linear-neuron is needed where it is loaded. Where means replace missing values, the reader has to trust one
more type, a number's: `skops.io.load("model.skops", trusted=["numpy.dtype"])`.
"""

from typing import Any

import numpy as np

from tasks.table.model.linear import CategoryInput, LinearModel, NumberInput


def as_skops(model: LinearModel) -> bytes | None:
    """Write the pipeline; None of a model of a logarithm, which takes a function of its own that skops would not trust.

    Raises:
        ModuleNotFoundError: without the package skops.
    """
    from skops import io

    if model.smearing is not None:
        return None
    return bytes(io.dumps(pipeline(model)))


def pipeline(model: LinearModel) -> Any:
    """Return the fitted `sklearn.pipeline.Pipeline`.

    Where the model has no prediction for a row with a missing value, scikit-learn refuses the rows; under
    `sklearn.config_context(assume_finite=True)` it returns NaN for that row.
    """
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline

    encoders = [(f"{place}", _encoder(column), [column.name]) for place, column in enumerate(model.plain)]
    encode, add_up = ColumnTransformer(encoders), LinearRegression()

    # Fitted to two rows, which gives every part its shape, and then set to what the model holds.
    example = pd.DataFrame({column.name: _example(column) for column in model.plain})
    both = make_pipeline(encode, add_up).fit(example, [0.0, 1.0])
    for place, column in enumerate(model.plain):
        if isinstance(column, CategoryInput):
            encoder = encode.named_transformers_[f"{place}"]
            encoder.encodings_ = [np.array([column.weights.get(level, np.nan) for level in _levels(column)])]
            encoder.target_mean_ = column.average
    weights = [column.weight if isinstance(column, NumberInput) else 1.0 for column in model.plain]
    add_up.coef_, add_up.intercept_ = np.array(weights), model.bias
    return both


def _encoder(column: NumberInput | CategoryInput) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import TargetEncoder

    if isinstance(column, CategoryInput):
        levels = np.array(_levels(column), dtype=object)
        return TargetEncoder(categories=[levels], target_type="continuous", cv=2)
    filled = column.mean is not None
    return SimpleImputer(strategy="constant", fill_value=column.mean) if filled else "passthrough"


def _example(column: NumberInput | CategoryInput) -> list[float] | list[str]:
    return [0.0, 1.0] if isinstance(column, NumberInput) else [next(iter(column.weights))] * 2


def _levels(column: CategoryInput) -> list[Any]:
    """Return what has an encoding of its own; an unknown level gets the average.

    A missing value is unknown too where the average replaces it, else it is a level, whose weight is NaN.
    """
    return [*column.weights] if column.fill else [*column.weights, None, np.nan]
