"""A stage runs again exactly when something that can change its result has changed: every stage, every kind of edit.

The sources are copied, one run fills a store, and a program (`forecasts.py`) says after each edit what would run.
"""

import json
import os
import shutil
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import pytest

from tests.forecasts import edited
from tests.paths import ROOT
from tests.processes import environment, python

STAGES = ["generate", "split", "train", "evaluate", "report"]
# The first input of each stage, which is what it waits for when that is about to run.
READS = {"split": "generate", "train": "split", "evaluate": "train", "report": "evaluate"}

ALL = frozenset(STAGES)

# What an edit changes by itself; the stages after these run unless their input stays the same.
CHANGES: dict[str, tuple[dict[str, Any], Set[str]]] = {
    **{
        f"the stage {stage}": ({"edits": [["body", f"tasks/{stage}.py", stage]]}, {stage}) for stage in STAGES
    },
    "a helper of generate": (
        {"edits": [["body", "tasks/table/sources/npz.py", "feature_names"]]},
        {"generate"},
    ),
    "a helper of split, two modules away": (
        {"edits": [["body", "tasks/table/errors.py", "counted"]]},
        {"split"},
    ),
    "a helper of train, two modules away": (
        {"edits": [["body", "tasks/neuron/*.py", "whitening"]]},
        {"train"},
    ),
    "a helper of train, three modules away": (
        {"edits": [["body", "tasks/neuron/stability.py", "stable_limit"]]},
        {"train"},
    ),
    "a helper of evaluate": (
        {"edits": [["body", "tasks/neuron/metrics.py", "rounding_errors"]]},
        {"evaluate"},
    ),
    "a helper of report, two modules away": (
        {"edits": [["body", "tasks/page/text.py", "shortened"]]},
        {"report"},
    ),
    "a method that is called on a parameter": (
        {"edits": [["body", "tasks/store/artifact.py", "path"]]},
        ALL,
    ),
    "what every stage writes with": ({"edits": [["body", "tasks/store/writing.py", "publish"]]}, ALL),
    "a constant of split": ({"edits": [["constant", "tasks/split.py", "SAMPLE_ROWS"]]}, {"split"}),
    "a constant of train": ({"edits": [["constant", "tasks/neuron/*.py", "FINAL_RATE"]]}, {"train"}),
    "a constant of evaluate": (
        {"edits": [["constant", "tasks/neuron/collinearity.py", "INFLATED"]]},
        {"evaluate"},
    ),
    "a constant of report": (
        {"edits": [["constant", "tasks/page/figures/canvas.py", "COLOURS"]]},
        {"report"},
    ),
    "a default of train": ({"edits": [["default", "tasks/neuron/*.py", "whitening"]]}, {"train"}),
    "a default of evaluate": (
        {"edits": [["default", "tasks/neuron/student_t.py", "t_tests"]]},
        {"evaluate"},
    ),
    "a default of report": ({"edits": [["default", "tasks/page/figures/canvas.py", "legend"]]}, {"report"}),
    "the noise": ({"settings": {"problem": {"noise": 0.5}}}, {"generate"}),
    "the seed": ({"settings": {"seed": 7}}, {"generate", "split", "train"}),
    "the share of the test": ({"settings": {"split": {"test_fraction": 0.3}}}, {"split"}),
    "the epochs": ({"settings": {"training": {"epochs": 21}}}, {"train"}),
    "the initializer": ({"settings": {"training": {"initializer": "uniform"}}}, {"train"}),
    "numpy": ({"versions": {"numpy": "9.9"}}, ALL),
    "tensorflow": ({"versions": {"tensorflow": "9.9"}}, {"train"}),
    "keras": ({"versions": {"keras": "9.9"}}, {"train"}),
    "matplotlib": ({"versions": {"matplotlib": "9.9"}}, {"report"}),
    "pillow": ({"versions": {"pillow": "9.9"}}, {"report"}),
}

