"""The scikit-learn pipeline, read back from skops's format."""

import pyarrow as pa
import pytest
import sklearn
import skops.io

from tasks.table.model.linear import LinearModel
from tasks.table.model.pipeline import as_skops
from tests.table.model.test_linear import HOSTILE, agree, drawn, model_of, predicted

Case = tuple[LinearModel, pa.Table]


def test_skops(case: Case) -> None:
    """A pipeline of scikit-learn's own classes; text in either of pandas' types."""
    model, rows = case
    read = skops.io.loads(as_skops(model), trusted=["numpy.dtype"])
    texts = [HOSTILE[2], HOSTILE[4]]
    with sklearn.config_context(assume_finite=True):
        for frame in (rows.to_pandas(), rows.to_pandas().astype(dict.fromkeys(texts, object))):
            agree(read.predict(frame), predicted(model, rows))


def test_skops_refuses_gaps_that_nothing_fills() -> None:
    model = model_of(drawn(100), fill=False)
    read = skops.io.loads(as_skops(model), trusted=["numpy.dtype"])
    with pytest.raises(ValueError, match="contains NaN"):
        read.predict(drawn(100).to_pandas())
