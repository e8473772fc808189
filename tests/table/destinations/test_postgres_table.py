"""PostgreSQL as a place for rows: types, passwords, a server that dies, and two who write at once."""

import threading
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import SecretStr

from tasks.table.destinations.database_table import table_at
from tasks.table.destinations.postgres_table import PostgresSession
from tasks.table.errors import BadTable
from tasks.table.sources.database import BrokenOff
from tasks.table.sources.source import Origin
from tests.databases import PASSWORD, READER, Server, programs, serving
from tests.table.destinations.databases import database
from tests.table.destinations.examples import TYPED, TYPES

ROWS = pa.table({"id": [1, 2], "y": [0.5, None]})


def test_types_are_kept(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Those of the rows in a table that is made; those of a table that is there, whose types take the values."""
    written = database("postgresql", tmp_path, request)
    table_at(Origin(written.address), "scored").fill(TYPED.to_reader())
    asked = ", ".join(f"pg_typeof({name})::text" for name in TYPED.column_names)
    assert written.ask(f"SELECT {asked} FROM scored LIMIT 1") == [tuple(TYPES.values())]  # noqa: S608
    assert written.ask("SELECT * FROM scored ORDER BY whole") == [
        tuple(row.values()) for row in TYPED.to_pylist()
    ]
    written.execute("CREATE TABLE own (id smallint PRIMARY KEY, y numeric(5, 2))")
    for _ in range(2):
        table_at(Origin(written.address), "own", ("id",)).fill(ROWS.to_reader())
    assert written.ask("SELECT id, y::text FROM own ORDER BY id") == [(1, "0.50"), (2, None)]


def test_a_password_goes_to_the_driver_alone(postgres: Server) -> None:
    """A wrong one is refused without being said."""
    address = postgres.address.replace("postgres@", f"{READER}@")
    for password, said in (
        (PASSWORD, "permission denied"),
        (f"{PASSWORD}2", "password authentication failed"),
    ):
        into = table_at(Origin(address, password=SecretStr(password)), "pg_catalog.scored")
        with pytest.raises(BadTable, match=said) as caught:
            into.fill(ROWS.to_reader())
        assert PASSWORD not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("point", ["DELETE", "INSERT"])
def test_a_server_that_dies_in_the_middle_keeps_the_old_rows(
    monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """With all of its connections, as a machine that loses power; that is a broken connection, which may pass."""
    installed = programs()
    if installed is None:
        pytest.skip("no PostgreSQL here: apt-get install postgresql")
    with serving(installed) as server:
        into = table_at(Origin(server.address), "scored", ("id",))
        into.fill(ROWS.to_reader())
        original = PostgresSession.execute

        def dying(session: PostgresSession, statement: str) -> None:
            original(session, statement)
            if statement.startswith(point):
                server.kill()

        with monkeypatch.context() as patched:
            patched.setattr(PostgresSession, "execute", dying)
            with pytest.raises(BrokenOff, match=r"^`output` of 'postgresql:.*: the connection broke off"):
                into.fill(pa.table({"id": [2, 3], "y": [1.0, 1.0]}).to_reader())
        server.start()
        assert server.ask("SELECT id, y FROM scored ORDER BY id") == [(1, 0.5), (2, None)]
        assert server.ask("SELECT relname::text FROM pg_class WHERE relname LIKE 'linear%'") == []


def test_two_at_once_come_one_after_the_other(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Of a key that both have one row is left, in a table that does not say that it is one."""
    written = database("postgresql", tmp_path, request)
    rows = pa.table({"id": range(2000), "y": [0.0] * 2000})
    into = table_at(Origin(written.address), "scored", ("id",))
    into.fill(rows.to_reader())
    threads = [threading.Thread(target=into.fill, args=[rows.to_reader()]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert written.ask("SELECT count(*), count(DISTINCT id) FROM scored") == [(2000, 2000)]


def test_a_reader_sees_the_old_rows_until_the_new_ones_are_there(
    postgres: Server, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And need not wait."""
    written = database("postgresql", tmp_path, request)
    table_at(Origin(written.address), "scored").fill(ROWS.to_reader())
    seen = []
    original = PostgresSession.commit

    def looked(session: PostgresSession) -> None:
        seen.append(written.ask("SELECT count(*) FROM scored"))
        original(session)

    monkeypatch.setattr(PostgresSession, "commit", looked)
    table_at(Origin(written.address), "scored", overwrite=True).fill(ROWS.slice(0, 0).to_reader())
    assert seen == [[(2,)]]
    assert written.ask("SELECT count(*) FROM scored") == [(0,)]
