"""`serve` refuses what no run could use, and deploys under the name of what is modelled, taking none from others."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.deployments.runner import RunnerDeployment
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.command.exits import Exit
from flows.command.serve import serve
from flows.regression import regression
from tasks.config import Settings
from tests.processes import environment, started

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Deploy in place of serving, which would stay; return the names."""
    made: list[str] = []

    def deploy(name: str, parameters: dict[str, Any], tags: list[str], **_: Any) -> None:
        deployment = regression.to_deployment(name, parameters=parameters, tags=tags)
        assert isinstance(deployment, RunnerDeployment)
        deployment.apply()
        made.append(name)

    monkeypatch.setattr(regression, "serve", deploy)
    before = signal.getsignal(signal.SIGHUP)
    yield made
    signal.signal(signal.SIGHUP, before)


def of(folder: Path, name: str | None, penguins: Path | None) -> Settings:
    own = {"input": {"data": str(penguins), "target": "body_mass"}} if penguins else {}
    return Settings.model_validate({"artifacts": str(folder), "name": name, **own})


def test_two_tables_have_two_deployments(tmp_path: Path, penguins: Path, deployed: list[str]) -> None:
    assert serve(of(tmp_path, None, penguins), "0 6 * * *") == Exit.DONE
    assert serve(of(tmp_path, None, None), "0 6 * * *") == Exit.DONE
    assert deployed == ["penguins-body-mass", "example"]


def test_a_deployment_of_another_table_or_folder_is_not_overwritten(
    tmp_path: Path, penguins: Path, deployed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same table may be served again, with other settings; what it would overwrite is named with the remedy."""
    for _ in range(2):
        assert serve(of(tmp_path, "birds", penguins), "0 6 * * *") == Exit.DONE
    assert serve(of(tmp_path, "birds", None), "0 6 * * *") == Exit.BAD_INPUT
    assert serve(of(tmp_path / "b", "birds", penguins), "0 6 * * *") == Exit.BAD_INPUT
    assert deployed == ["birds", "birds"]
    table, folder = capsys.readouterr().err.splitlines()
    for line in (table, folder):
        assert line.startswith(
            "linear-neuron: the deployment 'regression/birds' is taken: the server has it for "
        )
        assert line.endswith("give another `name`, or first `prefect deployment delete regression/birds`")


def test_it_needs_a_server_that_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert serve(of(tmp_path, None, None), "0 6 * * *") == Exit.BAD_INPUT
    assert "`serve` needs a server that stays" in capsys.readouterr().err


@pytest.mark.parametrize("cron", ["", "daily", "61 * * * *", "* * * *"])
def test_a_line_that_is_no_schedule_is_refused(
    tmp_path: Path, deployed: list[str], cron: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(of(tmp_path, None, None), cron) == Exit.BAD_INPUT
    assert capsys.readouterr().err == (
        f"linear-neuron: `cron` of {cron!r} is not a cron line; every day at six is '0 6 * * *'\n"
    )
    assert deployed == []


def test_a_table_that_is_not_there_is_refused_today_not_at_night(
    tmp_path: Path, deployed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert serve(of(tmp_path, None, tmp_path / "none.csv"), "0 6 * * *") == Exit.BAD_INPUT
    assert "none.csv' does not exist" in capsys.readouterr().err
    assert deployed == []


def test_paths_are_absolute_and_nothing_else_is_added(
    tmp_path: Path, penguins: Path, deployed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduled run starts in a folder of its own; what the user left to the defaults stays left to them."""
    served: list[dict[str, Any]] = []
    monkeypatch.setattr(regression, "serve", lambda **options: served.append(options))
    (tmp_path / "t.csv").write_bytes(penguins.read_bytes())
    monkeypatch.chdir(tmp_path)
    given = {
        "input": {"data": "t.csv", "target": "body_mass"},
        "artifacts": "store",
        "log_to_mlflow": "sqlite:///mlflow.db",
        "training": {"epochs": 3},
    }
    assert serve(Settings.model_validate(given), "0 7 * * *") == Exit.DONE
    (options,) = served
    assert options["parameters"]["settings"] == {
        "input": {"data": str(tmp_path / "t.csv"), "target": "body_mass"},
        "artifacts": str(tmp_path / "store"),
        "log_to_mlflow": f"sqlite:///{tmp_path / 'mlflow.db'}",
        "training": {"epochs": 3},
    }
    assert (options["schedule"].cron, options["schedule"].timezone) == ("0 7 * * *", "UTC")
    assert options["global_limit"].limit == 1


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_pauses_its_schedule(
    tmp_path: Path, prefect_server: str, number: signal.Signals
) -> None:
    """Within seconds; a terminal that is closed, too."""
    name = f"served-{number.name.lower()}"
    command = "-m", "flows", "serve", "--name", name, "--artifacts", tmp_path / "store"
    env = environment(tmp_path / "home", prefect_server)
    with get_client(sync_client=True) as client, started(*command, env=env, apart=True) as process:
        try:
            end = time.monotonic() + 120
            while not (found := [each for each in client.read_deployments() if each.name == name]):
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end
                time.sleep(0.2)
            time.sleep(2)  # between the deployment and the schedule's loop
            process.send_signal(number)
            process.communicate(timeout=20)
        finally:
            process.kill()
        assert client.read_deployment(found[0].id).paused
