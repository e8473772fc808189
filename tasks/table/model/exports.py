"""The fitted model for other programs, by format; a new export is a module, and an entry here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from tasks.table.errors import BadTable, quoted
from tasks.table.model.linear import FILE, LinearModel
from tasks.table.model.mlflow_folder import as_mlflow
from tasks.table.model.onnx_graph import as_onnx
from tasks.table.model.pipeline import as_skops
from tasks.table.model.pmml import as_pmml
from tasks.table.model.sql import MOST_SQUARES, expression, half_width
from tasks.table.model.sql_dialect import DIALECTS, STANDARD, SqlDialect
from tasks.table.model.workbook import as_workbook


@dataclass(frozen=True, slots=True)
class ModelFormat:
    """A form of the model.

    Attributes:
        name: Of the file, or of the folder.
        write: Returns its content, or, of a folder, those of its files by their paths in it; None where
            the model does not hold what it is made of.
        does: What it is, for a list of the formats.
        extra: The extra of linear-neuron that it needs.
        in_runs: Whether every run leaves it; the others are written on demand.
        has_terms: Whether it can hold terms.
    """

    name: str
    write: Callable[[LinearModel], bytes | Mapping[str, bytes] | None]
    does: str
    extra: str | None = None
    in_runs: bool = False
    has_terms: bool = True


def as_json(model: LinearModel) -> bytes:
    """Write the model as `predict` reads it."""
    return model.model_dump_json(indent=1).encode()


def as_sql(model: LinearModel, database: SqlDialect = STANDARD) -> bytes:
    """Write the model as one expression of SQL."""
    return expression(model, database).encode()


def half_width_as_sql(model: LinearModel) -> bytes | None:
    """Write half the width of the 95 % prediction interval as one expression of standard SQL."""
    written = half_width(model)
    return None if written is None else written.encode()


def _sql(dialect: str, does: str) -> ModelFormat:
    return ModelFormat(f"model.{dialect}.sql", partial(as_sql, database=DIALECTS[dialect]), does)


EXPORTS: Mapping[str, ModelFormat] = {
    "json": ModelFormat(FILE, as_json, "plain numbers by column", in_runs=True),
    "sql": ModelFormat("model.sql", as_sql, "an expression of standard SQL", in_runs=True),
    "sql-interval": ModelFormat(
        "model_interval.sql", half_width_as_sql, "half its 95 % prediction interval", in_runs=True
    ),
    "tsql": _sql("tsql", "the same for SQL Server"),
    "bigquery": _sql("bigquery", "the same for BigQuery"),
    "snowflake": _sql("snowflake", "the same for Snowflake"),
    "onnx": ModelFormat("model.onnx", as_onnx, "ONNX in double precision", "onnx", has_terms=False),
    "pmml": ModelFormat("model.pmml", as_pmml, "PMML 4.4", has_terms=False),
    "excel": ModelFormat("model.xlsx", as_workbook, "a workbook with a formula", "excel", has_terms=False),
    "skops": ModelFormat(
        "model.skops", as_skops, "a scikit-learn pipeline without pickle", "skops", has_terms=False
    ),
    "mlflow": ModelFormat("model-mlflow", as_mlflow, "a folder that MLflow loads", has_terms=False),
}


def exported(model: LinearModel) -> dict[str, bytes]:
    """Return the contents of every file that a run leaves of its model, by name."""
    written = {export.name: export.write(model) for export in EXPORTS.values() if export.in_runs}
    return {name: content for name, content in written.items() if isinstance(content, bytes)}


def export_of(to: str, model: LinearModel) -> bytes | Mapping[str, bytes]:
    """Write the model in a format, see `ModelFormat.write`.

    Raises:
        BadTable: the format cannot hold the model, or a package that writes it is not installed.
    """
    export = EXPORTS[to]
    if model.terms and not export.has_terms:
        able = ", ".join(name for name, each in EXPORTS.items() if each.has_terms)
        first = model.terms.design.variables[0].label
        raise BadTable(f"`to` of {to!r} cannot hold terms such as {quoted(first)}; export one of {able}")
    try:
        content = export.write(model)
    except ModuleNotFoundError as error:
        raise BadTable(
            f"`to` of {to!r} needs the package {error.name}; `pip install '.[{export.extra}]'` in the checkout"
        ) from error
    if content is None and model.smearing is not None:
        raise BadTable(
            f"`to` of {to!r} cannot hold a model of the target's logarithm (`log_target`); export sql, onnx, pmml, "
            "excel or mlflow, and have intervals from `predict`"
        )
    if content is None:
        raise BadTable(
            f"`to` of {to!r}: the model holds no intervals, or those of more than {MOST_SQUARES} columns; "
            "export another format"
        )
    return content
