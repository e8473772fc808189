"""`plan` prints each stage's state and reason, runs none and makes nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from flows.command.exits import Exit
from flows.command.plan import dry_run, plan
from tasks.config import Settings, overlaid

STAGES = ["generate", "split", "train", "evaluate", "report"]


def given(settings: Settings, **changes: Any) -> Settings:
    return Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes))


def test_nothing_is_cached_in_an_empty_store(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    """And no folder is made for it."""
    assert plan(settings, as_json=False) == Exit.DONE
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == STAGES
    assert lines[0] == "generate  will run  first run"
    assert lines[-1] == "report    will run  unless `evaluate` leaves the same files as before"
    assert not Path(settings.artifacts).exists()


def test_json_says_the_same(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    plan(settings, as_json=True)
    found = json.loads(capsys.readouterr().out)["stages"]
    assert list(found) == STAGES
    assert found == {
        name: {"state": state, "reason": why} for name, (state, why) in dry_run(settings).stages.items()
    }


def test_a_table_is_looked_at_and_refused(
    settings: Settings, penguins: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {"data": str(penguins), "target": "body_mass"}
    assert plan(given(settings, input=table), as_json=False) == Exit.DONE
    assert capsys.readouterr().out.startswith("ingest    will run")
    assert plan(given(settings, input=table | {"target": "mass"}), as_json=False) == Exit.BAD_INPUT
    said = capsys.readouterr()
    assert said.out == ""
    assert "no column is named 'mass'; did you mean" in said.err


def test_a_store_that_cannot_be_one_is_refused(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert plan(given(settings, artifacts=str(tmp_path / "file")), as_json=True) == Exit.BAD_INPUT
    assert "name another folder" in capsys.readouterr().err
