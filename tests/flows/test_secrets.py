"""An address with credentials leads to no run, and they are nowhere to be read afterwards."""

import json
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from pyarrow import fs

from flows.command import cli
from flows.regression import regression
from tests.flow_runs import artifacts_of, last_runs
from tests.processes import environment, python
from tests.s3 import BUCKET, serving
from tests.table.sources.test_address import CARRYING, SECRET

ADDRESS, SHOWN = next(iter(CARRYING.items()))


@pytest.mark.parametrize(
    "command",
    [
        ["run", "--data", ADDRESS, "--target", "y"],
        ["plan", "--data", ADDRESS, "--target", "y"],
        ["serve", "--data", ADDRESS, "--target", "y"],
        ["predict", "--data", ADDRESS, "--model", "latest", "--output", "out.csv"],
        ["run", "--config", "settings.toml"],
    ],
)
def test_a_command_refuses_it(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "settings.toml").write_text(f"[input]\ndata = '{ADDRESS}'\ntarget = 'y'\n")
    done = python("-m", "flows", *command, env=environment(tmp_path / "home"), cwd=tmp_path, status=2)
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert f"`data` of '{SHOWN}' carries credentials" in done.stderr
    assert SECRET not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]


def test_other_mistakes_beside_it_do_not_show_it(tmp_path: Path) -> None:
    for wrong in (["--dta", ADDRESS], [f"--dta={ADDRESS}"], ["--data", ADDRESS, "--epochs", "0"], [ADDRESS]):
        done = python("-m", "flows", "run", *wrong, env=environment(tmp_path), status=2)
        assert SECRET not in done.stdout + done.stderr


def test_a_flow_that_is_called_with_it_keeps_it_out_of_prefect(
    tmp_path: Path, prefect_server: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Out of the error, the log, the states and the artifacts; not of the parameters of who calls the flow directly."""
    settings: Any = {"input": {"data": ADDRESS, "target": "y"}, "artifacts": str(tmp_path / "store")}
    with pytest.raises(Exception, match="carries credentials") as caught:
        regression(settings)
    assert SECRET not in str(caught.value)
    assert SECRET not in caplog.text
    (run,) = last_runs("regression", 1)
    with get_client(sync_client=True) as client:
        states = client.read_flow_run_states(run.id)
    artifacts = artifacts_of(run.id)
    assert states
    assert SECRET not in json.dumps([each.message for each in states])
    assert SECRET not in json.dumps([[each.data, each.description] for each in artifacts], default=str)
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("command", ["run", "plan", "cache list", "cache clean"])
@pytest.mark.parametrize("address", [*CARRYING][:4])
def test_a_remote_with_credentials_is_refused_without_repeating_them(
    command: str, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*command.split(), "--remote", address])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"`remote` of '{CARRYING[address]}' carries credentials" in said
    assert SECRET not in said


@pytest.mark.slow
def test_the_remotes_credentials_reach_no_file_no_object_and_no_line(
    tmp_path: Path, prefect_server: str
) -> None:
    """Of a run that goes well, and of one that is told wrong ones."""
    with serving() as server:
        env = environment(tmp_path / "home", prefect_server, **server.variables)
        env |= {
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": SECRET,
            "PREFECT_LOGGING_LEVEL": "DEBUG",
        }
        run = ["-m", "flows", "run", "--epochs", "5", "--artifacts", str(tmp_path / "store"), "--remote"]
        done = python(*run, f"s3://{BUCKET}/night", env=env)
        failed = python(*run, "s3://no-such-bucket/night", env=env, status=1)
        objects = [
            server.files().open_input_stream(info.path).read()
            for info in server.files().get_file_info(fs.FileSelector(BUCKET, recursive=True))
            if info.is_file
        ]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(objects) > 20
    assert not any(SECRET.encode() in content for content in (*objects, *files))
    assert SECRET not in done.stdout + done.stderr + failed.stdout + failed.stderr
    assert "`remote` of 's3://no-such-bucket/night' cannot be" in failed.stderr
    assert "Traceback" not in failed.stderr
