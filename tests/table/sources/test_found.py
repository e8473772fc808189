"""A table that was found is looked at once, and nothing is recorded of bytes that were not read."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyarrow import fs

from flows.command.news import News
from flows.command.plan import plan
from flows.command.run import run
from flows.command.signals import Stops
from tasks.config import Input, Settings
from tasks.ingest import ingest
from tasks.runtime.user_table import looking_once, table_of
from tasks.table import casting
from tasks.table.errors import BadTable
from tasks.table.sources import discovery
from tasks.table.sources.files import DataFile


def table(seed: int, rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows).round(4)
    return pd.DataFrame({"x": x, "y": (seed + 2) * x + rng.normal(size=rows).round(4)})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count listings of folders, and by file how often it is opened."""
    counts: Counter[str] = Counter()
    for name in ("opened", "stream"):
        original = getattr(DataFile, name)

        def counted(file: DataFile, original: Callable[[DataFile], Any] = original) -> Any:
            counts[file.name] += 1
            return original(file)

        monkeypatch.setattr(DataFile, name, counted)
    listed = discovery._listed

    def counting(filesystem: fs.FileSystem, path: str) -> Any:
        counts["listed"] += 1
        return listed(filesystem, path)

    monkeypatch.setattr(discovery, "_listed", counting)
    return counts


@pytest.fixture
def nights(tmp_path: Path) -> Path:
    (tmp_path / "nights").mkdir()
    for number in range(3):
        table(number).to_csv(tmp_path / f"nights/{number}.csv", index=False)
    return tmp_path / "nights"


def settings_for(data: Path) -> Settings:
    return Settings.model_validate(
        {
            "artifacts": str(data.parent / "store"),
            "input": {"data": str(data), "target": "y"},
            "training": {"epochs": 20},
        }
    )


def test_a_plan_lists_once_and_opens_a_file_for_its_digest_and_the_first_for_a_look(
    nights: Path, calls: Counter[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert plan(settings_for(nights), as_json=False) == 0
    assert "ingest    will run" in capsys.readouterr().out
    assert calls == {"listed": 1, "0.csv": 2, "1.csv": 1, "2.csv": 1}


def test_a_run_opens_a_file_for_a_look_its_digest_and_its_rows(
    nights: Path, calls: Counter[str], prefect_server: str
) -> None:
    """Files that were written a moment ago are read once more, as their times do not tell; a cached run reads none."""
    for path in nights.iterdir():
        os.utime(path, (1e9, 1e9))
    assert run(settings_for(nights), as_json=False, stops=Stops(), news=News(-1)) == 0
    assert calls == {"listed": 1, "0.csv": 3, "1.csv": 3, "2.csv": 3}
    calls.clear()
    assert run(settings_for(nights), as_json=False, stops=Stops(), news=News(-1)) == 0
    assert calls == {"listed": 1, "0.csv": 2, "1.csv": 1, "2.csv": 1}


def moved_over(path: Path) -> None:
    table(8).to_csv(path.with_name("new"), index=False)
    path.with_name("new").replace(path)


CHANGES: dict[str, Callable[[Path], None]] = {
    "replaced": lambda path: table(7).to_csv(path, index=False),
    "grown": lambda path: pd.concat([table(0), table(7)]).to_csv(path, index=False),
    "cut short": lambda path: os.truncate(path, 200),
    "moved over": moved_over,
    "gone": Path.unlink,
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("moment", ["before the rows", "among the rows"])
@pytest.mark.parametrize("as_folder", [False, True])
def test_a_table_that_changes_between_digest_and_rows_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, moment: str, as_folder: bool
) -> None:
    """One line, and nothing is stored; with the first table back, its rows are what comes."""
    path = tmp_path / "in/t.csv"
    path.parent.mkdir()
    table(0).to_csv(path, index=False)
    first, store = path.read_bytes(), tmp_path / "store"
    given = Input(data=str(path.parent if as_folder else path), target="y")
    found = table_of(given, root=store)
    if moment == "before the rows":
        CHANGES[change](path)
    else:
        original = casting._taken

        def changing(*given: Any) -> Any:
            CHANGES[change](path)
            return original(*given)

        monkeypatch.setattr(casting, "_taken", changing)
    with pytest.raises(BadTable) as caught:
        ingest.fn(found, store)
    assert len(str(caught.value).splitlines()) == 1
    assert "changed while it was read" in str(caught.value) or change == "gone"
    assert [each for each in store.rglob("*") if each.is_file()] == []

    monkeypatch.undo()
    path.write_bytes(first)
    assert "data.parquet" in ingest.fn(table_of(given, root=store), store).files


def test_a_second_write_within_the_clocks_tick_is_seen(tmp_path: Path) -> None:
    """Same size, same times: the digest is taken once more, as the first write was a moment ago."""
    path, store = tmp_path / "t.csv", tmp_path / "store"
    path.write_text("x,y\n1,2\n2,4\n3,7\n")
    before = path.stat()
    found = table_of(Input(data=str(path), target="y"))
    version = found.found._digests[str(path)].version
    with path.open("r+") as file:
        file.write("x,y\n1,2\n2,5\n3,7\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DataFile, "version", lambda _: version)
        with pytest.raises(BadTable, match="changed while it was read"):
            ingest.fn(found, store)


def test_within_one_look_a_table_is_digested_once(nights: Path, calls: Counter[str]) -> None:
    """However often it is asked for; and outside of it anew each time."""
    given = Input(data=str(nights), target="y")
    with looking_once():
        assert table_of(given).contents == table_of(given).contents
    assert calls == {"listed": 1, "0.csv": 2, "1.csv": 1, "2.csv": 1}
    table_of(given)
    assert calls["listed"] == 2


def test_a_change_between_two_runs_is_seen(nights: Path) -> None:
    given = Input(data=str(nights), target="y")
    first = table_of(given)
    table(9).to_csv(nights / "0.csv", index=False)
    assert table_of(given).contents != first.contents
