"""The gate on whole runs: the same rows for both models, the registry, the state, what people and automations hear."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.command.exits import Exit
from flows.command.news import News
from flows.command.run import run
from flows.command.signals import Stops
from flows.deciding import REJECTED, Consent
from flows.regression import regression
from tasks.config import Settings
from tasks.outputs import runs
from tasks.table.model import linear
from tests.flows.shop import Shop, decision

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "unit"),
    [
        ({"input": {"weights": "times"}}, "row"),
        ({"input": {"weights": "times"}, "split": {"method": "time", "by": "day"}}, "day"),
        (
            {"split": {"method": "time", "by": "seen", "half_life": "8d"}, "input": {"exclude": ["times"]}},
            "day",
        ),
    ],
)
def test_rows_count_by_their_weights_beside_the_champion(
    shop: Shop, given: dict[str, Any], unit: str
) -> None:
    """As they do in the errors of the report, and in as many units as without weights."""

    def weighted(rows: pd.DataFrame) -> pd.DataFrame:
        seen = pd.Timestamp("2024-01-01") + pd.to_timedelta(rows["day"], "D")
        return rows.assign(times=1.0 + rows.index % 4, seen=seen)

    shop.night(weighted(shop.rows(400)), **given)
    new = shop.night(weighted(shop.rows(400, slope=-2.0)), **given)
    found = decision(new).comparison
    assert found is not None
    assert (found.rows, found.unit) == (80, unit)
    assert new.metrics.test is not None
    assert found.rmse == pytest.approx(new.metrics.test.rmse, rel=1e-6)

    test = next(f.path for f in new.stages["split"].files if f.path.endswith("test.parquet"))
    rows = pq.read_table(shop.folder / "store" / test).to_pandas()
    weights = rows.iloc[:, -1]
    champion = decision(new).champion_weights or {}
    predicted = (
        sum(rows[name] * weight for name, weight in champion.items() if name != "bias") + champion["bias"]
    )
    expected = np.sqrt(np.average((rows["y"] - predicted) ** 2, weights=weights))
    assert found.champion_rmse == pytest.approx(expected, rel=1e-9)
    assert found.champion_rmse != pytest.approx(np.sqrt(np.mean((rows["y"] - predicted) ** 2)), rel=1e-6)


@pytest.mark.slow
def test_a_champion_of_polynomials_is_compared_with_though_they_are_fitted_anew(shop: Shop) -> None:
    """Its columns are others every night, and its predictions of today's rows are its own."""
    formula = {"input": {"formula": "y ~ poly(x, 2) * island + scale(day)", "exclude": [], "categorical": []}}
    shop.night(shop.rows(400), **formula)
    new = shop.night(shop.rows(400, slope=-2.0), **formula)
    found = decision(new).comparison
    assert found is not None
    assert decision(new).outcome == "promoted"

    store = shop.folder / "store"
    rows = pd.read_csv(shop.folder / "sales.csv")
    test = next(f.path for f in new.stages["split"].files if f.path.endswith("test.parquet"))
    rows = rows[rows["y"].isin(pq.read_table(store / test)["y"].to_pylist())]
    model = linear.read(store / "runs" / shop.known.versions[0].run / linear.FILE)
    columns = {
        "x": pa.array(rows["x"]),
        "day": pa.array(rows["day"].astype(float)),
        "island": pa.array(rows["island"]),
    }
    predicted = linear.predict(model, columns)
    errors = rows["y"].to_numpy() - predicted.values  # noqa: PD011 - no frame's
    assert len(rows) == found.rows == 80
    assert found.champion_rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9)


@pytest.mark.parametrize("agreed", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_deployments_run_asks_a_person_and_heeds_the_answer(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, agreed: bool
) -> None:
    """Asked is only for a run that would be promoted; the answer and its reason are in the history or the report."""
    shop.night(shop.rows(200))
    asked = []

    def answer(wait_for_input: type[Consent], key: str, timeout: int) -> Consent:
        asked.append(key)
        assert timeout > 5 * 24 * 3600  # a night's run is looked at in the morning, or after a holiday
        return Consent(promote=agreed, why="seen")

    monkeypatch.setattr("flows.deciding.deployment", SimpleNamespace(id="a deployment"))
    monkeypatch.setattr("flows.deciding.suspend_flow_run", answer)
    by_hand = {"gate": {"approve": "by_hand"}}
    assert decision(shop.night(shop.rows(200), **by_hand)).outcome == "kept"
    assert asked == []
    result = shop.night(shop.rows(200, slope=-2.0), **by_hand)
    assert len(asked) == 1
    assert decision(result).outcome == ("promoted" if agreed else "kept")
    assert "(seen)" in decision(result).text
    assert shop.champion() == (3 if agreed else 1)
    assert shop.known.history[-1].by == ("a person, in Prefect's UI" if agreed else "the gate")


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Return the events that are emitted."""
    emitted: list[dict[str, Any]] = []
    monkeypatch.setattr("flows.events.emit_event", lambda **event: emitted.append(event))
    return emitted


def test_features_that_drift_are_named_and_told_to_automations(
    shop: Shop, events: list[dict[str, Any]]
) -> None:
    """Beside the decision: a night like the first is calm; one whose `x` has moved is told of, though nothing changes.

    A champion of an earlier release has left nothing to compare with, and that is said.
    """
    first = shop.night(shop.rows(400))
    assert (decision(first).drift, decision(first).drift_text) == ([], "")
    calm = decision(shop.night(shop.rows(400)))
    assert {each.name: each.drifted for each in calm.drift} == {"x": False, "island": False}
    assert calm.drift_text.startswith("No feature has drifted")
    told = [each["event"].removeprefix("linear-neuron.") for each in events]
    assert told == ["run.finished", "model.promoted", "run.finished"]

    rows = shop.rows(400)
    rows["x"], rows["y"] = rows["x"] + 2, rows["y"] + 4
    moved = shop.night(rows)
    assert [each.name for each in decision(moved).drifted] == ["x"]
    assert decision(moved).outcome == "kept"
    drifted = events[-1]
    assert drifted["event"] == "linear-neuron.model.drifted"
    assert drifted["resource"]["prefect.resource.id"] == "linear-neuron.model.sales"
    assert (drifted["payload"]["champion"], [*drifted["payload"]["psi"]]) == (first.run, ["x"])
    assert "beyond chance: 'x' (PSI" in drifted["payload"]["text"]

    without_distributions(shop.folder / "store", first.run)
    unknown = shop.night(rows)
    assert {stage.state for stage in unknown.stages.values()} == {"cached"}
    assert decision(unknown).drift == []
    assert "the champion's run has left no distributions" in decision(unknown).drift_text
    assert [each["event"] for each in events].count("linear-neuron.model.drifted") == 1


def without_distributions(store: Path, run: str) -> None:
    """Make a run as an earlier release has left it."""
    found, place = runs.read(store, run), store / "runs" / run
    assert found is not None
    model = (place / "model.json").read_bytes()
    runs.write(store, found.model_copy(update={"distributions": []}), {"model.json": model})
