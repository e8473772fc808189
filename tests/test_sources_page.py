"""The commands of docs/sources.md do what it says, as they are written."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import openpyxl
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

from flows.command import cli
from tests.databases import PASSWORD, READER, Server
from tests.paths import ROOT

PAGE = (ROOT / "docs/sources.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ linear-neuron (.*)$", PAGE, flags=re.MULTILINE)


def sales() -> pa.Table:
    size = np.arange(40) / 4
    price = 3 * size + 1 + np.arange(40) % 3
    return pa.table({"id": np.arange(40), "size": size, "price": price})


def write_workbook(rows: pa.Table) -> None:
    book = openpyxl.Workbook()
    book.create_sheet("notes").append(["sold in Bonn"])
    sheet = book.create_sheet("sales")
    for row in (rows.column_names, *zip(*rows.to_pydict().values(), strict=True)):
        sheet.append(row)
    book.save("book.xlsx")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    """Make a folder with all that the page's commands read, and stand in it."""
    monkeypatch.chdir(tmp_path)
    rows = sales()
    with sqlite3.connect("shop.db") as connection:
        connection.execute("CREATE TABLE sales (id, size, price)")
        connection.executemany("INSERT INTO sales VALUES (:id, :size, :price)", rows.to_pylist())
    connection.close()
    with duckdb.connect("shop.duckdb") as connected:
        connected.register("rows", rows)
        connected.execute("CREATE TABLE sales AS SELECT * FROM rows")
    write_deltalake("lake/sales", rows)
    write_workbook(rows)
    address = f"sqlite:///{tmp_path}/catalog.db"
    catalogue = SqlCatalog("lake", uri=address, warehouse=(tmp_path / "warehouse").as_uri())
    catalogue.create_namespace("shop")
    table = catalogue.create_table("shop.sales", schema=rows.schema, location=f"{tmp_path}/warehouse/sales")
    table.append(rows)
    yield tmp_path
    catalogue.engine.dispose()
    shutil.rmtree(tmp_path / "artifacts", ignore_errors=True)


@pytest.fixture
def database(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Make the database that the page asks, at the usual port as far as it can tell."""
    monkeypatch.setenv("PGPORT", str(postgres.port))
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    assert READER == "reader"
    postgres.execute("CREATE DATABASE shop")
    inside = postgres.of("shop")
    inside.execute("CREATE TABLE sales (id int, size float8, price float8)")
    values = ", ".join(str(tuple(row.values())) for row in sales().to_pylist())
    inside.execute(f"INSERT INTO sales VALUES {values}")  # noqa: S608 - numbers
    yield postgres
    postgres.execute("DROP DATABASE shop")


def test_there_is_a_command_for_each_source() -> None:
    starts = {re.search(r"--data (\w+)", command)[1] for command in COMMANDS}  # type: ignore[index]
    assert starts == {"postgresql", "sqlite", "duckdb", "lake", "warehouse", "book"}


@pytest.mark.usefixtures("prefect_server", "readable_stderr")
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_fits_the_shop(
    shop: Path,
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    """The same weights from every source: 3 for the size, to what chance leaves."""
    if "postgresql" in command:
        request.getfixturevalue("database")
    assert cli.main(shlex.split(command)) == 0
    weight = re.search(r"^size +(\S+)", capsys.readouterr().out, flags=re.MULTILINE)
    assert weight is not None
    assert float(weight[1]) == pytest.approx(3, abs=0.1)
