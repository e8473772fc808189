"""The flow `scoring`: the champion over new rows, again and again; what it says of them; what it refuses."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows import scoring as module
from flows.scoring import scoring
from tasks.config import Prediction
from tasks.outputs import registry, runs
from tasks.outputs.distributions import distributions
from tasks.outputs.registry import CHAMPION, NamedModel
from tasks.outputs.scoring import ScoringResult
from tasks.table.errors import BadTable
from tasks.table.model.linear import FILE
from tests.flow_runs import artifacts_of, last_runs
from tests.page.examples import result_of

pytestmark = pytest.mark.usefixtures("prefect_server")

RUNS = ["20261122T000001-0123abcd", "20261123T000001-0123abcd"]
TODAY = f"{datetime.now(UTC):%Y-%m-%d}"


def model(weight: float) -> bytes:
    column = {"type": "number", "name": "a", "weight": weight, "mean": None}
    return json.dumps({"target": "y", "bias": 1.0, "inputs": [column]}).encode()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Make a store with two runs of `sales`, the first of them the champion, and a table of new rows."""
    root = tmp_path / "store"
    known = NamedModel(name="sales", owner="o", table="t")
    for run, weight in zip(RUNS, (2.0, 3.0), strict=True):
        result = result_of().model_copy(update={"run": run, "name": "sales"})
        runs.write(root, result, {FILE: model(weight)})
        known = known.with_run(run)
    registry.write(root, known.moved(CHAMPION, RUNS[0], by="me", why="the first"))
    (tmp_path / "new.csv").write_text("id,a\n1,0.5\n2,\n3,4\n")
    return tmp_path


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Hear what is told to automations."""
    heard: list[dict[str, Any]] = []
    monkeypatch.setattr("flows.events.emit_event", lambda **event: heard.append(event))
    return heard


def scored(shop: Path, **given: Any) -> ScoringResult:
    usual = {
        "model": "sales@champion",
        "data": str(shop / "new.csv"),
        "output": str(shop / "scored/day={day}/rows.parquet"),
        "artifacts": str(shop / "store"),
    }
    return scoring(Prediction.model_validate({**usual, **given}))


def last() -> tuple[str, str, str]:
    """Return the state of the last flow run and its message, and its report."""
    (run,) = last_runs("scoring", 1)
    assert run.state is not None
    (page,) = artifacts_of(run.id, key="sales-scoring")
    return run.state.name or "", run.state.message or "", str(page.data)


def test_a_day_has_one_file_however_often_it_is_scored(shop: Path, events: list[dict[str, Any]]) -> None:
    """By the champion; the state, the report and an event say what became of the rows."""
    path = shop / f"scored/day={TODAY}/rows.parquet"
    left = []
    for _ in range(2):
        result = scored(shop)
        left.append(path.read_bytes())
    assert left[0] == left[1]
    assert pq.read_table(path)["predicted_y"].to_pylist() == [2.0, None, 9.0]
    assert (result.rows, result.predicted, result.lowest, result.mean, result.highest) == (
        3,
        2,
        2.0,
        5.5,
        9.0,
    )

    name, message, page = last()
    assert name == "Completed"
    expected = f"3 rows by sales, version 1, champion, run {RUNS[0]}, 1 without a prediction, 2 to 9"
    assert message == expected == result.line
    assert "No: 1 of 3 rows have no prediction." in page
    assert "column 'a' misses 1 value" in page
    assert [event["event"] for event in events] == ["linear-neuron.scoring.completed"] * 2
    assert events[0]["resource"]["prefect.resource.id"] == "linear-neuron.model.sales"
    assert events[0]["payload"]["rows"] == 3


def test_a_table_is_merged_by_its_key_and_follows_the_champion(shop: Path) -> None:
    table = {"output": f"duckdb:///{shop}/rows.duckdb", "output_table": "scored", "output_key": "id"}

    def kept() -> list[tuple[Any, ...]]:
        with duckdb.connect(str(shop / "rows.duckdb")) as connection:
            return list(connection.execute("SELECT id, predicted_y FROM scored ORDER BY id").fetchall())

    for _ in range(2):
        scored(shop, **table)
        assert kept() == [("1", 2.0), ("2", None), ("3", 9.0)]
    known = registry.read(shop / "store", "sales")
    assert known is not None
    registry.write(shop / "store", known.moved(CHAMPION, RUNS[1], by="me", why="better"))
    (shop / "new.csv").write_text("id,a\n3,4\n4,0\n")
    assert scored(shop, **table).model["run"] == RUNS[1]
    assert kept() == [("1", 2.0), ("2", None), ("3", 13.0), ("4", 1.0)]


def test_rows_unlike_the_training_rows_are_said(shop: Path, events: list[dict[str, Any]]) -> None:
    """The champion's run knows how its training rows were distributed: calm rows are alike, shifted ones not."""
    rng = np.random.default_rng(0)
    known = distributions(pa.table({"a": rng.normal(size=5000)}))
    result = result_of().model_copy(update={"run": RUNS[0], "name": "sales", "distributions": known})
    runs.write(shop / "store", result, {FILE: model(2.0)})
    for shift, drifted in ((0.0, []), (1.0, ["a"])):
        pd.DataFrame({"a": rng.normal(shift, size=2000)}).to_csv(shop / "new.csv", index=False)
        found = scored(shop)
        assert [each.name for each in found.drifted] == drifted
        assert [each.name for each in found.drift] == ["a"]
        _, message, page = last()
        assert message.endswith(", 1 of 1 features drifted") == bool(drifted)
        assert ("No: a moved, beyond chance." in page) == bool(drifted)
    assert events[-1]["payload"]["drift"][0]["drifted"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("id,b\n1,0.5\n", "has no column 'a', which the model needs"),
        ("id,a\n1,0.5\n2,oops\n", "has 'oops' in row 2; the model needs numbers there"),
    ],
)
def test_rows_that_the_champion_does_not_know_are_refused(
    shop: Path, events: list[dict[str, Any]], caplog: pytest.LogCaptureFixture, rows: str, message: str
) -> None:
    """The run fails with the reason, in the report and an event too; yesterday's file stays; no traceback is logged."""
    scored(shop)
    path = shop / f"scored/day={TODAY}/rows.parquet"
    before = path.read_bytes()
    (shop / "new.csv").write_text(rows)
    caplog.clear()
    with pytest.raises(BadTable, match=message):
        scored(shop)
    name, said, page = last()
    assert name == "Failed"
    assert message in said
    assert page.startswith("# Nothing was scored by sales")
    assert message.partition("'")[0] in page
    assert events[-1]["event"] == "linear-neuron.scoring.failed"
    assert message in events[-1]["payload"]["text"]
    assert path.read_bytes() == before
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("s3://bucket/day={day}/rows.parquet", "is not on this machine"),
        ("sqlite:///nowhere/{day}.db", "nowhere"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_made(
    shop: Path, monkeypatch: pytest.MonkeyPatch, output: str, message: str
) -> None:
    monkeypatch.chdir(shop)
    before = sorted(shop.rglob("*"))
    with pytest.raises(BadTable, match=message):
        scored(shop, output=output, output_table="scored" if "sqlite" in output else None)
    assert sorted(shop.rglob("*")) == before


def test_no_champion_is_said(shop: Path) -> None:
    with pytest.raises(BadTable, match="no alias and no version 'challenger'"):
        scored(shop, model="sales@challenger")


@pytest.mark.slow
def test_a_connection_that_breaks_off_is_made_again(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself, after two seconds."""
    original = module._predict.fn
    broken: list[Prediction] = []

    def breaking(options: Prediction, sampled: int) -> Any:
        if not broken:
            broken.append(options)
            raise ConnectionResetError("it broke off")
        return original(options, sampled)

    monkeypatch.setattr(module._predict, "fn", breaking)
    assert scored(shop).rows == 3
    assert len(broken) == 1
