"""What MLflow runs, by itself: the rows of a frame, whatever pandas makes of its types."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.table.model import served
from tasks.table.model.linear import CategoryInput, LinearModel


@pytest.mark.parametrize("values", [[1.0, 2.0, np.nan, 3.0], ["1", "2", None, "3"]])
def test_a_level_is_known_as_number_and_as_text(values: list[object], tmp_path: Path) -> None:
    """As by `predict`; a gap turns whole numbers into floats."""
    column = CategoryInput(name="k", weights={"1": 1.0, "2": 2.0}, reference="1", average=9.0, fill=True)
    model = LinearModel(target="y", bias=0.0, inputs=(column,))
    (tmp_path / "model.json").write_text(model.model_dump_json())
    found = served._load_pyfunc(str(tmp_path / "model.json")).predict(pd.DataFrame({"k": values}))
    assert found.tolist() == [1, 2, 9, 9]


def test_it_imports_nothing_of_the_project() -> None:
    source = Path(served.__file__).read_text(encoding="utf-8")
    assert "import tasks" not in source
    assert "from tasks" not in source
