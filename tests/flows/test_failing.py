"""A run that stops at a failure says which stage, why, what is cached and how to resume."""

import logging
import re
import shlex
import time
from pathlib import Path

import pytest

from flows.command import cli
from flows.command.exits import Exit
from flows.command.news import News
from flows.command.run import run
from flows.command.signals import Stops
from flows.failing import without_traceback
from flows.flags import flags
from flows.publishing import report_key
from flows.regression import regression
from tasks.config import Settings
from tasks.table.errors import BadTable
from tests.flow_runs import artifacts_of, last_runs

pytestmark = pytest.mark.usefixtures("prefect_server")


def full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_the_command_that_is_said_resumes_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The three lines are on the terminal; the command in them, run as it stands, takes up at the failed stage."""
    settings = Settings.model_validate({"artifacts": str(tmp_path / "a b"), "training": {"epochs": 9}})
    with monkeypatch.context() as broken:
        broken.setattr("tasks.evaluate.compare", full_disk)
        assert run(settings, True, Stops(), News(-1)) == Exit.FAILED
    what, cached, resume = capsys.readouterr().err.splitlines()
    where = f"(artifacts in {settings.artifacts!r})"
    full = "OSError: [Errno 28] No space left on device"
    assert what == f"linear-neuron: stage `evaluate` failed: {full} {where}"
    assert cached.endswith("cached: generate, split, train")
    program, *arguments = shlex.split(resume.partition("to resume: ")[2])
    assert program == "linear-neuron"
    resumed = cli.parse(arguments).settings
    assert isinstance(resumed, Settings)
    result = regression(resumed)
    assert [stage.state for stage in result.stages.values()] == ["cached"] * 3 + ["ran"] * 2


def test_the_failure_is_an_artifact_under_the_reports_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opens the report in Prefect's UI finds the failure there."""
    settings = Settings.model_validate(
        {"artifacts": str(tmp_path / "unique-folder"), "training": {"epochs": 3}}
    )
    monkeypatch.setattr("tasks.evaluate.compare", full_disk)
    with pytest.raises(OSError, match="No space left"):
        regression(settings)
    (run,) = last_runs("regression", 1)
    (artifact,) = artifacts_of(run.id, key=report_key("example"))
    page = str(artifact.data)
    assert page.startswith("# Stage evaluate failed")
    assert "From the cache it takes: generate, split, train" in page
    assert "    linear-neuron run --artifacts=" in page
    (folder,) = (Path(settings.artifacts) / "runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {"report.html", "report.md", "failure.json"}
    assert (folder / "report.md").read_text() == page
    monkeypatch.undo()
    first = (Path(settings.artifacts) / regression(settings).report).read_text()
    assert re.search(r"Failed before it: \d{8}T\d{6}-[0-9a-f]{8}, OSError: .*No space left", first)
    failing = Settings.model_validate(settings.model_dump() | {"seed": 1})
    time.sleep(1)  # a run's name has the second in which it was due
    with monkeypatch.context() as broken:
        broken.setattr("tasks.evaluate.compare", full_disk)
        with pytest.raises(OSError, match="No space left"):
            regression(failing)
    time.sleep(1)
    place = Path(settings.artifacts) / regression(failing).report
    trend = place.read_text()
    assert place.with_name("trend.svg").read_text().count("l10 10m0") == 1
    assert re.search(
        r"Failed since the previous run: \d{8}T\d{6}-[0-9a-f]{8}, OSError: .*No space left", trend
    )


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"preset": "article", "seed": 7},
        {"problem": {"true_weights": [-1.5, 2.0, 0.25], "noise": 0.0}, "training": {"bias": False}},
        {
            "input": {"data": "my table.csv", "target": "y", "features": ["a", "b c"]},
            "split": {"test_fraction": 0.5},
        },
    ],
)
def test_flags_lead_back_to_the_same_settings(given: dict[str, object]) -> None:
    settings = Settings.model_validate(given)
    assert cli.parse(["run", *flags(settings)]).settings == settings


def test_what_the_user_can_mend_is_logged_without_a_traceback() -> None:
    for error, kept in ((BadTable("a gap; fill it"), False), (ValueError("a fault of ours"), True)):
        record = logging.LogRecord("x", 40, "", 1, "Task run failed", None, (type(error), error, None))
        assert without_traceback(record)
        assert bool(record.exc_info) == kept
        assert record.getMessage() == ("Task run failed" if kept else str(error))
