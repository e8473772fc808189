"""What a run leaves in MLflow, in a database that MLflow makes; what cannot be used is said in one line."""

import sys
import warnings
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from flows.command import cli
from flows.regression import regression
from flows.tracking import RUN, Tracker, tracker
from tasks.config import Settings
from tasks.outputs import runs
from tasks.table.errors import BadTable
from tasks.table.model.linear import predict, read
from tests.table.sources.test_address import SECRET

# It warns of its own sources when it is first imported, and here warnings are errors.
with warnings.catch_warnings(action="ignore"):
    import mlflow.pyfunc
    from mlflow import MlflowClient

DEAD = "http://127.0.0.1:9"


def of(folder: Path, **given: object) -> Settings:
    return Settings.model_validate(
        {
            "artifacts": str(folder / "store"),
            "name": "sales",
            "log_to_mlflow": f"sqlite:///{folder / 'mlflow.db'}",
            "training": {"epochs": 3},
            **given,
        }
    )


def logged(settings: Settings) -> tuple[MlflowClient, list[Any]]:
    """Return the runs of the experiment, the oldest first."""
    client = MlflowClient(tracking_uri=settings.log_to_mlflow)
    experiment = client.get_experiment_by_name("sales")
    assert experiment is not None
    return client, list(client.search_runs([experiment.experiment_id], order_by=["attributes.end_time ASC"]))


def files_of(client: MlflowClient, run: str) -> set[str]:
    return {each.path for each in client.list_artifacts(run)}


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_run_is_logged_once_and_its_model_predicts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, metrics, every file of its folder, and a model that MLflow loads; a cached run is a run too."""
    monkeypatch.chdir(tmp_path)
    settings = of(tmp_path)
    first, second = regression(settings), regression(settings)
    client, (one, two) = logged(settings)
    assert [each.info.run_name for each in (one, two)] == [first.run, second.run]
    assert [each.info.status for each in (one, two)] == ["FINISHED"] * 2
    assert one.data.params["training.epochs"] == "3"
    assert one.data.params["problem.true_weights"] == "2.0, -3.0"
    assert "input.data" not in one.data.params
    scores = first.metrics.test
    assert scores is not None
    assert one.data.metrics["test_rmse"] == first.rmse
    assert one.data.metrics["test_rmse_low"] == scores.low
    assert one.data.metrics["baseline_test_rmse"] == first.baseline.test.rmse  # type: ignore[union-attr]
    assert one.data.metrics["D"] == first.verdict.D
    assert one.data.tags["linear-neuron.stages"] == "ran: generate, split, train, evaluate, report"
    assert two.data.tags["linear-neuron.stages"] == "all cached"
    assert one.data.tags["mlflow.note.content"] == first.line
    folder = runs.folder(tmp_path / "store", first.run)
    assert files_of(client, one.info.run_id) == {path.name for path in folder.iterdir()}

    mlflow.set_tracking_uri(str(settings.log_to_mlflow))
    loaded = mlflow.pyfunc.load_model(f"runs:/{one.info.run_id}/model")
    rows = pa.table({"x": [1.0, 2.0, None], "z": [0.5, -3.0, 1.0]})
    expected = predict(read(folder / "model.json"), {name: rows[name] for name in rows.column_names}).values
    assert loaded.predict(rows.to_pandas()).tolist()[:2] == expected.tolist()[:2]
    assert {path.suffix for path in tmp_path.rglob("*")}.isdisjoint({".pkl", ".pickle", ".cloudpickle"})

    # A retry logs nothing again; of a try that broke off it leaves nothing.
    again = tracker(str(settings.log_to_mlflow), "sales")
    broken = client.create_run(again.experiment, tags={RUN: second.run})
    client.delete_run(two.info.run_id)
    for _ in range(2):
        again.log(second, tmp_path / "store")
    _, found = logged(settings)
    assert [each.info.run_name for each in found] == [first.run, second.run]
    assert broken.info.run_id not in {each.info.run_id for each in found}

    client.delete_experiment(again.experiment)
    with pytest.raises(BadTable, match="the experiment 'sales' is deleted there; restore it with"):
        tracker(str(settings.log_to_mlflow), "sales")


@pytest.mark.usefixtures("prefect_server")
def test_a_server_that_does_not_answer_is_named_before_anything_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(BadTable) as refused:
        regression(of(tmp_path, log_to_mlflow=DEAD))
    said = str(refused.value)
    assert said.startswith(f"`log_to_mlflow` of {DEAD!r} cannot be used (")
    assert said.endswith("; start the server, correct the address, or leave it out")
    assert not (tmp_path / "store" / "generate").exists()


def test_what_dies_during_the_run_leaves_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.page.examples import result_of

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    gone = Tracker(DEAD, MlflowClient(tracking_uri=DEAD), "1")
    with pytest.raises(BadTable, match="the run is finished and stored; retry it when MLflow answers"):
        gone.log(result_of(), tmp_path)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(
        BadTable, match=r"needs the package mlflow; `pip install '\.\[mlflow\]'` in the checkout"
    ):
        tracker(DEAD, "sales")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            f"https://user:{SECRET}@host",
            "carries credentials; take them out, and set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or",
        ),
        (
            "mlruns",
            "`log_to_mlflow` of 'mlruns' is no address that MLflow tracks at; give http://host:5000, ",
        ),
    ],
)
def test_an_address_is_checked_with_the_settings(
    address: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["run", "--log-to-mlflow", address])
    assert ended.value.code == 2
    err = capsys.readouterr().err
    assert said in err
    assert SECRET not in err
