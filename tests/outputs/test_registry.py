"""The registry of models in use: versions, aliases, a history that only grows; whole after a kill and a race."""

import json
import signal
from pathlib import Path

import pytest

from tasks.outputs import registry
from tasks.outputs.registry import CHAMPION, NamedModel
from tasks.store.folders import REGISTRY, BadStore
from tasks.table.errors import BadTable
from tests.paths import ROOT
from tests.processes import environment, python, started

RUNS = [f"20261122T0000{second:02}-0123abcd" for second in range(20)]
SALES = {"name": "sales", "input": {"data": "/t/sales.csv", "target": "price"}}


def of_runs(*runs: str) -> NamedModel:
    model = NamedModel(name="sales", owner="o", table="t")
    for run in runs:
        model = model.with_run(run)
    return model


def test_each_run_is_a_version_once() -> None:
    """A run that is made again keeps its number."""
    model = of_runs(RUNS[0], RUNS[1], RUNS[0])
    assert [(each.number, each.run) for each in model.versions] == [(1, RUNS[0]), (2, RUNS[1])]


def test_an_alias_points_where_the_history_says() -> None:
    """Each move is kept with its reason and figures; one that changes nothing is none."""
    model = of_runs(*RUNS[:3]).moved(CHAMPION, RUNS[0], by="gate", why="the first", figures={"rmse": 1.5})
    model = model.moved(CHAMPION, RUNS[2], by="gate", why="better").moved(
        CHAMPION, RUNS[2], by="me", why="again"
    )
    assert model.champion is not None
    assert model.champion.number == 3
    assert [(move.before, move.after, move.why) for move in model.history] == [
        (None, 1, "the first"),
        (1, 3, "better"),
    ]
    assert model.history[0].figures == {"rmse": 1.5}
    assert model.moved(CHAMPION, None, by="me", why="retired").champion is None


def test_an_alias_moves_to_versions_of_its_name_alone() -> None:
    with pytest.raises(ValueError, match="no version"):
        of_runs(RUNS[0]).moved(CHAMPION, RUNS[1], by="me", why="?")
    with pytest.raises(ValueError, match="`alias` of '3'"):
        of_runs(RUNS[0]).moved("3", RUNS[0], by="me", why="?")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    model = of_runs(*RUNS[:2]).moved(CHAMPION, RUNS[1], by="gate", why="ü", figures={"rmse": 0.1})
    registry.write(tmp_path, model)
    found = registry.read(tmp_path, "sales")
    assert found is not None
    assert found.model_copy(update={"checksum": ""}) == model
    assert registry.names(tmp_path) == ["sales"]
    assert registry.read(tmp_path, "other") is None
    assert registry.read(tmp_path, "../sales") is None


@pytest.mark.parametrize("harm", ["altered", "cut", "link", "copied", "bare"])
def test_what_is_not_as_it_was_written_is_refused(tmp_path: Path, harm: str) -> None:
    """A registry that nobody can vouch for must not say which model is in use."""
    registry.write(tmp_path, of_runs(*RUNS[:2]).moved(CHAMPION, RUNS[1], by="gate", why="good"))
    path = tmp_path / REGISTRY / "sales.json"
    content = path.read_text()
    if harm == "link":
        path.rename(tmp_path / "elsewhere.json")
        path.symlink_to(tmp_path / "elsewhere.json")
    else:
        bare = json.dumps(json.loads(content) | {"checksum": ""})
        changed = {"altered": content.replace("good", "bad"), "cut": content[:-9], "bare": bare}
        path.write_text(changed.get(harm, content))
    if harm == "copied":
        path.rename(path.with_name("other.json"))
    with pytest.raises(BadStore, match=r"registry/\w+\.json .* restore it from a backup"):
        registry.read(tmp_path, "other" if harm == "copied" else "sales")


def test_a_name_that_another_table_has_is_refused_with_the_remedy(tmp_path: Path) -> None:
    registry.write(tmp_path, registry.entry(tmp_path, "sales", SALES).with_run(RUNS[0]))
    assert registry.claimed_name(tmp_path, SALES) == "sales"
    other = SALES | {"input": {"data": "/t/other.csv", "target": "price"}}
    with pytest.raises(BadTable, match=r"`name` of 'sales' is taken: .*'/t/sales\.csv'.*give another name"):
        registry.claimed_name(tmp_path, other)


def test_a_name_that_nobody_gave_makes_way(tmp_path: Path) -> None:
    """Two tables called sales.csv in two folders: the second gets a name of its own, and keeps it."""
    first, second = ({"name": None, "input": {"data": f"/{each}/sales.csv", "target": "y"}} for each in "ab")
    assert registry.claimed_name(tmp_path, first) == "sales-y"
    registry.write(tmp_path, registry.entry(tmp_path, "sales-y", first))
    name = registry.claimed_name(tmp_path, second)
    assert name.startswith("sales-y-")
    registry.write(tmp_path, registry.entry(tmp_path, name, second))
    assert registry.claimed_name(tmp_path, second) == name
    assert registry.claimed_name(tmp_path, first) == "sales-y"


# Adds a run and makes it the champion, as one of many processes.
PROMOTE = """
import os, sys
from pathlib import Path
from tasks.outputs import registry
from tests.outputs.test_registry import of_runs
root, run = Path(sys.argv[1]), sys.argv[2]
with registry.held(root):
    model = registry.read(root, "sales") or of_runs()
    registry.write(root, model.with_run(run).moved(registry.CHAMPION, run, by=str(os.getpid()), why="race"))
"""


def test_races_leave_one_order(tmp_path: Path) -> None:
    """Each of eight processes is in the history, and each move begins where the one before it ended."""
    processes = [started("-c", PROMOTE, tmp_path, run) for run in RUNS[:8]]
    for process in processes:
        said = process.communicate(timeout=120)
        assert process.returncode == 0, said
    model = registry.read(tmp_path, "sales")
    assert model is not None
    assert {version.run for version in model.versions} == {*RUNS[:8]}
    assert [(move.before, move.after) for move in model.history] == [
        (number or None, number + 1) for number in range(8)
    ]


def test_the_runs_of_aliases_and_of_the_last_promotions_are_protected() -> None:
    model = of_runs(*RUNS[:6])
    for run in RUNS[:4]:
        model = model.moved(CHAMPION, run, by="gate", why="better")
    model = model.moved("audited", RUNS[5], by="me", why="kept for the auditors")
    assert model.protected(2) == {RUNS[2], RUNS[3], RUNS[5]}
    assert model.protected(0) == {RUNS[3], RUNS[5]}
    assert model.protected(9) == {*RUNS[:4], RUNS[5]}


@pytest.mark.slow
def test_a_kill_at_any_write_leaves_the_old_or_the_new_champion(tmp_path: Path) -> None:
    """Nobody needs to mend anything: the next promotion goes through."""
    program = ROOT / "tests" / "outputs" / "promotion_kills.py"
    done = python(program, tmp_path / "store", env=environment(tmp_path / "prefect"))
    points = json.loads(done.stdout)
    assert len(points) >= 6
    assert {point["ended"] for point in points} == {-signal.SIGKILL}
    champions = [point["found"] for point in points]
    assert champions == sorted(champions)
    assert {*champions} == {"20261122T000000-0123abcd", "20261123T000000-0123abcd"}
    assert {(point["again"], point["then"]) for point in points} == {(0, "20261123T000000-0123abcd")}
