"""What `log_to_mlflow` leaves of a run in MLflow: settings, metrics, the run's files, and the model without pickle.

A run in MLflow is a run here, a night on which every stage was cached included; the experiment has the name of what is
modelled. A flow run that is retried is logged once: it is known by the name of its folder.
"""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.config import values
from tasks.outputs import runs
from tasks.outputs.result import Result, Scores
from tasks.page.text import shortened, visible
from tasks.table.errors import BadTable, printable
from tasks.table.model import linear
from tasks.table.model.mlflow_folder import as_mlflow
from tasks.table.sources.address import redacted
from tasks.table.sources.location import database_file, scheme

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Tags of a run in MLflow.
RUN, FLOW_RUN, STAGES, DECISION = (
    f"linear-neuron.{name}" for name in ("run", "flow-run", "stages", "decision")
)

# MLflow's limits: characters of a parameter, parameters in a call.
LONGEST, MOST_AT_ONCE = 6000, 100

# What MLflow reads from the environment. It tells nothing to its makers, and gives a dead server up within a minute.
DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}


@dataclass(frozen=True, slots=True)
class Tracker:
    """An experiment in MLflow.

    Attributes:
        address: Of the server or database.
        client: Speaks to it.
        experiment: Its id there.
    """

    address: str
    client: "MlflowClient"
    experiment: str

    def log(self, result: Result, root: Path) -> None:
        """Log a finished run, unless it is logged already; what a try left that broke off is removed.

        Args:
            result: The run, as it was written.
            root: The artifacts folder.

        Raises:
            BadTable: MLflow cannot be reached any more, or refuses what it gets.
        """
        with _reached(self.address, "the run is finished and stored; retry it when MLflow answers"):
            for same in self.client.search_runs([self.experiment], f"tags.`{RUN}` = '{result.run}'"):
                if same.info.status == "FINISHED":
                    return
                self.client.delete_run(same.info.run_id)

            began = datetime.fromisoformat(result.lineage.started) if result.lineage else None
            run = self.client.create_run(
                self.experiment,
                start_time=int(began.timestamp() * 1000) if began else None,
                tags=_tags(result),
                run_name=result.run,
            )
            self._fill(run.info.run_id, result, runs.folder(root, result.run))
            self.client.set_terminated(run.info.run_id)

    def _fill(self, run: str, result: Result, folder: Path) -> None:
        from mlflow.entities import LoggedModelOutput, Metric, Param

        given = [Param(name, value) for name, value in _parameters(result).items()]
        for start in range(0, len(given), MOST_AT_ONCE):
            self.client.log_batch(run, params=given[start : start + MOST_AT_ONCE])
        now = int(time.time() * 1000)
        metrics = [Metric(name, value, now, 0) for name, value in _metrics(result).items()]
        self.client.log_batch(run, metrics=metrics)
        self.client.log_artifacts(run, str(folder))

        model = self.client.create_logged_model(self.experiment, name="model", source_run_id=run)
        with tempfile.TemporaryDirectory() as place:
            for name, content in as_mlflow(linear.read(folder / linear.FILE)).items():
                path = Path(place, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
            self.client.log_model_artifacts(model.model_id, place)
        self.client.finalize_logged_model(model.model_id, "READY")
        self.client.log_outputs(run, [LoggedModelOutput(model_id=model.model_id, step=0)])


def tracker(address: str, name: str) -> Tracker:
    """Open the experiment of a name, or make it, before anything is trained.

    Raises:
        BadTable: MLflow is not installed, or does not answer at the address, or the experiment is deleted there.
    """
    with _reached(address, "start the server, correct the address, or leave it out"):
        client = _client(address)
        found = client.get_experiment_by_name(name)
        if found is None:
            return Tracker(address, client, client.create_experiment(name, _place_of_files(address)))
    if found.lifecycle_stage != "active":
        raise BadTable(
            f"`log_to_mlflow`: the experiment {name!r} is deleted there; restore it with `mlflow experiments restore "
            f"-x {found.experiment_id}`, or give another `name`"
        )
    return Tracker(address, client, found.experiment_id)


def _client(address: str) -> "MlflowClient":
    for variable, value in DEFAULTS.items():
        os.environ.setdefault(variable, value)
    with warnings.catch_warnings(action="ignore"):  # of its own sources, when it is first imported
        from mlflow import MlflowClient

    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it names every table that it creates
    return MlflowClient(tracking_uri=address)


@contextmanager
def _reached(address: str, remedy: str) -> Iterator[None]:
    """Turn what is raised where MLflow cannot be used into one line.

    Raises:
        BadTable: it cannot.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        ours = str(error.name).partition(".")[0] == "mlflow"
        how = "`pip install '.[mlflow]'` in the checkout" if ours else "install it"
        raise BadTable(f"`log_to_mlflow` needs the package {error.name}; {how}") from error
    except Exception as error:
        if not _is_mlflows(error):
            raise
        reason = shortened(printable(redacted(str(error))), 200)
        raise BadTable(
            f"`log_to_mlflow` of {redacted(address)!r} cannot be used ({reason}); {remedy}"
        ) from error


def _is_mlflows(error: Exception) -> bool:
    """Say whether MLflow raised an error, or what it stands on: the network, the disk, a database."""
    return isinstance(error, OSError) or type(error).__module__.partition(".")[0] in {"mlflow", "sqlalchemy"}


def _place_of_files(address: str) -> str | None:
    """Return where an experiment's files go: beside a database that is a file, else where the server has them."""
    if scheme(address) != "sqlite":
        return None
    return (database_file(address).absolute().parent / "mlruns").as_uri()


def _tags(result: Result) -> dict[str, str]:
    ran = [name for name, stage in result.stages.items() if stage.state == "ran"]
    tags = {RUN: result.run, STAGES: f"ran: {', '.join(ran)}" if ran else "all cached"}
    if result.line:
        tags["mlflow.note.content"] = result.line  # what MLflow shows as the run's description
    if result.lineage:
        tags[FLOW_RUN] = result.lineage.flow_run
    if result.decision:
        tags[DECISION] = result.decision.outcome
    return tags


def _parameters(result: Result) -> dict[str, str]:
    """Return the settings that have a value, by section and name."""
    given = ((str(setting), value) for setting, value in values(result.settings))
    return {name: shortened(visible(_text(value)), LONGEST) for name, value in given if value is not None}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _metrics(result: Result) -> dict[str, float]:
    """Return the errors of both parts, those of the mean of the training targets, and the distance to least squares."""
    parts: Mapping[str, Scores | None] = {
        "train": result.metrics.train,
        "test": result.metrics.test,
        "baseline_train": result.baseline.train,
        "baseline_test": result.baseline.test,
    }
    named: dict[str, float | None] = {"D": result.verdict.D, "z": result.verdict.z}
    for part, scores in parts.items():
        if scores:
            ends = {"rmse_low": scores.low, "rmse_high": scores.high}
            known = {"rows": scores.rows, "rmse": scores.rmse, "mae": scores.mae, "r2": scores.r2, **ends}
            named |= {f"{part}_{name}": value for name, value in known.items()}
    return {name: float(value) for name, value in named.items() if value is not None}
