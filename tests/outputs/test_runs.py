"""Earlier runs are read with care: the folder may hold anything."""

import json
import os
from pathlib import Path

import pytest

from tasks.outputs import runs as past_runs
from tasks.outputs.result import Result
from tests.page.examples import result_of


def run_at(runs: Path, second: int, result: Result | None = None) -> Result:
    """Leave a run as publishing does."""
    name = f"20261122T0000{second:02}-0123abcd"
    made = (result or result_of()).model_copy(update={"run": name})
    past_runs.folder(runs, name).mkdir(parents=True)
    (past_runs.folder(runs, name) / past_runs.RESULT).write_text(made.model_dump_json())
    return made


def names(runs: Path, now: Result | None = None) -> list[str]:
    return [past.run[13:15] for past in past_runs.earlier(runs, now or result_of())]


def test_the_newest_runs_come_in_the_order_of_time(tmp_path: Path) -> None:
    """At most 19 before this one; a retried run does not find itself, nor those after it."""
    for second in range(30):
        run_at(tmp_path, second)
    assert names(tmp_path) == [f"{second:02}" for second in range(11, 30)]
    assert names(tmp_path, result_of().model_copy(update={"run": "20261122T000002-0123abcd"})) == ["00", "01"]


def test_only_runs_of_the_same_name_are_listed(tmp_path: Path) -> None:
    """A run of an earlier release has none: it counts under the name that its table and target would give today."""
    run_at(tmp_path, 1)
    sales = result_of().model_copy(update={"name": "sales"})
    run_at(tmp_path, 2, sales)
    own = {"input": {"data": "/tables/penguins.csv", "target": "body_mass"}}
    run_at(tmp_path, 3, result_of().model_copy(update={"settings": own}))
    assert names(tmp_path) == ["01"]
    assert names(tmp_path, sales) == ["02"]
    assert names(tmp_path, result_of().model_copy(update={"name": "penguins-body-mass"})) == ["03"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"run": 1}',
        b"[" * 100_000,
        b'{"metrics": {"train": {"rmse": "x"}}}',
    ],
)
def test_what_cannot_be_read_is_passed_over(tmp_path: Path, content: bytes) -> None:
    """Half a file, another program's file, deep nesting: neither stops the report."""
    run_at(tmp_path, 1)
    folder = past_runs.folder(tmp_path, "20261122T000002-0123abcd")
    folder.mkdir()
    (folder / past_runs.RESULT).write_bytes(content)
    (past_runs.folder(tmp_path, "20261122T000003-0123abcd")).mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    assert names(tmp_path) == ["01"]


def test_no_number_is_taken_that_is_none(tmp_path: Path) -> None:
    """NaN, infinity and negative errors would break the picture."""
    for second, value in enumerate([float("nan"), float("inf"), -1.0]):
        made = run_at(tmp_path, second).model_dump(mode="json")
        made["metrics"]["test"]["rmse"] = value
        (past_runs.folder(tmp_path, made["run"]) / past_runs.RESULT).write_text(json.dumps(made))
    assert names(tmp_path) == []


def test_reading_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe is not waited for, a huge file not read, and not every folder of thousands looked into."""
    for second in range(1, 6):
        run_at(tmp_path, second)
    pipe = past_runs.folder(tmp_path, "20261122T000007-0123abcd")
    pipe.mkdir()
    os.mkfifo(pipe / past_runs.RESULT)
    assert names(tmp_path) == ["01", "02", "03", "04", "05"]
    assert past_runs.unreadable(tmp_path) == [
        f"runs/{pipe.name}/result.json cannot be read: is no regular file, or lies behind a link"
    ]
    monkeypatch.setattr(past_runs, "MOST_LOOKED_AT", 3)  # the pipe is one of them
    assert names(tmp_path) == ["04", "05"]
    monkeypatch.setattr(past_runs, "MOST_BYTES", 10)
    assert names(tmp_path) == []


def test_fields_of_other_versions_do_not_matter(tmp_path: Path) -> None:
    """An older result has no profile and no t tests, a newer one has more."""
    made = run_at(tmp_path, 1).model_dump(mode="json")
    del made["profile"], made["lineage"]
    del made["least_squares"]["t_tests"], made["least_squares"]["degrees_of_freedom"]
    made["carbon"] = 3
    (past_runs.folder(tmp_path, made["run"]) / past_runs.RESULT).write_text(json.dumps(made))
    assert names(tmp_path) == ["01"]


def test_no_folder_is_no_history(tmp_path: Path) -> None:
    assert past_runs.earlier(tmp_path / "none", result_of()) == []