NOTHING: dict[str, dict[str, Any]] = {
    "nothing, from another working directory": {},
    "comments and formatting, in all modules": {"edits": [["unparsed", "*/**/*.py", ""]]},
    "docstrings, in all modules": {"edits": [["documented", "*/**/*.py", ""]]},
    "a function that no stage calls": {"edits": [["added", "tasks/**/*.py", ""]]},
    "a module that no stage imports": {"files": {"tasks/unrelated.py": "X = 1\n"}},
    "the flow and what is around the stages": {
        "edits": [
            ["body", "flows/regression.py", "regression"],
            ["body", "tasks/runtime/stage.py", "is_passing"],
            ["body", "tasks/runtime/dry_run.py", "__call__"],
        ]
    },
    "the libraries that carry the stages": {"versions": {"prefect": "9.9", "pydantic": "9.9"}},
    "the report's text, which is new in every run": {
        "edits": [["body", "tasks/page/summary.py", "summary"], ["body", "tasks/page/report.py", "report"]]
    },
}

TABLE = "x,z,y\n" + "".join(
    f"{i},{i * i % 97},{3 * i - i * i % 97 + 5 + (i * 37 % 11) / 10}\n" for i in range(99)
)

Outlook = dict[str, list[str]]


class Checkout:
    """A copy of the sources with a store that a run from it has filled."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.store = folder.parent / "store"
        self.environment = environment(
            folder.parent / "prefect", server, PREFECT_LOGGING_LEVEL="WARNING", PYTHONPATH=str(folder)
        )
        for room in ("flows", "tasks"):
            shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))

    def settings(self, changes: Mapping[str, Any] = {}) -> dict[str, Any]:
        training = {"epochs": 20} | changes.get("training", {})
        return {"artifacts": str(self.store), **changes, "training": training}

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run the command line from the checkout."""
        options = ["--json", "--artifacts", str(self.store), "--epochs", "20", *arguments]
        done = self._python("-m", "flows", "run", *options, cwd=self.folder)
        return dict(json.loads(done))

    def plan(self, *arguments: str) -> dict[str, Any]:
        options = ["--json", "--artifacts", str(self.store), "--epochs", "20", *arguments]
        return dict(json.loads(self._python("-m", "flows", "plan", *options, cwd=self.folder))["stages"])

    def forecasts(self, cases: list[dict[str, Any]]) -> list[Outlook]:
        """Say what would run after each of many edits, from another working directory."""
        asked = [case | {"settings": self.settings(case.get("settings", {}))} for case in cases]
        program = str(ROOT / "tests" / "forecasts.py")
        answers = self._python(program, str(self.folder), cwd=self.folder.parent, stdin=json.dumps(asked))
        return list(json.loads(answers))

    def _python(self, *arguments: str, cwd: Path, stdin: str = "") -> str:
        return python(*arguments, cwd=cwd, env=self.environment, stdin=stdin).stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Checkout:
    checkout = Checkout(tmp_path_factory.mktemp("keys") / "checkout", prefect_server)
    checkout.run()
    return checkout


