"""The flow from Python: `fit` runs it on a file or on a table in memory, and returns the model with its report."""

import difflib
import html
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import ValidationError

from flows.chosen_model import chosen
from flows.command.environment import prepare
from flows.command.export import write
from flows.command.messages import described
from tasks.config import Settings, overlaid, schema_fields
from tasks.outputs import runs
from tasks.outputs.naming import default_name
from tasks.outputs.result import Result
from tasks.page.summary import summary
from tasks.page.text import number
from tasks.runtime.user_table import check, looking_once
from tasks.store.folders import store_root
from tasks.store.frames import keep
from tasks.table.errors import Violation
from tasks.table.model.exports import EXPORTS, export_of
from tasks.table.model.linear import LinearModel, read
from tasks.table.model.scoring import Account, columns_of, scored, scored_columns, scoring_notes
from tasks.table.sources.dialect import Dialect
from tasks.table.sources.discovery import source
from tasks.table.sources.reader import preview
from tasks.table.sources.source import Origin


@dataclass(frozen=True, slots=True, repr=False)
class FittedModel:
    """What a run has left.

    Attributes:
        result: What `result.json` holds.
        root: The artifacts folder.
    """

    result: Result
    root: Path

    @property
    def report(self) -> Path:
        """The report as a web page."""
        return runs.folder(self.root, self.result.run) / runs.PAGE

    @property
    def model(self) -> LinearModel:
        """The model over the table's columns, as `model.json` holds it."""
        return read(chosen(self.result.run, self.root).path)

    def predict(self, data: Any) -> NDArray[np.float64]:
        """Predict rows; warn of those without a prediction, and of levels that no training row has.

        Args:
            data: Whatever `fit` takes; the target is not needed.

        Returns:
            The predictions (n,) in units of the target, NaN where there is none.

        Raises:
            BadTable: The rows lack a column, or hold what cannot be used.
        """
        model, account, values = self.model, Account(), [np.empty(0)]
        with _file(data) as path:
            looks = [preview(member, _dialect(model)) for member in source(Origin(path)).members]
            columns = columns_of(looks, model)
            out = scored_columns(columns, model, _free_name(columns.names), as_text=False)
            for found in scored(model, looks, columns, out, model.reading.warn):
                if isinstance(found, Violation):
                    account = replace(account, skipped=(*account.skipped, found))
                else:
                    values.append(found[1].values)
                    account += found[1]

        for note in scoring_notes(account):
            warnings.warn(note, stacklevel=2)
        return np.concatenate(values)

    def export(self, to: str, output: str | Path | None = None) -> Path:
        """Write the model in a format of `linear-neuron export`; return the file or folder.

        Raises:
            BadTable: The format cannot hold the model, or a package that writes it is not installed.
            ValueError: There is no such format.
        """
        if to not in EXPORTS:
            raise ValueError(f"`to` of {to!r} is not a format; give one of {', '.join(EXPORTS)}")
        path = Path(output or EXPORTS[to].name)
        write(export_of(to, self.model), path)
        return path

    def __repr__(self) -> str:
        """Say what was modelled and how well."""
        scores = self.result.metrics.test
        part = "test" if scores else "training"
        return (
            f"<FittedModel of {self.result.target!r}: {part} RMSE {number(self.result.rmse, 4)}, "
            f"run {self.result.run}>"
        )

    def _repr_html_(self) -> str:
        """Show the summary and where the report is."""
        return f"<pre>{html.escape(summary(self.result))}</pre>"


def fit(data: Any = None, target: str | None = None, **settings: Any) -> FittedModel:
    """Run the flow `regression`; stages that nothing has changed for are cached.

    Args:
        data: A path or an address, as `--data` takes; a pandas or polars frame, an Arrow table, or whatever has
            Arrow's `__arrow_c_stream__`. None: the example problem.
        target: The column to predict.
        settings: The others, by the names of the flags: `categorical=["sex"], epochs=200`.

    Raises:
        BadTable: The table is refused.
        Diverged: The training left the stable range.
        ValueError: A setting is not known, or out of its limits.
    """
    prepare()  # before anything imports Prefect
    given = _by_section(settings)
    if data is not None:
        place = data if isinstance(data, str | Path) else keep(_arrow(data), _root(given))
        given = overlaid(given, {"input": {"data": str(place), "target": target}})
        if not isinstance(data, str | Path):
            given = {"name": default_name({"input": {"data": "frame", "target": target}}), **given}
    try:
        validated = Settings.model_validate(given)
    except ValidationError as error:
        raise ValueError(described(error)) from None

    from flows.regression import regression

    with looking_once():
        check(validated.input, validated.columns_beside, Path(validated.artifacts))
        return FittedModel(regression(validated), store_root(validated.artifacts))


def _by_section(settings: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name: each for each in schema_fields()}
    given: dict[str, Any] = {}
    for name, value in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean `{near[0]}`?" if near else ""
            raise ValueError(f"`{name}` is not a setting{hint}")
        given = overlaid(given, known[name].nested(str(value) if isinstance(value, Path) else value))
    return given


def _root(given: Mapping[str, Any]) -> Path:
    return store_root(str(given.get("artifacts", Settings().artifacts)))


def _arrow(data: Any) -> pa.Table:
    """Return a table in memory as Arrow has it; a pandas frame without its index.

    Raises:
        TypeError: it is no table.
    """
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, pandas.DataFrame):
        return pa.Table.from_pandas(data, preserve_index=False)
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            f"`data` of type {type(data).__name__} is no table; give a path, a pandas or polars frame, or "
            "an Arrow table"
        )
    return pa.table(data)


@contextmanager
def _file(data: Any) -> Iterator[str]:
    """Lend the path of a table; one in memory is written down for as long."""
    if isinstance(data, str | Path):
        yield str(data)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        pq.write_table(_arrow(data).replace_schema_metadata(None), path)
        yield str(path)


def _dialect(model: LinearModel) -> Dialect:
    return Dialect(**model.reading.model_dump(exclude={"warn"}))


def _free_name(taken: list[str]) -> str:
    return max(taken, key=len, default="") + "_"
