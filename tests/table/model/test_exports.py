"""The model's files for other programs, by name."""

from tasks.table.model.exports import EXPORTS, exported
from tasks.table.model.linear import FILE, LinearModel, NumberInput
from tasks.table.model.sql import expression

MODEL = LinearModel(
    target="y", bias=1 / 3, inputs=(NumberInput(name="ü", weight=1e-300, mean=None),)
).checked()


def test_each_export_is_a_file_under_its_name() -> None:
    files = exported(MODEL)
    assert set(files) == set(EXPORTS) - {"model_interval.sql"} >= {FILE, "model.sql"}  # it holds no intervals
    assert all(files.values())


def test_the_json_is_the_model_to_the_last_bit() -> None:
    """With its checksum, which `predict` holds it to."""
    assert LinearModel.model_validate_json(exported(MODEL)[FILE]) == MODEL


def test_the_sql_is_the_expression_in_utf_8() -> None:
    assert exported(MODEL)["model.sql"].decode() == expression(MODEL)


def test_the_same_model_gives_the_same_bytes() -> None:
    assert exported(MODEL) == exported(MODEL.model_copy())
