"""What the tests of the exports share: a model, and rows with gaps and with levels that no training row has."""

import pyarrow as pa
import pytest

from tasks.table.model.linear import LinearModel
from tests.table.model.test_linear import ROWS, drawn, model_of, with_new_levels


@pytest.fixture(scope="module", params=[False, True], ids=["gaps stay", "means fill gaps"])
def case(request: pytest.FixtureRequest) -> tuple[LinearModel, pa.Table]:
    """Return a model, and 10,000 other rows than it was made from."""
    return model_of(drawn(ROWS), fill=request.param), with_new_levels(drawn(ROWS, seed=1)).drop_columns("y")
