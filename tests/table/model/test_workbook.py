"""The Excel workbook, by another implementation of Excel's functions."""

import io
import warnings
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pytest
import schedula

from tasks.table.errors import BadTable
from tasks.table.model.linear import LinearModel
from tasks.table.model.workbook import as_workbook, formula
from tests.table.model.test_linear import HOSTILE, agree, predicted

# It warns of its own sources when it is first imported, and here warnings are errors.
with warnings.catch_warnings(action="ignore"):
    import formulas

    formulas.get_functions()


Case = tuple[LinearModel, pa.Table]


def test_excel(case: Case) -> None:
    """The formula that the workbook holds, by another implementation of Excel's functions."""
    model, rows = case
    sheet = openpyxl.load_workbook(io.BytesIO(as_workbook(model))).active
    assert [cell.value for cell in sheet[1]] == [*HOSTILE, "predicted_y"]
    compiled = formulas.Parser().ast(sheet.cell(2, len(HOSTILE) + 1).value)[1].compile()
    assert list(compiled.inputs) == ["A2", "B2", "C2", "D2", "E2"]
    found = compiled(*(excel_column(rows[name].to_pylist()) for name in HOSTILE))
    numbers = [value if isinstance(value, float) else np.nan for value in np.ravel(found).tolist()]
    agree(numbers, predicted(model, rows))


def excel_column(values: list[Any]) -> Any:
    column = np.empty((len(values), 1), dtype=object)
    column[:, 0] = [schedula.EMPTY if value is None else value for value in values]
    return column.view(formulas.functions.Array)


def test_excel_takes_no_name_for_a_formula() -> None:
    inputs = [{"type": "number", "name": "=1+1", "weight": 1, "mean": None}]
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": inputs})
    sheet = openpyxl.load_workbook(io.BytesIO(as_workbook(model))).active
    assert (sheet["A1"].value, sheet["A1"].data_type) == ("=1+1", "s")


def test_excel_chooses_among_more_levels_than_a_function_takes() -> None:
    weights = {f"{number}": float(number) for number in range(300)}
    given = {
        "type": "category",
        "name": "k",
        "weights": weights,
        "reference": "0",
        "average": -1,
        "fill": True,
    }
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": [given]})
    compiled = formulas.Parser().ast(formula(model))[1].compile()
    found = compiled(excel_column([*weights, "new", None]))
    assert np.ravel(found).tolist() == [*weights.values(), -1, -1]


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        (["x" * 256], "the level 'xxx"),
        ([f"level {number:04}" for number in range(400)], "the formula would have 10,"),
        (["\x07"], r"'\x07' has a character"),
    ],
)
def test_excel_refuses_what_is_beyond_it(levels: list[str], reason: str) -> None:
    weights = dict.fromkeys(levels, 0.5)
    given = {
        "type": "category",
        "name": "k",
        "weights": weights,
        "reference": levels[0],
        "average": 0,
        "fill": True,
    }
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": [given]})
    with pytest.raises(BadTable) as refused:
        as_workbook(model)
    assert reason in str(refused.value)
    assert str(refused.value).endswith("export another format, such as sql")
