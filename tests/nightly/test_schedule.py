"""Nights that come by themselves, a minute or less long: nobody triggers a run, and nobody is there when one dies.

What the README says is typed on a server of its own; then the schedules are awaited, `NIGHTS=24` of them if asked.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from tests.nightly.chat import Chat, open_chat
from tests.nightly.conftest import ALIVE, NIGHTLY, SERVED
from tests.nightly.processes import Held, cut_power, held
from tests.nightly.readme import Line
from tests.nightly.terminals import Terminals, until

pytestmark = pytest.mark.slow

# Runs of the deployment's schedule that are awaited; a file is added to the table in the middle.
NIGHTS = int(os.environ.get("NIGHTS", "5"))
# A night's length: a run takes less, also beside another one.
SECONDS = 30
STAGES = ("ingest", "split", "train", "evaluate", "report")
ENDED = ("Completed", "Failed", "Crashed")
# What SQLite says on a busy machine when another writer goes first; Prefect's clients and services then try again.
BUSY = "database is locked"

SERVER, WORKER = "prefect server start", "prefect worker start"


@dataclass(frozen=True, slots=True)
class Morning:
    """What there is after a night: the run, its stages' states, what is in the store, what the processes hold."""

    run: dict[str, Any]
    stages: dict[str, str]
    bytes: int
    files: dict[str, int]
    runs: int
    worker: Held
    server: Held


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    """Open a chat."""
    with open_chat() as opened:
        yield opened


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, chat: Chat) -> Iterator[Terminals]:
    """Set up server, deployment, worker and `serve` as the README says, with shorter nights and a table of its own."""
    opened = Terminals(tmp_path_factory.mktemp("town"))
    try:
        (opened.folder / "table").mkdir()
        for number in range(3):
            add_file(opened.folder, number)
        hasten(opened.folder / "prefect.yaml")
        for line in NIGHTLY[:-1]:
            opened.type(line)
        (serve,) = SERVED
        opened.type(
            Line(
                re.sub(r'--cron "[^"]+"', '--cron "* * * * *" --artifacts served', serve.command), stays=True
            )
        )
        chat.subscribe(opened)
        yield opened
    finally:
        opened.close()


def add_file(folder: Path, number: int) -> None:
    """Add a file to the table: y = 3·x + 1, and a little more."""
    rows = "".join(
        f"{x / 10},{0.3 * x + 1 + (x * 7 % 11) / 100}\n" for x in range(number * 40, number * 40 + 40)
    )
    (folder / "table" / f"{number}.csv").write_text(f"x,y\n{rows}")


def hasten(config: Path) -> None:
    """Have the deployment run every few seconds, over the table."""
    told = config.read_text()
    told, schedules = re.subn(r'- cron: "0 6 \* \* \*"\n *timezone: UTC', f"- interval: {SECONDS}", told)
    given = "settings: {input: {data: table, target: y}, training: {epochs: 20}}"
    told, settings = re.subn(r"settings: \{preset: default\}", given, told)
    assert (schedules, settings) == (1, 2)
    config.write_text(told)


@pytest.fixture(scope="module")
def mornings(town: Terminals) -> list[Morning]:
    """Wait for the nights, and add a file to the table in the middle of them."""
    seen: list[Morning] = []
    for night in range(NIGHTS):
        if night == NIGHTS // 2:
            add_file(town.folder, 3)
        run, *_ = until(partial(unseen, town, {each.run["id"] for each in seen}))
        seen.append(look_around(town, run))
    return seen


def unseen(town: Terminals, seen: set[str]) -> list[dict[str, Any]]:
    """Return the nights that have ended, less those that were looked at, in the order in which they ended."""
    ended = [run for run in town.scheduled("nightly", *ENDED) if run["id"] not in seen]
    return sorted(ended, key=lambda run: str(run["end_time"]))


