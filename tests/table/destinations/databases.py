"""A database of each kind that rows can be written to, and what is in it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.databases import Server

KINDS = ("sqlite", "duckdb", "postgresql")


@dataclass(frozen=True, slots=True)
class Database:
    """A database: its address, what executes a statement in it, and what asks it."""

    address: str
    execute: Callable[[str], object]
    ask: Callable[[str], list[tuple[Any, ...]]]
    tables: str

    def names(self) -> set[str]:
        """Return the names of all tables that a stranger sees."""
        return {name for (name,) in self.ask(self.tables)}


def database(kind: str, folder: Path, request: pytest.FixtureRequest) -> Database:
    """Return an empty database."""
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        server.execute("DROP SCHEMA IF EXISTS writing CASCADE", "CREATE SCHEMA writing")
        server.execute("ALTER ROLE postgres SET search_path = writing")
        request.addfinalizer(
            lambda: server.execute("DROP SCHEMA writing CASCADE", "ALTER ROLE postgres RESET search_path")
        )
        return Database(
            server.address,
            server.execute,
            server.ask,
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text "
            "NOT IN ('pg_catalog', 'information_schema')",
        )
    path = folder / f"written.{kind}"
    if kind == "duckdb":

        def ask(query: str) -> list[tuple[Any, ...]]:
            with duckdb.connect(str(path)) as connection:
                return list(connection.execute(query).fetchall())

        return Database(f"duckdb:///{path}", ask, ask, "SELECT table_name FROM duckdb_tables()")

    def answer(query: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(path)) as connection, connection:
            return connection.execute(query).fetchall()

    return Database(
        f"sqlite:///{path}", answer, answer, "SELECT name FROM sqlite_master WHERE type = 'table'"
    )
