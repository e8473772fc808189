"""`serve` refuses what no scheduled run could use, and hands on settings that mean the same in any folder."""

from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.command.exits import Exit
from flows.command.serve import serve
from flows.regression import regression
from tasks.config import Settings

CRON = "0 6 * * *"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Have what would be served written down in place of serving."""
    given: list[dict[str, Any]] = []
    monkeypatch.setattr(regression, "serve", lambda **options: given.append(options))
    return given


def on_a_server(settings: Settings, cron: str = CRON) -> Exit:
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        return serve(settings, cron)


def test_it_needs_a_server_that_stays(
    settings: Settings, served: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert serve(settings, CRON) == Exit.BAD_INPUT
    assert "`serve` needs a server that stays" in capsys.readouterr().err
    assert served == []


@pytest.mark.parametrize("cron", ["", "daily", "61 * * * *", "* * * *"])
def test_a_line_that_is_no_schedule_is_refused(
    settings: Settings, served: list[dict[str, Any]], cron: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert on_a_server(settings, cron) == Exit.BAD_INPUT
    assert capsys.readouterr().err == (
        f"linear-neuron: `cron` of {cron!r} is not a cron line; every day at six is '0 6 * * *'\n"
    )
    assert served == []


def test_a_table_that_is_not_there_is_refused_today_not_at_night(
    served: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings.model_validate({"input": {"data": "none.csv", "target": "y"}})
    assert on_a_server(settings) == Exit.BAD_INPUT
    assert "`data` of 'none.csv' does not exist" in capsys.readouterr().err
    assert served == []


def test_paths_are_absolute_and_nothing_else_is_added(
    served: list[dict[str, Any]], penguins: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A scheduled run starts in a folder of its own; what the user left to the defaults stays left to them."""
    (tmp_path / "t.csv").write_bytes(penguins.read_bytes())
    monkeypatch.chdir(tmp_path)
    given = {
        "input": {"data": "t.csv", "target": "body_mass"},
        "artifacts": "store",
        "training": {"epochs": 3},
    }
    assert on_a_server(Settings.model_validate(given)) == Exit.DONE
    (options,) = served
    assert options["parameters"]["settings"] == {
        "input": {"data": str(tmp_path / "t.csv"), "target": "body_mass"},
        "artifacts": str(tmp_path / "store"),
        "training": {"epochs": 3},
    }
    assert (options["schedule"].cron, options["schedule"].timezone) == (CRON, "UTC")
    assert options["global_limit"].limit == 1