def look_around(town: Terminals, run: dict[str, Any]) -> Morning:
    """Look at what a run has left, and what worker and server hold."""
    store = town.folder / "artifacts"
    lasting = [folder for folder in store.iterdir() if folder.name not in {"drafts", "leases", "locks"}]
    files = [path for folder in lasting for path in folder.rglob("[!.]*") if path.is_file()]
    inodes = {stat.st_ino: stat.st_size for stat in (path.stat() for path in files)}
    kinds = [path.relative_to(store).parts[0] for path in files]
    return Morning(
        run,
        town.stages(run["id"]),
        sum(inodes.values()),
        {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)},
        len(list((store / "runs").iterdir())),
        held(town.pid(WORKER)),
        held(town.pid(SERVER)),
    )


def test_a_deployments_schedule_makes_runs(mornings: list[Morning]) -> None:
    """Night after night, without a trigger, and each is done before the next one."""
    assert [each.run["state"]["name"] for each in mornings] == ["Completed"] * NIGHTS
    assert all(each.run["auto_scheduled"] for each in mornings)


def test_only_what_changed_is_made_again(mornings: list[Morning]) -> None:
    """The first night makes everything, the second nothing; of a table that grew only the new file is read."""
    ran = [
        set(STAGES) - {name for name, state in each.stages.items() if state == "Cached"} for each in mornings
    ]
    grown = next(number for number, stages in enumerate(ran) if number and stages)
    assert ran[0] == ran[grown] == set(STAGES)
    assert [stages for number, stages in enumerate(ran) if number not in {0, grown}] == [set()] * (NIGHTS - 2)
    assert [each.files["known"] for each in mornings] == [3] * grown + [4] * (NIGHTS - grown)
    assert [each.files["files"] for each in mornings] == [9] * grown + [12] * (NIGHTS - grown)


def own_bytes(runs: Path) -> int:
    """Return the bytes of a run's own files, the most of any: the reports, the trend, the result and the model.

    Figures are shared with the stage that drew them.
    """
    return max(
        sum(file.stat().st_size for file in run.iterdir() if file.suffix != ".png") for run in runs.iterdir()
    )


