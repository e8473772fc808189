"""The gate on whole runs: the same rows for both models, the registry, the state, what people and automations hear."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from flows.command import models
from flows.command.cli import parse
from flows.command.exits import Exit
from flows.command.news import News
from flows.command.run import run
from flows.command.signals import Stops
from flows.deciding import REJECTED
from flows.regression import regression
from tasks.config import ModelListing, Promotion, Rollback, RunPair, Settings, overlaid
from tasks.outputs import registry
from tasks.outputs.registry import NamedModel
from tasks.outputs.result import Decision, Result

pytestmark = pytest.mark.usefixtures("prefect_server")


class Shop:
    """A table that grows or changes between runs of one name."""

    def __init__(self, folder: Path) -> None:
        """Begin in an empty folder."""
        self.folder = folder
        self.rng = np.random.default_rng(0)

    def rows(self, count: int, slope: float = 2.0, noise: float = 1.0) -> pd.DataFrame:
        x = self.rng.normal(size=count)
        island = self.rng.choice(["a", "b", "c"], count)
        base = pd.Series(island).map({"a": 0.0, "b": 3.0, "c": -2.0})
        y = slope * x + base + noise * self.rng.normal(size=count)
        return pd.DataFrame({"day": np.repeat(np.arange(count // 10), 10), "x": x, "island": island, "y": y})

    def night(self, rows: pd.DataFrame, **changes: Any) -> Result:
        """Retrain on these rows."""
        rows.to_csv(self.folder / "sales.csv", index=False)
        given = {
            "name": "sales",
            "artifacts": str(self.folder / "store"),
            "input": {
                "data": str(self.folder / "sales.csv"),
                "target": "y",
                "exclude": "day",
                "categorical": "island",
            },
            "training": {"epochs": 20},
            "gate": {"promote_if": "better"},
        }
        return regression(Settings.model_validate(overlaid(given, changes)))

    @property
    def known(self) -> NamedModel:
        found = registry.read(self.folder / "store", "sales")
        assert found is not None
        return found

    def champion(self) -> int | None:
        return self.known.champion.number if self.known.champion else None


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def decision(result: Result) -> Decision:
    assert result.decision is not None
    return result.decision


def typed(arguments: list[str]) -> Exit:
    """Do what is typed after `linear-neuron`."""
    request = parse(arguments)
    settings = request.settings
    assert isinstance(settings, ModelListing | Promotion | Rollback | RunPair)
    return models.TASKS[request.command](settings, request.as_json)


def test_a_better_model_takes_over_and_both_are_judged_on_the_same_rows(shop: Shop) -> None:
    """The first is promoted, the same data are kept, a world with another slope hands over; RMSE by hand agree."""
    first = shop.night(old := shop.rows(400))
    assert decision(first).outcome == "promoted"
    again = shop.night(old)
    assert (decision(again).outcome, decision(again).comparison) == ("kept", None)
    assert {stage.state for stage in again.stages.values()} == {"cached"}
    new = shop.night(shop.rows(400, slope=-2.0))
    found = decision(new)
    assert found.outcome == "promoted"
    assert shop.champion() == 3

    store = shop.folder / "store"
    test = next(f.path for f in new.stages["split"].files if f.path.endswith("test.parquet"))
    rows = pq.read_table(store / test).to_pandas()
    features = list(new.model.weights)
    for result, rmse in ((first, found.comparison and found.comparison.champion_rmse), (new, new.rmse)):
        predicted = (
            rows[features].to_numpy() @ np.array(list(result.model.weights.values())) + result.model.bias
        )
        assert rmse == pytest.approx(np.sqrt(np.mean((rows["y"] - predicted) ** 2)))
    assert found.promoted_rmse == first.rmse
    assert found.champion_weights == pytest.approx(first.model.weights | {"bias": first.model.bias})

    page = (store / new.report).read_text()
    assert "## Decision" in page
    assert "champion, on today's test rows" in page
    last = shop.known.history[-1]
    assert (last.before, last.after, last.by) == (1, 3, "the gate")
    assert last.figures["rmse"] == new.rmse


def test_a_night_like_the_last_keeps_the_champion(shop: Shop) -> None:
    shop.night(shop.rows(400))
    result = shop.night(shop.rows(400))
    assert decision(result).outcome == "kept"
    assert decision(result).text.startswith("Kept, as not surely better: on the same 80 test rows")
    assert shop.champion() == 1


def test_a_broken_bound_rejects_the_night_without_failing_it(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    """The state is Completed and bears the name; the command ends with status 4 only if asked to."""
    shop.night(shop.rows(200))
    rows = shop.rows(200, noise=30.0)
    bounds = {"gate": {"max_rmse": 5.0, "min_r2": 0.5}}
    result = shop.night(rows, **bounds)
    assert decision(result).outcome == "rejected"
    assert "above the 5 of `max_rmse`, and the test R²" in decision(result).text
    assert shop.champion() == 1

    given = Settings.model_validate(result.settings)
    state = regression(given, return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", REJECTED)
    assert "Rejected: the test RMSE" in str(state.message)

    capsys.readouterr()
    assert run(given, True, Stops(), News(-1)) == Exit.DONE
    assert json.loads(capsys.readouterr().out)["decision"]["outcome"] == "rejected"
    assert run(given, True, Stops(), News(-1), fail_when_rejected=True) == Exit.REJECTED


def test_rows_that_lack_a_column_of_the_champion_keep_it(shop: Shop) -> None:
    rows = shop.rows(200)
    shop.night(rows)
    rows["x2"] = rows["x"]
    result = shop.night(rows.drop(columns="x"), input={"warn": "removed-columns"})
    assert decision(result).outcome == "kept"
    assert "it needs the column 'x', which is not among today's features" in decision(result).text


def test_a_damaged_champion_is_kept_and_named(shop: Shop) -> None:
    """Nothing is promoted past a model that cannot be compared with."""
    first = shop.night(shop.rows(200))
    path = shop.folder / "store" / "runs" / first.run / "model.json"
    path.write_text(path.read_text().replace("1", "2"))
    result = shop.night(shop.rows(200, slope=-2.0))
    assert decision(result).outcome == "kept"
    assert "is not what the run wrote" in decision(result).text


def test_without_a_test_part_nothing_is_decided(shop: Shop) -> None:
    result = shop.night(shop.rows(200), split={"test_fraction": 0})
    assert decision(result).outcome == "kept"
    assert "raise `test_fraction`" in decision(result).text
    assert shop.champion() is None


@pytest.mark.parametrize(
    ("split", "unit", "units"),
    [
        ({"method": "group", "by": "day"}, "group", range(4, 13)),
        ({"method": "time", "by": "day"}, "day", range(8, 9)),
    ],
)
def test_rows_of_a_group_or_a_day_count_as_one(
    shop: Shop, split: dict[str, Any], unit: str, units: range
) -> None:
    """Ten rows of a day are one piece of evidence."""
    shop.night(shop.rows(400), split=split)
    found = decision(shop.night(shop.rows(400, slope=-2.0), split=split)).comparison
    assert found is not None
    assert (found.unit, found.method) == (unit, "bootstrap")
    assert found.units in units
    assert found.rows == 10 * found.units


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
    shop: Shop, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    shop.night(shop.rows(60), training={"epochs": 1})
    before = shop.known
    capsys.readouterr()
    assert typed([*arguments, "--artifacts", str(shop.folder / "store")]) == 2
    assert why in capsys.readouterr().err
    assert shop.known == before
