"""Whole runs on a database: what stays cached, what is retried, and where a password is not to be found."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from pydantic import SecretStr

from flows.regression import regression
from tasks.config import Settings
from tasks.outputs.result import Result
from tasks.table.sources.postgres import Postgres
from tests.databases import PASSWORD, READER, Server
from tests.flow_runs import artifacts_of, last_runs

ROWS = "SELECT i AS id, i * 0.5 AS x, 3 * i + 1 + (i % 3) AS y FROM generate_series(1, 60) AS i"


@pytest.fixture
def sales(postgres: Server, prefect_server: str) -> Iterator[Server]:
    postgres.execute(f"CREATE TABLE sales AS {ROWS}")
    yield postgres
    postgres.execute("DROP TABLE sales")


def fitted(store: Path, **given: Any) -> Result:
    chosen = {"target": "y", "table": "sales", "key": "id", **given}
    return regression(
        Settings.model_validate({"artifacts": str(store), "input": chosen, "training": {"epochs": 20}})
    )


def states(result: Result) -> list[str]:
    return [stage.state for stage in result.stages.values()]


def test_only_other_rows_make_later_stages_run(sales: Server, tmp_path: Path) -> None:
    """The same rows in another order are asked for, and nothing else is done; the report says what was asked."""
    given = {"data": sales.address}
    assert states(fitted(tmp_path, **given)) == ["ran"] * 5
    sales.execute(
        "UPDATE sales SET x = x WHERE id % 2 = 0"
    )  # PostgreSQL writes those rows anew, behind the others
    again = fitted(tmp_path, **given)
    assert states(again) == ["ran", *["cached"] * 4]
    assert again.stages["ingest"].reason.startswith("`contents`: ")
    assert again.lineage is not None
    assert again.lineage.table == f"PostgreSQL, {sales.address}, table sales"
    assert again.lineage.source is None
    sales.execute("UPDATE sales SET x = x + 1 WHERE id = 2")
    assert states(fitted(tmp_path, **given))[:3] == ["ran"] * 3


def test_unchanged_if_spares_the_reading_and_is_said(sales: Server, tmp_path: Path) -> None:
    given = {"data": sales.address, "unchanged_if": "select count(*) from sales"}
    assert states(fitted(tmp_path, **given)) == ["ran"] * 5
    again = fitted(tmp_path, **given)
    assert states(again) == ["cached"] * 5
    assert again.lineage is not None
    assert str(again.lineage.table).endswith("read again when `select count(*) from sales` answers otherwise")
    assert "answers otherwise" in (tmp_path / again.report).read_text()


@pytest.mark.slow
def test_a_connection_that_breaks_off_is_made_again(
    sales: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stage is tried once more by itself, after two seconds, and has all rows."""
    original = Postgres.batches
    broken: list[pa.RecordBatch] = []

    def breaking(database: Postgres, text: str, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        for batch in original(database, text, schema):
            yield batch
            if not broken:
                broken.append(batch)
                sales.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%'"
                )

    monkeypatch.setattr(Postgres, "batches", breaking)
    result = fitted(tmp_path, data=sales.address, table=None, query=f"{ROWS.replace('60', '1000000')}")
    assert len(broken) == 1
    assert (result.metrics.test or result.metrics.train).rows == 200_000


def test_a_password_is_read_from_a_block_and_left_nowhere(
    sales: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in the store, in what Prefect's server knows of the run, in the log or the output; a wrong one neither."""
    address = sales.address.replace("postgres@", f"{READER}@")
    for name, value in (("sales-reader", PASSWORD), ("sales-wrong", f"{PASSWORD}2")):
        Secret(value=SecretStr(value)).save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]
    fitted(tmp_path / "store", data=address, password_block="sales-reader")  # noqa: S106 - the block's name
    with pytest.raises(ValueError, match="password authentication failed") as caught:
        fitted(tmp_path / "store", data=address, password_block="sales-wrong")  # noqa: S106
    with pytest.raises(ValueError, match="is no Secret block that can be read"):
        fitted(tmp_path / "store", data=address, password_block="nothing")  # noqa: S106

    runs = last_runs("regression", 3)
    assert len(runs) == 3
    with get_client(sync_client=True) as client:
        known = [run.model_dump_json() for run in runs]
        known += [state.model_dump_json() for run in runs for state in client.read_flow_run_states(run.id)]
        known += [task.model_dump_json() for task in client.read_task_runs(limit=50)]
    known += [json.dumps([each.data, each.description]) for each in artifacts_of(*(run.id for run in runs))]
    files = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    printed = capfd.readouterr()
    every = [str(caught.value), caplog.text, printed.out, printed.err, *known]
    for secret in ("TOPSECRET", PASSWORD):
        assert not [text for text in every if secret in text]
        assert not [content for content in files if secret.encode() in content]
