"""Each export in a runtime of its own: 10,000 rows with gaps and unknown levels, as `predict` has them to 1e-9."""

import io
import shutil
import warnings
from pathlib import Path
from typing import Any, get_args

import duckdb
import numpy as np
import onnx
import onnxruntime
import openpyxl
import pandas as pd
import pyarrow as pa
import pytest
import schedula
import sklearn
import skops.io
import sqlglot
from sqlglot import exp

from flows.command.export import write
from tasks.config import Export
from tasks.table.errors import BadTable
from tasks.table.model import workbook
from tasks.table.model.exports import EXPORTS, export_of, exported
from tasks.table.model.linear import FILE, CategoryInput, LinearModel, NumberInput
from tasks.table.model.onnx_graph import missing_mark
from tasks.table.model.sql import expression
from tests.processes import imported
from tests.table.model.test_linear import HOSTILE, ROWS, agree, drawn, model_of, predicted, with_new_levels

MODEL = LinearModel(
    target="y", bias=1 / 3, inputs=(NumberInput(name="ü", weight=1e-300, mean=None),)
).checked()

Case = tuple[LinearModel, pa.Table]
Predictions = np.ndarray[Any, Any]

# Both warn of their own sources when they are first imported, and here warnings are errors.
with warnings.catch_warnings(action="ignore"):
    import formulas
    import mlflow.pyfunc

    formulas.get_functions()


@pytest.fixture(scope="module", params=[False, True], ids=["gaps stay", "means fill gaps"])
def case(request: pytest.FixtureRequest) -> Case:
    """A model, and other rows than it was made from."""
    return model_of(drawn(ROWS), fill=request.param), with_new_levels(drawn(ROWS, seed=1)).drop_columns("y")


def file_of(to: str, model: LinearModel) -> bytes:
    content = export_of(to, model)
    assert isinstance(content, bytes)
    return content


def test_the_formats_are_those_of_the_setting() -> None:
    assert list(EXPORTS) == list(get_args(Export.model_fields["to"].annotation))
    assert len({export.name for export in EXPORTS.values()}) == len(EXPORTS)


def test_a_run_leaves_files_under_their_names() -> None:
    """Those that need no further package; no interval where the model holds none."""
    files = exported(MODEL)
    assert set(files) == {FILE, "model.sql"}
    assert all(files.values())
    with pytest.raises(BadTable, match="`to` of 'sql-interval': the model holds no intervals"):
        export_of("sql-interval", MODEL)


def test_the_json_is_the_model_to_the_last_bit() -> None:
    """With its checksum, which `predict` holds it to."""
    assert LinearModel.model_validate_json(exported(MODEL)[FILE]) == MODEL


def test_the_sql_is_the_expression_in_utf_8() -> None:
    assert exported(MODEL)["model.sql"].decode() == expression(MODEL)


@pytest.mark.parametrize("to", ["json", "sql", "onnx", "pmml", "mlflow"])
def test_the_same_model_gives_the_same_bytes(to: str) -> None:
    assert export_of(to, MODEL) == export_of(to, MODEL.model_copy())


@pytest.mark.parametrize("dialect", ["sql", "tsql", "bigquery", "snowflake"])
def test_sql_as_its_dialect_is_read(case: Case, dialect: str) -> None:
    """Read by sqlglot's parser of the dialect, and computed by DuckDB."""
    model, rows = case
    text = file_of(dialect, model).decode()
    query = f"SELECT {text} AS found FROM t"  # noqa: S608
    parsed = sqlglot.parse_one(query, dialect="duckdb" if dialect == "sql" else dialect)
    with duckdb.connect() as database:
        database.register("t", rows)
        found = database.execute(parsed.transform(in_duckdb).sql(dialect="duckdb")).fetchall()
    agree([value for (value,) in found], predicted(model, rows))


def in_duckdb(node: Any) -> Any:
    """Write what DuckDB has no word for: it compares text by its bytes, and joins it by ||."""
    if isinstance(node, exp.Collate):
        return node.this
    if isinstance(node, exp.National):
        return exp.Literal.string(node.name)
    if isinstance(node, exp.Add) and isinstance(node.this, exp.Collate):
        return exp.DPipe(this=node.this.this, expression=exp.Literal.string("|"))
    return node


def test_blanks_and_case_count_in_sql_server() -> None:
    """Its text is compared by its code points, with a mark behind it, so that blanks at the end count."""
    given = {
        "type": "category",
        "name": "k]",
        "weights": {"it's": 1.0},
        "reference": "it's",
        "average": 0,
        "fill": True,
    }
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": [given]})
    compared = "CAST([k]]] AS NVARCHAR(4000)) COLLATE Latin1_General_100_BIN2 + N'|' = N'it''s|'"
    assert f"CASE WHEN {compared} THEN 1.0e0 ELSE 0.0e0 END" in file_of("tsql", model).decode()


