"""`serve` makes a deployment under the name of what is modelled, and takes none from another table."""

from pathlib import Path
from typing import Any

import pytest
from prefect.deployments.runner import RunnerDeployment

from flows.command.exits import Exit
from flows.command.serve import serve
from flows.regression import regression
from tasks.config import Settings

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Deploy in place of serving, which would stay; return the names."""
    made: list[str] = []

    def deploy(name: str, parameters: dict[str, Any], tags: list[str], **_: Any) -> None:
        deployment = regression.to_deployment(name, parameters=parameters, tags=tags)
        assert isinstance(deployment, RunnerDeployment)
        deployment.apply()
        made.append(name)

    monkeypatch.setattr(regression, "serve", deploy)
    return made


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
