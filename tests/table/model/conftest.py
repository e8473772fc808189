"""What the tests of the exports share: a model, and rows with gaps and with levels that no training row has."""

import pyarrow as pa
import pytest

from tasks.table.model.linear import LinearModel
from tests.table.model.test_linear import ROWS, drawn, model_of, of_logarithm, with_new_levels


@pytest.fixture(scope="module", params=[False, True, None], ids=["gaps stay", "means fill gaps", "logarithm"])
def case(request: pytest.FixtureRequest) -> tuple[LinearModel, pa.Table]:
    """Return a model, and 10,000 other rows than it was made from."""
    model = model_of(drawn(ROWS), fill=request.param is not False)
    rows = with_new_levels(drawn(ROWS, seed=1)).drop_columns("y")
    return of_logarithm(model) if request.param is None else model, rows