def test_nothing_piles_up(town: Terminals, mornings: list[Morning]) -> None:
    """While nothing changes the store grows by the runs' pages alone, and the processes not at all."""
    page = own_bytes(town.folder / "artifacts" / "runs")
    grown = next(
        number for number, each in enumerate(mornings) if number and "Completed" in each.stages.values()
    )
    for quiet in (mornings[: NIGHTS // 2], mornings[grown:]):
        first, last = quiet[0], quiet[-1]
        assert {**last.files, "runs": 0} == {**first.files, "runs": 0}
        assert last.bytes - first.bytes <= (last.runs - first.runs) * page
    assert {each.worker.zombies for each in mornings} | {each.server.zombies for each in mornings} == {0}
    earlier, later = mornings[: NIGHTS // 2], mornings[NIGHTS // 2 :]
    for process in (attrgetter("worker"), attrgetter("server")):
        assert min(process(each).files for each in later) < max(process(each).files for each in earlier) + 5
        assert (
            min(process(each).memory for each in later) < max(process(each).memory for each in earlier) + 10
        )


def test_the_cron_line_of_serve_makes_runs(town: Terminals) -> None:
    """Every minute; what the first run has made, the second one takes from the store."""
    first, second = until(
        lambda: (
            town.scheduled("penguins-body-mass", *ENDED)[1:]
            and town.scheduled("penguins-body-mass", *ENDED)[:2]
        )
    )
    assert [run["state"]["name"] for run in (first, second)] == ["Completed"] * 2
    assert town.stages(first["id"]) == dict.fromkeys(STAGES, "Completed")
    assert town.stages(second["id"]) == dict.fromkeys(STAGES, "Cached")
    assert len(list((town.folder / "served" / "runs").iterdir())) >= 2


def test_the_readme_shows_that_the_schedule_is_alive(town: Terminals, mornings: list[Morning]) -> None:
    """Nights that were, nights to come, and none that nobody took up."""
    past, to_come, late = (town.run(line.command) for line in ALIVE)
    assert [past.returncode, to_come.returncode, late.returncode] == [0] * 3
    assert past.stdout.count("COMPLETED") == 3
    assert to_come.stdout.count("SCHEDULED") == 3


@dataclass(frozen=True, slots=True)
class Outage:
    """The run that was killed, when it was no longer shown as running; the id of one that came due without a worker."""

    run: dict[str, Any]
    missed: str


@pytest.fixture(scope="module")
def outage(town: Terminals, mornings: list[Morning]) -> Outage:
    """Kill worker and run in the middle of a long training, and wait until the run is no longer shown as running."""
    nightly = town.ask("deployments/name/regression/nightly")
    (schedule,) = nightly["schedules"]
    pause, resume = (
        f"prefect deployment schedule {verb} regression/nightly {schedule['id']}"
        for verb in ("pause", "resume")
    )
    town.type(Line(pause, stays=False))  # or the nights might keep the slot to themselves
    settings = {"training": {"epochs": 1_000_000}}
    made = town.ask(f"deployments/{nightly['id']}/create_flow_run", parameters={"settings": settings})
    before = town.said(WORKER).count("epoch")
    until(lambda: town.said(WORKER).count("epoch") > before, seconds=300)
    town.type(Line(resume, stays=False))
    cut_power(town.pid(WORKER))
    assert town.ask(f"flow_runs/{made['id']}")["state"]["name"] == "Running"
    missed = town.ask(f"deployments/{nightly['id']}/create_flow_run", parameters={})
    crashed = until(lambda: _if_ended(town.ask(f"flow_runs/{made['id']}")), seconds=300)
    return Outage(crashed, missed["id"])


def _if_ended(run: dict[str, Any]) -> dict[str, Any]:
    return run if run["state"]["name"] in ENDED else {}


def test_a_run_that_died_with_its_worker_becomes_crashed(outage: Outage, chat: Chat) -> None:
    """Minutes later, with a reason, and the chat is told."""
    assert outage.run["state"]["name"] == "Crashed"
    assert "its machine or its worker must have died" in outage.run["state"]["message"]
    told = until(lambda: [text for text in chat.heard if outage.run["id"] in text])
    assert told[0].splitlines()[:2] == ["regression: Crashed", outage.run["state"]["message"]]


def test_a_night_that_no_worker_takes_up_is_late(town: Terminals, outage: Outage, chat: Chat) -> None:
    """It is marked, the README's command shows it, and the chat is told."""
    assert town.ask(f"flow_runs/{outage.missed}")["state"]["name"] == "Late"
    assert town.scheduled("nightly", "Late")
    assert outage.missed in town.run(f"{ALIVE[-1].command} --limit 200").stdout
    # Of a run that was planned less than five minutes ahead, as the schedule's here, Prefect may tell much later.
    told = until(lambda: [text for text in chat.heard if outage.missed in text])
    assert told[0].startswith("regression: Late\n")


def test_the_next_night_has_the_slot(town: Terminals, outage: Outage) -> None:
    """The dead run's slot is free, and a worker that comes back goes on with the nights."""
    concurrency = town.ask("deployments/name/regression/nightly")["global_concurrency_limit"]
    assert concurrency["active_slots"] == 0
    done = len(town.scheduled("nightly", "Completed"))
    town.type(NIGHTLY[-2])
    until(lambda: len(town.scheduled("nightly", "Completed")) > done, seconds=300)


def test_the_server_has_nothing_to_complain_of(
    town: Terminals, mornings: list[Morning], outage: Outage
) -> None:
    """No service has failed: neither the scheduler, nor what marks late runs, nor what runs automations."""
    records = re.split(r"^(?=\d\d:\d\d:\d\d\.\d{3} \| )", town.said(SERVER), flags=re.MULTILINE)
    assert len(records) > 1
    bad = [
        each for each in records if re.search(r"\| (?:ERROR|CRITICAL) |^Traceback", each, flags=re.MULTILINE)
    ]
    assert [each for each in bad if BUSY not in each] == []