def test_onnx(case: Case) -> None:
    """To the last bit, by onnxruntime, with the standard's operators in double precision."""
    model, rows = case
    content = file_of("onnx", model)
    session = onnxruntime.InferenceSession(content)
    (found,) = session.run(None, {column.name: onnx_column(column, rows) for column in model.inputs})
    np.testing.assert_array_equal(found.ravel(), predicted(model, rows))
    graph = onnx.load_from_string(content)
    assert {entry.domain for entry in graph.opset_import} == {"", "ai.onnx.ml"}
    assert content == file_of("onnx", model)
    marks = {each.name: each.doc_string for each in graph.graph.input}
    assert marks[HOSTILE[0]] == "A missing value is NaN."
    assert marks[HOSTILE[2]] == "A missing value is '␀'."


def onnx_column(column: Any, rows: pa.Table) -> Any:
    if isinstance(column, CategoryInput):
        values = [missing_mark(column) if value is None else value for value in rows[column.name].to_pylist()]
        return np.array(values, dtype=object)[:, None]
    return rows[column.name].to_numpy()[:, None]


def test_pmml(case: Case) -> None:
    """By PMML4S."""
    if shutil.which("java") is None:
        pytest.skip("no Java here: apt-get install default-jre-headless")
    import pypmml

    model, rows = case
    read = pypmml.Model.fromString(file_of("pmml", model).decode())
    found = read.predict(rows.to_pandas())
    agree(found["predicted_y"].astype(float).tolist(), predicted(model, rows))


def test_excel(case: Case) -> None:
    """The formula that the workbook holds, by another implementation of Excel's functions."""
    model, rows = case
    sheet = openpyxl.load_workbook(io.BytesIO(file_of("excel", model))).active
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
    sheet = openpyxl.load_workbook(io.BytesIO(file_of("excel", model))).active
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
    compiled = formulas.Parser().ast(workbook.formula(model))[1].compile()
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
        export_of("excel", model)
    assert reason in str(refused.value)
    assert str(refused.value).endswith("export another format, such as sql")


def test_pmml_refuses_what_is_no_xml() -> None:
    inputs = [{"type": "number", "name": "a\x00", "weight": 1, "mean": None}]
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": inputs})
    with pytest.raises(BadTable, match="has a character that XML cannot hold; export another format"):
        export_of("pmml", model)


def test_skops(case: Case) -> None:
    """A pipeline of scikit-learn's own classes; text in either of pandas' types."""
    model, rows = case
    read = skops.io.loads(file_of("skops", model), trusted=["numpy.dtype"])
    texts = [HOSTILE[2], HOSTILE[4]]
    with sklearn.config_context(assume_finite=True):
        for frame in (rows.to_pandas(), rows.to_pandas().astype(dict.fromkeys(texts, object))):
            agree(read.predict(frame), predicted(model, rows))


def test_skops_refuses_gaps_that_nothing_fills() -> None:
    model = model_of(drawn(100), fill=False)
    read = skops.io.loads(file_of("skops", model), trusted=["numpy.dtype"])
    with pytest.raises(ValueError, match="contains NaN"):
        read.predict(drawn(100).to_pandas())


def test_mlflow(case: Case, tmp_path: Path) -> None:
    """Loaded by MLflow, without a pickle; whole numbers may come as such."""
    model, rows = case
    write(export_of("mlflow", model), tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    np.testing.assert_array_equal(loaded.predict(rows.to_pandas()), predicted(model, rows))
    whole = rows.to_pandas().dropna()
    whole[HOSTILE[3]] = whole[HOSTILE[3]].astype(int)
    expected = predicted(model, pa.Table.from_pandas(whole, preserve_index=False))
    np.testing.assert_array_equal(loaded.predict(whole), expected)
    names = {
        path.relative_to(tmp_path / "model").as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert {"MLmodel", "model.json", "code/linear_neuron_served.py", "requirements.txt"} < names
    assert loaded.metadata.get_input_schema().input_names() == HOSTILE


def test_mlflow_takes_numbers_for_levels(tmp_path: Path) -> None:
    """As `predict` does: whole numbers, which a gap turns into floats."""
    given = {
        "type": "category",
        "name": "k",
        "weights": {"1": 1, "2": 2},
        "reference": "1",
        "average": 9,
        "fill": True,
    }
    model = LinearModel.model_validate({"target": "y", "bias": 0, "inputs": [given]})
    write(export_of("mlflow", model), tmp_path / "model")
    loaded = mlflow.pyfunc.load_model(str(tmp_path / "model"))
    assert loaded.predict(pd.DataFrame({"k": [1.0, 2.0, np.nan, 3.0]})).tolist() == [1, 2, 9, 9]


@pytest.mark.parametrize(("to", "package"), [("onnx", "onnx"), ("excel", "openpyxl"), ("skops", "skops")])
def test_a_missing_package_is_named(to: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    known = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadTable) as refused:
        export_of(to, model_of(drawn(100), fill=True))
    assert str(refused.value) == (
        f"`to` of {to!r} needs the package {package}; install linear-neuron[{to}], or that package"
    )


def test_the_list_of_formats_is_cheap() -> None:
    """A run imports it: it must not import what writes the formats."""
    modules = imported("import tasks.table.model.exports")
    assert not modules & {"onnx", "openpyxl", "skops", "sklearn", "pandas", "mlflow"}
