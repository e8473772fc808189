"""Earlier runs are read with care: the folder may hold anything."""

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tasks.outputs import runs as past_runs
from tasks.outputs.result import Result
from tasks.page.blocks import Picture, TableBlock
from tasks.page.trend import compared, trend, trend_picture
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


def test_only_runs_of_the_same_kind_are_compared(tmp_path: Path) -> None:
    """Another target, other features, or no test part make another error."""
    run_at(tmp_path, 1)
    run_at(tmp_path, 2, result_of(target="w"))
    run_at(tmp_path, 3, result_of(["x", "q"]))
    run_at(tmp_path, 4, result_of(held_out=False))
    assert names(tmp_path) == ["01"]
    assert names(tmp_path, result_of(held_out=False)) == ["04"]


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
    monkeypatch.setattr(past_runs, "MOST_LOOKED_AT", 3)
    assert names(tmp_path) == ["03", "04", "05"]
    monkeypatch.setattr(past_runs, "MOST_BYTES", 10)
    assert names(tmp_path) == []


def test_fields_of_other_versions_do_not_matter(tmp_path: Path) -> None:
    """An older result has no profile, a newer one has more."""
    made = run_at(tmp_path, 1).model_dump(mode="json")
    del made["profile"], made["lineage"]
    made["carbon"] = 3
    (past_runs.folder(tmp_path, made["run"]) / past_runs.RESULT).write_text(json.dumps(made))
    assert names(tmp_path) == ["01"]


def test_no_folder_is_no_history(tmp_path: Path) -> None:
    assert past_runs.earlier(tmp_path / "none", result_of()) == []


def test_the_trend_says_what_was_set_otherwise() -> None:
    """A worse error after a change of the noise is no alarm."""
    now = result_of()
    before = now.model_copy(update={"settings": {**now.settings, "seed": 7}})
    *_, last = trend([before], now)
    assert last.text == "Set otherwise than in the run before: seed 7 → 0."  # type: ignore[union-attr]
    blocks = list(trend([before] * 9, now))
    figure = next(block for block in blocks if isinstance(block, Picture))
    assert figure.alt.startswith("Line of the RMSE over 10 runs since 2026-11-23 00:40: 0.5812 at first")
    assert len(next(block for block in blocks if isinstance(block, TableBlock)).rows) == 5


def test_an_error_that_did_not_change_is_the_same() -> None:
    """Not '+0': the last bits differ between machines."""
    now = result_of()
    scores = now.metrics.train.model_copy(update={"rmse": now.rmse * (1 + 1e-9)})
    metrics = now.metrics.model_copy(update={"test": scores})
    assert compared(now.model_copy(update={"metrics": metrics}), now) == "the same"


@pytest.mark.parametrize("rmse", [[1.0, 1.0], [0.0, 0.0], [1e-300, 1e300], [3.0, 1.0, 2.0] * 6])
def test_the_picture_stays_inside_its_frame(rmse: list[float]) -> None:
    """Equal errors, perfect ones and forty decades: points inside, on an opaque ground."""
    now = result_of()
    runs = [
        now.model_copy(
            update={
                "metrics": now.metrics.model_copy(
                    update={"test": now.metrics.train.model_copy(update={"rmse": value})}
                )
            }
        )
        for value in rmse
    ]
    tree = ET.fromstring(trend_picture(runs))  # noqa: S314 - our own
    places = {tag: tree.findall(f"{{http://www.w3.org/2000/svg}}{tag}") for tag in ("circle", "rect")}
    frame = places["rect"][0]
    assert frame.get("fill") == "white"
    assert len(places["circle"]) == len(rmse)
    for dot in places["circle"]:
        assert 0 < float(dot.get("cx", "nan")) < float(frame.get("width", "nan"))
        assert 0 < float(dot.get("cy", "nan")) < float(frame.get("height", "nan"))
