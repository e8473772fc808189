"""Object stores through obstore: found, listed and read as any other folder, with the time of each file."""

import builtins
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from obstore.store import MemoryStore

from tasks.table.errors import BadTable
from tasks.table.sources.discovery import source
from tasks.table.sources.location import place
from tasks.table.sources.object_store import ObjectStore
from tasks.table.sources.source import Origin
from tests.table.reading import read, refusal

FRAME = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0) ** 2 % 11})


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> MemoryStore:
    """Give every container the same store in memory; all but the requests is as with a server."""
    memory = MemoryStore()
    monkeypatch.setattr(ObjectStore, "_construct_store", lambda *_: memory)
    monkeypatch.setattr(ObjectStore, "cachable", False)
    return memory


def test_files_folders_and_patterns_are_read(store: MemoryStore) -> None:
    """The values of folders are columns, as everywhere."""
    for year in (2025, 2026):
        rows = FRAME.assign(x=FRAME["x"] + year)
        store.put(f"nights/year={year}/part.csv", rows.to_csv(index=False).encode())
    for data, exclude in (("az://box/nights", "year"), ("az://box/nights/*/p*.csv", "year")):
        table, _ = read(data, exclude=exclude)
        assert table["x"].to_pylist() == [*(FRAME["x"] + 2025), *(FRAME["x"] + 2026)]
    assert read("az://box/nights/year=2025/part.csv")[0].num_rows == 40
    with pytest.raises(BadTable, match="does not exist; check the path"):
        source(Origin("az://box/none"))


def test_a_parquet_file_is_read_from_any_place_in_it(store: MemoryStore) -> None:
    store.put("t.parquet", FRAME.to_parquet(index=False))
    pd.testing.assert_frame_equal(read("az://box/t.parquet")[0].to_pandas(), FRAME)


def test_a_file_that_is_written_anew_has_another_version(store: MemoryStore) -> None:
    started = time.time_ns()
    store.put("t.csv", b"x,y\n1,1\n")
    (member,) = source(Origin("az://box/t.csv")).members
    first = member.version()
    assert first is not None
    assert first[0] == 8
    assert abs(first[1] - started) < 60 * 10**9
    store.put("t.csv", b"x,y\n1,2\n")
    assert member.version() != first


def test_an_address_of_azure_is_obstores(monkeypatch: pytest.MonkeyPatch) -> None:
    filesystem, path = place("az://container/folder/")
    assert (filesystem.type_name, path) == ("py::fsspec+az", "container/folder")
    real = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name == "tasks.table.sources.object_store":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(BadTable, match=r"needs another package to be read; `pip install '\.\[remote\]'`"):
        place("az://container/folder")


def test_what_a_store_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its many lines of detail."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    assert refusal("az://container/t.csv") == (
        "`data` of 'az://container/t.csv' cannot be reached (Generic MicrosoftAzure error: Account must be specified); "
        "check the address and the permissions"
    )
