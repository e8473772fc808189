"""The scikit-learn pipeline, read back from skops's format."""

import pyarrow as pa
import pytest
import sklearn
import skops.io

from tasks.table.errors import BadTable
from tasks.table.model.exports import export_of
from tasks.table.model.linear import LinearModel
from tasks.table.model.pipeline import as_skops
from tests.table.model.test_linear import HOSTILE, agree, drawn, model_of, predicted

Case = tuple[LinearModel, pa.Table]


def test_skops(case: Case) -> None:
    """A pipeline of scikit-learn's own classes; text in either of pandas' types."""
    model, rows = case
    if model.smearing is not None:
        with pytest.raises(BadTable, match=r"`to` of 'skops' cannot hold a model of the target's logarithm"):
            export_of("skops", model)
        return
    read = skops.io.loads(as_skops(model) or b"", trusted=["numpy.dtype"])
    texts = [HOSTILE[2], HOSTILE[4]]
    with sklearn.config_context(assume_finite=True):
        for frame in (rows.to_pandas(), rows.to_pandas().astype(dict.fromkeys(texts, object))):
            agree(read.predict(frame), predicted(model, rows))


def test_skops_refuses_gaps_that_nothing_fills() -> None:
    model = model_of(drawn(100), fill=False)
    read = skops.io.loads(as_skops(model) or b"", trusted=["numpy.dtype"])
    with pytest.raises(ValueError, match="contains NaN"):
        read.predict(drawn(100).to_pandas())
