"""The formats: which there are, what each run leaves, SQL's dialects, and what is said where a package is missing."""

import builtins
from typing import Any, get_args

import duckdb
import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from tasks.config import Export
from tasks.table.errors import BadTable
from tasks.table.model.exports import EXPORTS, export_of, exported
from tasks.table.model.linear import FILE, LinearModel, NumberInput
from tasks.table.model.sql import expression
from tests.processes import imported
from tests.table.model.test_linear import agree, drawn, model_of, predicted

MODEL = LinearModel(
    target="y", bias=1 / 3, inputs=(NumberInput(name="ü", weight=1e-300, mean=None),)
).checked()

Case = tuple[LinearModel, pa.Table]


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


@pytest.mark.parametrize(("to", "package"), [("onnx", "onnx"), ("excel", "openpyxl"), ("skops", "skops")])
def test_a_missing_package_is_named(to: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        return known(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(BadTable) as refused:
        export_of(to, model_of(drawn(100), fill=True))
    assert str(refused.value) == (
        f"`to` of {to!r} needs the package {package}; `pip install '.[{to}]'` in the checkout"
    )


def test_the_list_of_formats_is_cheap() -> None:
    """A run imports it: it must not import what writes the formats."""
    modules = imported("import tasks.table.model.exports")
    assert not modules & {"onnx", "openpyxl", "skops", "sklearn", "pandas", "mlflow"}
