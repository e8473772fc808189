"""Predictions into a table of a database: the same as into a file, again and again, from the same database too."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from flows.command import predict as command
from flows.predicting import predict_rows
from tasks.config import Prediction
from tasks.outputs import runs
from tasks.table.errors import BadTable
from tasks.table.model.linear import FILE
from tests.databases import PASSWORD, READER
from tests.page.examples import result_of
from tests.table.destinations.databases import KINDS, Database, database

MODEL = {"target": "y", "bias": 1.0, "inputs": [{"type": "number", "name": "a", "weight": 2.0, "mean": None}]}
RUN = "20261122T000001-0123abcd"


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Make a database that has rows to predict."""
    made = database(request.param, tmp_path, request)
    made.execute("CREATE TABLE sales (id bigint, a float, note varchar)")
    made.execute("INSERT INTO sales VALUES (1, 0.5, 'x'), (2, NULL, 'it''s'), (3, 4, NULL)")
    return made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    (tmp_path / "model.json").write_text(json.dumps(MODEL))
    return tmp_path / "model.json"


def options(model: Path | str, shop: Database, **more: Any) -> Prediction:
    given = {"data": shop.address, "table": "sales", "output": shop.address, "output_table": "scored"}
    return Prediction.model_validate({"model": str(model), **given, **more})


def scored(shop: Database) -> list[tuple[Any, ...]]:
    return shop.ask("SELECT id, a, note, predicted_y FROM scored ORDER BY id")


