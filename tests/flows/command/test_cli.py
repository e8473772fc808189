"""The command line, in processes of its own as its users run it."""

import json
import re
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tasks.outputs.runs import RESULT
from tests.processes import environment, imported, python

LIGHT = "import sys; from flows.command.cli import main; main(sys.argv[1:])"


def command(
    *arguments: str, cwd: Path, module: str = "flows", server: str | None = None
) -> CompletedProcess[str]:
    """Run the command in a folder, with a Prefect home of its own, on a running server or on a temporary one."""
    return python("-m", module, *arguments, cwd=cwd, env=environment(cwd / "prefect", server), status=None)


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help comes at once: neither Prefect nor TensorFlow, nor NumPy, is imported for it."""
    assert "usage: linear-neuron" in python("-m", "flows", *arguments).stdout
    modules = imported(LIGHT, *arguments)
    assert not {"prefect", "tensorflow", "keras", "numpy", "pandas", "matplotlib"} & modules


def test_a_cached_run_does_not_pay_for_pandas() -> None:
    """Loading the flow imports neither pandas, which pyarrow would bring along, nor TensorFlow."""
    assert not {"pandas", "tensorflow", "keras", "matplotlib"} & imported("import flows.regression")


@pytest.mark.parametrize(
    "runs",
    [pytest.param(True, id="server"), pytest.param(False, id="temporary server", marks=pytest.mark.slow)],
)
def test_run_prints_the_result_alone_and_then_pays_only_for_what_changed(
    tmp_path: Path, prefect_server: str, runs: bool
) -> None:
    """`--json` leaves nothing else on stdout; the next run, told otherwise by a file and a flag, says why it ran."""
    first = command("run", "--json", "--rows", "500", cwd=tmp_path, server=prefect_server if runs else None)
    assert (first.returncode, first.stderr) == (0, "")
    result = json.loads(first.stdout)
    assert {"run", "model", "metrics", "least_squares", "verdict", "stages", "report"} <= set(result)
    assert set(result["model"]) == {"weights", "bias", "layers", "neurons", "parameters"}
    assert {"rows", "rmse", "mae", "r2"} <= set(result["metrics"]["test"])
    assert {"weights", "bias", "standard_errors"} <= set(result["least_squares"])
    assert set(result["verdict"]) >= {"z", "D", "text"}
    assert all({"state", "reason", "seconds", "files"} <= set(stage) for stage in result["stages"].values())
    assert (tmp_path / "artifacts" / result["report"]).is_file()

    (tmp_path / "settings.toml").write_text("[problem]\nrows = 500\n[training]\nepochs = 7\n")
    options = ["--config", "settings.toml", "--epochs", "50"]
    plan = command("plan", "--json", *options, cwd=tmp_path)
    second = command("run", "--verbose", *options, cwd=tmp_path, module="flows", server=prefect_server)
    assert second.returncode == 0, second.stderr
    assert "usable?   Yes" in second.stdout
    lines = [line for line in second.stderr.splitlines() if line.startswith("linear-neuron: ")]
    assert lines[0].startswith("linear-neuron: starting")
    assert lines[1:3] == ["linear-neuron: generate cached", "linear-neuron: split cached"]
    assert re.fullmatch(r"linear-neuron: train \d+\.\d s", lines[3])
    assert re.fullmatch(r"linear-neuron: y: RMSE 0\.\d+.*; \d+\.\d s; file://.*/report\.html", lines[-1])
    latest = max((tmp_path / "artifacts" / "runs").iterdir())
    stages = json.loads((latest / RESULT).read_text())["stages"]
    assert [stages[name]["state"] for name in stages] == ["cached", "cached", "ran", "ran", "ran"]
    assert stages["train"]["reason"] == "`epochs`: 100 → 50"
    planned = json.loads(plan.stdout)["stages"]
    assert planned["train"] == {"state": "will run", "reason": "`epochs`: 100 → 50"}
    assert [planned[name]["state"] for name in ("generate", "split")] == ["cached", "cached"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--epoch", "5"], "`--epoch` is not an option; did you mean `--epochs`?"),
        (["run", "--preset", "artcle"], "did you mean 'article'?"),
        (["run", "--epochs", "0"], "`epochs` of '0': input should be greater than or equal to 1"),
        (["run", "--noise", "nan"], "`noise` of 'nan': input should be a finite number"),
        (["run", "--config", "absent.toml"], "`config` of 'absent.toml' cannot be read"),
        (
            ["run", "--config", "bad.toml"],
            "`epoch` in [training] is not a setting; did you mean `epochs` in [training]?",
        ),
        (["run", "--target", "y"], "add `data`"),
        (["run", "--data", "absent.csv", "--target", "y"], "`data` of 'absent.csv' does not exist"),
        (["run", "--data", "table.csv", "--target", "yy"], "no column is named 'yy'; did you mean 'y'?"),
        (
            ["run", "--data", "table.csv", "--target", "y", "--rows", "5"],
            "`rows` belongs to the example problem",
        ),
        (["walk"], "`walk` is not a command"),
    ],
)
def test_bad_usage_gets_one_line_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    """Exit status 2, one line on stderr that says what, where and what to do; no folder is made."""
    (tmp_path / "bad.toml").write_text("[training]\nepoch = 3\n")
    (tmp_path / "table.csv").write_text("x,y\n1,2\n2,3\n3,5\n4,4\n")
    done = command(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("linear-neuron: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "artifacts").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "--cron", "nonsense"], "`cron` of 'nonsense' is not a cron line"),
        (["serve", "--data", "absent.csv", "--target", "y"], "`data` of 'absent.csv' does not exist"),
    ],
)
def test_serve_refuses_what_no_run_could_use(
    tmp_path: Path, prefect_server: str, arguments: list[str], message: str
) -> None:
    done = command(*arguments, cwd=tmp_path, server=prefect_server)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_serve_needs_a_server_that_stays(tmp_path: Path) -> None:
    done = command("serve", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "PREFECT_API_URL" in done.stderr


@pytest.mark.slow
def test_a_bad_value_in_the_table_is_said_in_one_line_without_a_traceback(
    tmp_path: Path, prefect_server: str
) -> None:
    """Errors that the user can mend end a started run in the same way, and nothing of the table is stored."""
    (tmp_path / "table.csv").write_text("x,y\n1,2\n2,3\ninf,5\n4,4\n")
    done = command("run", "--data", "table.csv", "--target", "y", cwd=tmp_path, server=prefect_server)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "'x'" in done.stderr
    assert "row 3" in done.stderr
    assert not (tmp_path / "artifacts" / "ingest").exists()


@pytest.mark.slow
def test_a_diverging_rate_exits_with_three(tmp_path: Path, prefect_server: str) -> None:
    """The fit is refused with the epoch and the stable range, and there are no weights."""
    done = command("run", "--preset", "article", "--learning-rate", "1", cwd=tmp_path, server=prefect_server)
    assert (done.returncode, done.stdout) == (3, "")
    assert "diverged at epoch 1; the stable range for this data ends at 0.02" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "artifacts" / "train").exists()
