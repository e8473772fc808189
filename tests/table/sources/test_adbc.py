"""What a driver raises: an answer of the server's, or the end of a connection, which passes."""

import pyarrow as pa
import pytest

from tasks.table.sources.database import BrokenOff, Rejected
from tasks.table.sources.postgres import Postgres
from tests.databases import Server


def test_a_server_that_is_gone_after_the_first_look_may_come_back() -> None:
    database = Postgres("postgresql://127.0.0.1:1/db")
    with pytest.raises(Rejected, match="Connection refused"):
        database.schema("select 1 as x")
    with pytest.raises(BrokenOff, match="Connection refused"):
        next(database.batches("select 1 as x", pa.schema([("x", pa.int32())])))


def test_an_error_of_a_row_is_an_answer(postgres: Server) -> None:
    """Without the statement that the driver has made of the query."""
    database = Postgres(postgres.address)
    query = "select 1 / (i - 5) as x from generate_series(1, 9) as i"
    with pytest.raises(Rejected, match=r"ERROR: +division by zero") as caught:
        list(database.batches(query, database.schema(query)))
    assert "COPY" not in str(caught.value)
