"""The commands on models in use: what is promoted, brought back and compared by hand, and who is told."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.command import models
from flows.command.cli import parse
from flows.command.exits import Exit
from tasks.config import ModelListing, Promotion, Rollback, RunPair
from tasks.outputs import registry, runs
from tasks.outputs.naming import owner
from tasks.outputs.registry import CHAMPION, NamedModel
from tasks.table.model.linear import FILE
from tests.flows.shop import Shop, decision
from tests.nightly.terminals import until
from tests.page.examples import result_of

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a store with one model, `sales`, and its only version as the champion."""
    run = "20261122T000001-0123abcd"
    result = result_of().model_copy(update={"run": run, "name": "sales"})
    runs.write(tmp_path, result, {FILE: b"{}"})
    known = NamedModel(name="sales", owner=owner(result.settings), table="t").with_run(run)
    registry.write(tmp_path, known.moved(CHAMPION, run, by="me", why="the first"))
    return tmp_path


def typed(arguments: list[str]) -> Exit:
    """Do what is typed after `linear-neuron`."""
    request = parse(arguments)
    settings = request.settings
    assert isinstance(settings, ModelListing | Promotion | Rollback | RunPair)
    return models.TASKS[request.command](settings, request.as_json)


def test_by_hand_outside_a_deployment_makes_a_challenger(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    """`promote` then brings it into use, `rollback` the one before, and `models` tells who and why."""
    first = shop.night(shop.rows(200))
    second = shop.night(shop.rows(200, slope=-2.0), gate={"approve": "by_hand"})
    assert decision(second).waits
    assert shop.champion() == 1
    assert shop.known.aliases["challenger"].run == second.run

    store = ["--artifacts", str(shop.folder / "store")]
    assert typed(["promote", second.run, "--why", "looked at", *store]) == 0
    assert shop.champion() == 2
    assert "challenger" not in shop.known.aliases
    assert typed(["rollback", "sales", *store, "--json"]) == 0
    assert shop.champion() == 1
    assert typed(["promote", "sales@2", "--alias", "audited", *store]) == 0
    capsys.readouterr()
    assert typed(["models", "sales", "--json", *store]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["aliases"] == {"champion": 1, "audited": 2}
    assert [move["why"] for move in told["history"]][-3:] == ["looked at", "rolled back", "by hand"]
    assert typed(["models", *store]) == 0
    assert first.run in capsys.readouterr().out
    assert typed(["models", "sales", *store]) == 0
    assert "champion: 2 → 1, by " in capsys.readouterr().out

    assert typed(["diff", first.run, "sales@2", "--json", *store]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["rows"] == "each on its own test rows"
    assert {pair["name"] for pair in found["settings"]} == {"gate.approve"}
    change = next(each for each in found["weights"] if each["name"] == "x")
    assert change["low"] < second.model.weights["x"] - first.model.weights["x"] < change["high"] < 0
    assert typed(["diff", first.run, first.run, *store]) == 0
    assert "on the same test rows" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["promote", "nothing"], "is neither a file"),
        (["rollback", "sails"], "`name` of 'sails' is not known"),
        (["rollback", "sales"], "has had no champion before this one"),
        (["rollback", "sales", "--to", "7"], "no alias and no version '7'"),
        (["promote", "latest", "--alias", "3"], "`alias` of '3' is none"),
        (["models", "sails"], "the names there are: sales"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    before = registry.read(store, "sales")
    assert before is not None
    assert typed([*arguments, "--artifacts", str(store)]) == 2
    assert why in capsys.readouterr().err
    assert registry.read(store, "sales") == before


@pytest.mark.slow
def test_a_champion_by_hand_is_told_to_automations(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """What waits for a promotion begins; where the server is gone, the model is in use, and a line says the rest."""
    shop.night(shop.rows(200))
    second = shop.night(shop.rows(200), name="sales")
    store = ["--artifacts", str(shop.folder / "store")]
    since = datetime.now(UTC)
    assert typed(["promote", second.run, "--why", "looked at", *store]) == 0
    assert typed(["promote", second.run, "--alias", "audited", *store]) == 0
    wanted = {
        "event": {"name": ["linear-neuron.model.promoted"]},
        "resource": {"id": ["linear-neuron.model.sales"]},
        "occurred": {"since": since.isoformat()},
    }
    with get_client(sync_client=True) as client:
        until(lambda: client.request("POST", "/events/filter", json={"filter": wanted}).json()["events"])
        (event,) = client.request("POST", "/events/filter", json={"filter": wanted}).json()["events"]
    assert event["payload"]["run"] == second.run
    assert event["payload"]["text"].endswith("by `linear-neuron promote`: looked at")

    capsys.readouterr()
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        assert typed(["rollback", "sales", *store]) == 0
    said = capsys.readouterr()
    assert "sales@champion is version 1" in said.out
    assert (
        "the model is in use, but `PREFECT_API_URL` of 'http://127.0.0.1:9/api' was not told of it"
        in said.err
    )