def test_rows_of_a_database_go_back_into_it(
    shop: Database, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Twice with a key: the same rows; a row that is gone from the data stays, one that has changed is replaced."""
    for _ in range(2):
        assert command.predict(options(model, shop, output_key="id"), as_json=False) == 0
        assert scored(shop) == [(1, 0.5, "x", 2.0), (2, None, "it's", None), (3, 4.0, None, 9.0)]
    told = capsys.readouterr()
    assert told.out.splitlines()[-1].startswith("3 rows with 'predicted_y' in table 'scored' of '")
    assert "1 row without a prediction" in told.err

    shop.execute("DELETE FROM sales WHERE id = 1")
    shop.execute("UPDATE sales SET a = 5 WHERE id = 2")
    assert command.predict(options(model, shop, output_key="id"), as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["table"] == "scored"
    assert [row[3] for row in scored(shop)] == [2.0, 11.0, 9.0]
    assert command.predict(options(model, shop, overwrite=True), as_json=False) == 0
    assert [row[3] for row in scored(shop)] == [11.0, 9.0]


def test_rows_that_cannot_be_used_leave_the_table_alone(
    shop: Database, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 2 and a line; also where the bad cell comes after good rows."""
    predict_rows(options(model, shop))
    before = scored(shop)
    (tmp_path / "new.csv").write_text("id,a\n" + "9,1\n" * 100_000 + "9,oops\n")
    for more, message in (
        ({"data": str(tmp_path / "new.csv"), "table": None, "overwrite": True}, "has 'oops' in row 100,001"),
        ({"output_key": "key"}, "table 'scored' of '.*' has no column 'key'|the rows have no column 'key'"),
        ({}, "already exists; give `--output-key`"),
        ({"output_table": None}, "is a database; name the table with `--output-table`"),
    ):
        with pytest.raises(BadTable, match=message):
            predict_rows(options(model, shop, **more))
    assert scored(shop) == before
    assert shop.names() == {"sales", "scored"}


def test_a_run_and_a_time_are_added_where_they_are_asked_for(tmp_path: Path, model: Path) -> None:
    """Into a file and into a table; a file by itself is of no run, and says so."""
    store = tmp_path / "store"
    runs.write(store, result_of().model_copy(update={"run": RUN}), {FILE: json.dumps(MODEL).encode()})
    (tmp_path / "in.csv").write_text("a\n1\n2\n")
    base = {"data": str(tmp_path / "in.csv"), "stamp": True, "artifacts": str(store)}
    before = datetime.now(UTC) - timedelta(seconds=1)
    for output in ("out.parquet", "out.csv"):
        given = base | {"model": "latest", "output": str(tmp_path / output)}
        predict_rows(Prediction.model_validate(given))
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["model_run"].to_pylist() == [RUN] * 2
    (time,) = set(found["predicted_at"].to_pylist())
    assert before <= time <= datetime.now(UTC)
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith(f"1,3,{RUN},2")

    table = {"output": f"duckdb:///{tmp_path / 'out.duckdb'}", "output_table": "scored"}
    predict_rows(Prediction.model_validate(base | table | {"model": "latest"}))
    with duckdb.connect(str(tmp_path / "out.duckdb")) as connection:
        assert connection.execute("SELECT DISTINCT model_run FROM scored").fetchall() == [(RUN,)]

    with pytest.raises(BadTable, match="is of no run; give the run, or leave `stamp` out"):
        predict_rows(Prediction.model_validate(base | table | {"output_table": "t", "model": str(model)}))
    (tmp_path / "in.csv").write_text("a,model_run\n1,x\n")
    with pytest.raises(BadTable, match="`stamp` adds a column 'model_run', and there is one already"):
        predict_rows(
            Prediction.model_validate(base | {"model": "latest", "output": str(tmp_path / "new.csv")})
        )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"output_key": "id", "output_table": None}, "`output_key` is for a table of a database"),
        ({"output_key": "id", "overwrite": True}, "give one of them"),
        ({"output": "postgresql://me:secret@host/db"}, "`output` of 'postgresql://…@host/db' carries cred"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    base = {"model": "m", "data": "d.csv", "output": "sqlite:///x.db", "output_table": "t"}
    with pytest.raises(ValidationError, match=message) as caught:
        Prediction.model_validate(base | given)
    assert "secret" not in str(caught.value)


def test_a_file_has_no_table(tmp_path: Path, model: Path) -> None:
    given = {"model": str(model), "data": "in.csv", "output": str(tmp_path / "o.csv"), "output_table": "t"}
    with pytest.raises(BadTable, match=r"`output_table`: `output` of '.*' is no database; leave it out"):
        predict_rows(Prediction.model_validate(given))


def test_a_database_that_is_not_there_is_made_when_all_rows_are_known(tmp_path: Path, model: Path) -> None:
    path = tmp_path / "new.db"
    (tmp_path / "in.csv").write_text("a\n1\noops\n")
    given = {"model": str(model), "data": str(tmp_path / "in.csv"), "output": f"sqlite:///{path}"}
    asked = Prediction.model_validate(given | {"output_table": "t"})
    with pytest.raises(BadTable, match="oops"):
        predict_rows(asked)
    assert not path.exists()
    (tmp_path / "in.csv").write_text("a\n1\n")
    predict_rows(asked)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM t").fetchall() == [(1.0, 3.0)]


def test_a_password_of_the_environment_is_used_and_not_said(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A user who may only read is refused in one line."""
    made = database("postgresql", tmp_path, request)
    (tmp_path / "in.csv").write_text("a\n1\n")
    address = made.address.replace("postgres@", f"{READER}@")
    given = {"data": str(tmp_path / "in.csv"), "table": None, "output": address, "output_table": "writing.t"}
    for password, said in ((PASSWORD, "permission denied"), ("TOPSECRET", "authentication failed")):
        monkeypatch.setenv("PGPASSWORD", password)
        assert command.predict(options(model, made, **given), as_json=False) == 2
        told = capsys.readouterr().err
        assert said in told
        assert "TOPSECRET" not in told
        assert told.count("\n") == 1


def test_rows_of_any_type_go_through(tmp_path: Path, model: Path) -> None:
    """What the rows carry along keeps its type."""
    rows = pa.table(
        {"a": [1.0], "day": pa.array([0], pa.date32()), "level": pa.array(["u"]).dictionary_encode()}
    )
    pq.write_table(rows, tmp_path / "in.parquet")
    given = {
        "model": str(model),
        "data": str(tmp_path / "in.parquet"),
        "output": f"duckdb:///{tmp_path}/o.db",
    }
    predict_rows(Prediction.model_validate(given | {"output_table": "t"}))
    with duckdb.connect(f"{tmp_path}/o.db") as connection:
        found = connection.execute(
            "SELECT column_name, data_type FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    assert dict(found) == {"a": "DOUBLE", "day": "DATE", "level": "VARCHAR", "predicted_y": "DOUBLE"}