@pytest.fixture(scope="module")
def outlooks(checkout: Checkout) -> dict[str, Outlook]:
    cases = {name: case for name, (case, _) in CHANGES.items()} | NOTHING
    return dict(zip(cases, checkout.forecasts(list(cases.values())), strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_runs_the_stages_that_it_reaches_and_those_that_wait_for_them(
    change: str, outlooks: dict[str, Outlook]
) -> None:
    """Up to the first such stage all are cached; after it, each runs unless its input comes out the same."""
    outlook, changed = outlooks[change], CHANGES[change][1]
    assert list(outlook) == STAGES
    for stage, (state, reason) in outlook.items():
        waits = READS.get(stage) in {each for each, (its, _) in outlook.items() if its == "will run"}
        assert state == ("will run" if stage in changed or waits else "cached"), (stage, reason)
        if waits:
            assert reason.startswith("unless `"), stage
        elif state == "will run":
            assert "→" in reason, stage


def test_the_reason_names_what_changed(outlooks: dict[str, Outlook]) -> None:
    assert outlooks["the epochs"]["train"] == ["will run", "`epochs`: 20 → 21"]
    assert outlooks["the noise"]["generate"] == ["will run", "`noise`: 1.0 → 0.5"]
    assert outlooks["tensorflow"]["train"][1].startswith("`tensorflow`: ")
    assert outlooks["tensorflow"]["train"][1].endswith(" → 9.9")
    assert outlooks["a constant of train"]["train"][1].startswith("`code of tasks.neuron.recipe`: ")


@pytest.mark.parametrize("change", NOTHING)
def test_what_cannot_change_a_result_runs_nothing(change: str, outlooks: dict[str, Outlook]) -> None:
    assert outlooks[change] == {stage: ["cached", "nothing changed"] for stage in STAGES}


def test_a_moved_checkout_and_a_moved_store_run_nothing(checkout: Checkout, tmp_path: Path) -> None:
    """Neither a path nor a time is part of a key or of a record."""
    moved = Checkout(tmp_path / "elsewhere", checkout.environment["PREFECT_API_URL"])
    shutil.copytree(checkout.store, moved.store)
    assert moved.forecasts([{}]) == [{stage: ["cached", "nothing changed"] for stage in STAGES}]


@pytest.mark.slow
def test_a_users_file_counts_by_its_content(checkout: Checkout) -> None:
    """Another digit with the same size and time runs `ingest`; a copy under another name and time runs nothing."""
    table = checkout.folder.parent / "table.csv"
    table.write_text(TABLE)
    checkout.run("--data", str(table), "--target", "y")
    copy = table.with_name("copy.csv")
    copy.write_text(TABLE)
    asked = [{"settings": {"input": {"data": str(path), "target": "y"}}} for path in (table, copy)]
    same, copied = checkout.forecasts(asked)
    assert {state for state, _ in same.values()} == {state for state, _ in copied.values()} == {"cached"}
    before = table.stat()
    table.write_text(TABLE.replace("98,1,", "98,2,"))
    os.utime(table, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (table.stat().st_size, table.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    (changed,) = checkout.forecasts(asked[:1])
    assert changed["ingest"][0] == "will run"
    assert changed["ingest"][1].startswith("`contents`: ")


@pytest.mark.parametrize(
    ("kind", "file", "name", "ran"),
    [
        pytest.param("body", "tasks/generate.py", "generate", {"generate"}, marks=pytest.mark.slow),
        pytest.param("body", "tasks/store/artifact.py", "digest", ALL, marks=pytest.mark.slow),
        pytest.param("body", "tasks/train.py", "train", {"train"}, marks=pytest.mark.slow),
    ],
)
def test_a_stage_that_leaves_the_same_bytes_runs_alone(
    checkout: Checkout, kind: str, file: str, name: str, ran: Set[str]
) -> None:
    """Early cut-off, in a real run; the plan made before it gives the run's own reasons."""
    path = checkout.folder / file
    text = path.read_text()
    path.write_text(edited(kind, text, name))
    try:
        plan, result = checkout.plan(), checkout.run()
    finally:
        path.write_text(text)
    states = {stage: each["state"] for stage, each in result["stages"].items()}
    assert states == {stage: "ran" if stage in ran else "cached" for stage in STAGES}
    first = next(iter(STAGES)) if "generate" in ran else "train"
    assert plan[first] == {"state": "will run", "reason": result["stages"][first]["reason"]}
    for stage in STAGES:
        assert plan[stage]["state"] == "cached" or states[stage] == "ran" or "unless" in plan[stage]["reason"]


@pytest.mark.slow
def test_a_run_does_what_the_plan_says_when_the_numbers_change(checkout: Checkout) -> None:
    plan, result = checkout.plan("--learning-rate", "0.4"), checkout.run("--learning-rate", "0.4")
    states = {stage: each["state"] for stage, each in result["stages"].items()}
    assert states == dict(zip(STAGES, ["cached", "cached", "ran", "ran", "ran"], strict=True))
    assert plan["train"] == {"state": "will run", "reason": "`learning_rate`: null → 0.4"}
    assert result["stages"]["train"]["reason"] == plan["train"]["reason"]
