"""The README's way to run every night, as it stands there, on a real server with a real worker."""

import json
from datetime import datetime
from typing import Any

import pytest

from tests.nightly.conftest import NIGHTLY, SERVED, Ticks
from tests.nightly.terminals import Terminals, until

pytestmark = pytest.mark.slow

STAGES = ["generate", "split", "train", "evaluate", "report"]
HEAVY = {"tensorflow", "keras", "matplotlib", "pandas"}
ENDS = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


def test_the_readme_starts_a_server_and_a_worker_and_triggers_a_run() -> None:
    """These are the commands that the tests below have typed."""
    commands = [line.command for line in NIGHTLY]
    assert [command.split()[:2] for command in commands[2:]] == [
        ["prefect", "work-pool"],
        ["prefect", "deploy"],
        ["prefect", "automation"],
        ["prefect", "worker"],
        ["prefect", "deployment"],
    ]
    assert [line.stays for line in NIGHTLY] == [True, False, False, False, False, True, False]
    assert [line.stays for line in SERVED] == [True]


def test_the_first_run_makes_everything_and_reports_in_the_checkout(
    terminals: Terminals, ticks: Ticks
) -> None:
    """The run is watched to its end, every stage ran, and the report is in the folder and on the server."""
    assert "Flow run finished successfully in 'Completed'" in ticks.said
    assert terminals.stages(ticks.first) == dict.fromkeys(STAGES, "Completed")
    (report,) = terminals.folder.glob(f"artifacts/runs/*-{ticks.first[:8]}/report.html")
    page = terminals.artifact(ticks.first, "markdown")
    assert page["key"] == "example-report"
    assert report.parent.name in page["data"]


def test_a_night_on_which_nothing_changed_is_cached_light_and_short(
    terminals: Terminals, ticks: Ticks
) -> None:
    """Every stage is `Cached`, nothing heavy is imported, and the run takes seconds."""
    assert terminals.stages(ticks.second) == dict.fromkeys(STAGES, "Cached")
    assert HEAVY - terminals.imported(ticks.first) <= {"pandas"}
    assert not HEAVY & terminals.imported(ticks.second)
    assert terminals.ask(f"flow_runs/{ticks.second}")["total_run_time"] < 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"training": {"epochs": 0}}, "'settings.training.epochs'. Failure reason: 0 is less than the minimum of 1"),
        ({"training": {"epoch": 5}}, "'settings.training'. Failure reason: Additional properties are not allowed"),
        ({"preset": "artcle"}, "'artcle' is not one of ['default', 'article', 'course']"),
    ],
)  # fmt: skip
def test_bad_parameters_are_refused_before_there_is_a_run(
    terminals: Terminals, settings: dict[str, Any], said: str
) -> None:
    """The server says field, value and rule."""
    before = {run["id"] for run in terminals.runs("nightly")}
    given = json.dumps(settings)
    done = terminals.run(f"prefect deployment run regression/nightly -p 'settings={given}'")
    assert done.returncode == 1
    assert said in done.stdout
    assert {run["id"] for run in terminals.runs("nightly")} == before


def test_two_runs_at_once_come_one_after_the_other(terminals: Terminals, ticks: Ticks) -> None:
    """The second one waits for the slot of the first one; neither is dropped."""
    nightly = terminals.ask("deployments/name/regression/nightly")
    started = [
        terminals.ask(f"deployments/{nightly['id']}/create_flow_run", parameters={"settings": {"seed": seed}})
        for seed in (1, 2)
    ]
    ids = [run["id"] for run in started]
    until(lambda: all(terminals.ask(f"flow_runs/{run}")["state_type"] in ENDS for run in ids))
    histories = [terminals.ask(f"flow_run_states/?flow_run_id={run}") for run in ids]
    assert [states[-1]["type"] for states in histories] == ["COMPLETED"] * 2
    assert "AwaitingConcurrencySlot" in {state["name"] for states in histories for state in states}
    (_, end), (begin, _) = sorted(_running(states) for states in histories)
    assert end <= begin


def test_a_promotion_starts_the_scoring(terminals: Terminals, ticks: Ticks) -> None:
    """The first model of its name comes into use; its rows are predicted at once, by the other deployment."""
    done = terminals.run("prefect deployment run regression/penguins --watch")
    assert done.returncode == 0, done.stdout + terminals.log()
    until(lambda: [run for run in terminals.runs("penguins-scored") if run["state_type"] in ENDS])
    (run,) = terminals.runs("penguins-scored")
    assert run["state_type"] == "COMPLETED", run
    assert run["state"]["message"].startswith("344 rows by penguins-all-body-mass, version 1, champion, run ")
    assert "Are all rows predicted?" in terminals.artifact(run["id"], "markdown")["data"]
    (day,) = (terminals.folder / "scored").iterdir()
    assert [path.name for path in day.iterdir()] == ["penguins.parquet"]
    # Arrow looks for pandas where it makes columns of arrays.
    assert HEAVY & terminals.imported(run["id"]) <= {"pandas"}


def _running(states: list[dict[str, Any]]) -> tuple[datetime, datetime]:
    """Return when a run began to run and when it ended."""
    begin = next(state["timestamp"] for state in states if state["name"] == "Running")
    return datetime.fromisoformat(begin), datetime.fromisoformat(states[-1]["timestamp"])


def test_serve_needs_no_pool(terminals: Terminals) -> None:
    """The command of the README stays, keeps the schedule that it was given, and runs when it is triggered."""
    (serve,) = SERVED
    terminals.type(serve)
    name = "deployments/name/regression/penguins-body-mass"
    served = until(lambda: terminals.ask(name), OSError, Exception)
    assert [each["schedule"]["cron"] for each in served["schedules"]] == ["0 6 * * *"]
    assert served["global_concurrency_limit"]["limit"] == 1
    assert served["concurrency_options"]["collision_strategy"] == "ENQUEUE"
    done = terminals.run("prefect deployment run regression/penguins-body-mass --watch")
    assert done.returncode == 0, done.stdout + terminals.log()
    (run,) = terminals.runs("penguins-body-mass")
    assert set(terminals.stages(run["id"])) == {"ingest", *STAGES[1:]}
    assert "Linear regression of body" in terminals.artifact(run["id"], "markdown")["data"]
