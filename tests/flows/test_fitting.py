"""`fit` from Python: the same run as of a file, for a table in memory, and predictions for other ones."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import flows
from flows import fit
from flows.fitting import FittedModel
from tasks.outputs import runs
from tasks.table.errors import BadTable
from tests.paths import DATA, ROOT
from tests.processes import imported

TABLE = DATA / "penguins_all.csv"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The penguins in memory, with an index that is not to be learnt from."""
    return pd.read_csv(TABLE).dropna().rename(index=lambda row: row * 7)


@pytest.fixture(scope="module")
def fitted(root: Path, frame: pd.DataFrame, prefect_server: str) -> FittedModel:
    return fit(frame, "body_mass", artifacts=root, categorical=["species", "island", "sex"], epochs=20)


def states(model: FittedModel) -> set[str]:
    return {stage.state for stage in model.result.stages.values()}


def test_a_frame_is_fitted_as_a_file_is(fitted: FittedModel, frame: pd.DataFrame, tmp_path: Path) -> None:
    """To the last bit; the index is no column."""
    frame.to_parquet(tmp_path / "frame.parquet", index=False)
    file = fit(
        tmp_path / "frame.parquet",
        "body_mass",
        artifacts=tmp_path / "artifacts",
        categorical="species,island,sex",
        epochs=20,
    )
    assert file.result.model == fitted.result.model
    assert fitted.result.name == "frame-body-mass"
    assert states(file) == {"ran"}


@pytest.mark.parametrize("kind", [pa.Table.from_pandas, pl.from_pandas])
def test_the_same_rows_are_cached_whatever_holds_them(
    fitted: FittedModel, frame: pd.DataFrame, kind: Any
) -> None:
    """Of another kind of table the stages take what was computed before, where its types are the same."""
    table = kind(frame.reset_index(drop=True))
    again = fit(
        table, "body_mass", artifacts=fitted.root, categorical=["species", "island", "sex"], epochs=20
    )
    assert again.result.model == fitted.result.model


def test_the_same_frame_is_cached(fitted: FittedModel, frame: pd.DataFrame) -> None:
    again = fit(
        frame, "body_mass", artifacts=fitted.root, categorical=["species", "island", "sex"], epochs=20
    )
    assert states(again) == {"cached"}


def test_predictions_are_those_of_the_command(
    fitted: FittedModel, frame: pd.DataFrame, tmp_path: Path
) -> None:
    """A frame's, in its order; those of a file; and those of the run's `model.json`."""
    rows = frame.sample(frac=1, random_state=0)
    found = fitted.predict(rows)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    np.testing.assert_array_equal(
        found, pd.Series(fitted.predict(tmp_path / "rows.csv"), frame.index)[rows.index]
    )
    error = np.sqrt(np.mean((found - rows["body_mass"]) ** 2))
    assert 200 < error < 400


def test_gaps_and_new_levels_are_warned_of(fitted: FittedModel, frame: pd.DataFrame) -> None:
    rows = frame.head(3).assign(bill_len=[np.nan, 40.0, 41.0], island=["Dream", "Atlantis", "Dream"])
    with pytest.warns(UserWarning, match="row") as said:
        found = fitted.predict(rows)
    assert np.isnan(found).tolist() == [True, False, False]
    assert [str(each.message).partition(":")[0] for each in said] == [
        "1 row without a prediction",
        "column 'island'",
    ]


def test_the_result_shows_itself(fitted: FittedModel) -> None:
    assert repr(fitted).startswith("<FittedModel of 'body_mass': test RMSE ")
    assert repr(fitted).endswith(f"run {fitted.result.run}>")
    shown = fitted._repr_html_()
    assert shown.startswith("<pre>body_mass ")
    hostile = replace(fitted, result=fitted.result.model_copy(update={"target": "<b>"}))
    assert hostile._repr_html_().startswith("<pre>&lt;b&gt; ")
    assert fitted.report.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_model_is_exported(fitted: FittedModel, tmp_path: Path) -> None:
    path = fitted.export("json", tmp_path / "model.json")
    assert json.loads(path.read_text())["target"] == "body_mass"
    with pytest.raises(ValueError, match="`to` of 'onx' is not a format; give one of json, sql"):
        fitted.export("onx")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"data": [1, 2]}, TypeError, "`data` of type list is no table; give a path, "),
        ({"data": TABLE}, ValueError, "`data` needs `target`"),
        ({"epoch": 3}, ValueError, "`epoch` is not a setting; did you mean `epochs`?"),
        ({"epochs": 0}, ValueError, "`epochs` of 0: input should be greater than or equal to 1"),
        ({"data": TABLE, "target": "mass"}, BadTable, "mass"),
        ({"data": "no.csv", "target": "y"}, BadTable, "`data` of 'no.csv' does not exist"),
    ],
)
def test_what_cannot_be_used_is_refused_before_prefect_has_a_run(
    arguments: dict[str, Any], error: type[Exception], message: str, root: Path
) -> None:
    before = runs.finished(root)
    with pytest.raises(error) as refused:
        fit(**arguments, artifacts=root)
    assert message in str(refused.value)
    assert runs.finished(root) == before


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
@pytest.mark.filterwarnings("ignore:11 rows without a prediction:UserWarning")  # the penguins with gaps
@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_pages_examples_run(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block after the one before it, as in one notebook."""
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    monkeypatch.chdir(tmp_path)
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    for block in blocks:
        if "prefect" not in block:
            exec(block, names)  # noqa: S102 - the page's own code
    assert isinstance(names["fitted"], FittedModel)


def test_importing_flows_is_cheap() -> None:
    """`fit` and the estimator are imported when they are asked for."""
    assert not imported("import flows") & {"prefect", "numpy", "pyarrow", "tensorflow", "sklearn", "pydantic"}
    with pytest.raises(AttributeError, match="module 'flows' has no attribute 'train'"):
        flows.train  # noqa: B018 - that it fails is the test
