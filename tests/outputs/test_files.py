"""A folder of files: what was read of one is remembered, and only what is new is read."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.regression import regression
from tasks.config import Execution, Input, Settings, overlaid
from tasks.ingest import ingest
from tasks.outputs import files
from tasks.outputs.data import DATA, read_facts, row_file
from tasks.runtime.cleaning import artifacts, remove_remains
from tasks.runtime.spreading import working
from tasks.runtime.table_layout import files_to_read
from tasks.runtime.user_table import table_of
from tasks.store import digests, verification
from tasks.store.artifact import Artifact, damage
from tasks.store.parts import part_paths
from tasks.table import casting
from tasks.table.casting import CastPlan
from tasks.table.errors import BadTable
from tasks.table.sources.reader import Preview

Taken = list[str]


def part(number: int, rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(number)
    frame = pd.DataFrame(rng.normal(size=(rows, 2)), columns=["x", "z"])
    return frame.assign(
        kind=rng.choice(["a", "b"], rows), y=2 * frame["x"] - 3 * frame["z"] + rng.normal(size=rows)
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of three files."""
    (tmp_path / "table").mkdir()
    for number in range(3):
        part(number).to_parquet(tmp_path / "table" / f"{number}.parquet")
    return tmp_path / "table"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Taken:
    """Note the names of the files whose rows are read."""
    names: Taken = []
    original = casting.taken

    def noted(look: Preview, plan: CastPlan) -> Iterator[Any]:
        names.append(look.member.name)
        return original(look, plan)

    monkeypatch.setattr(files, "taken", noted)
    return names


def take_in(folder: Path, **given: Any) -> Artifact:
    store = folder.parent / "store"
    store.mkdir(exist_ok=True)
    table = table_of(Input(data=str(folder), target="y", **given), root=store)
    artifact: Artifact = ingest.fn(table, store)
    return artifact


def rows_of(artifact: Artifact, folder: Path) -> pd.DataFrame:
    paths = part_paths(artifact, folder.parent / "store", DATA)
    frame: pd.DataFrame = pa.concat_tables(map(pq.read_table, paths)).to_pandas()
    return frame


@pytest.mark.parametrize("part_rows", [10**9, 100], ids=["small", "large"])
def test_only_a_new_file_is_read(
    folder: Path, read: Taken, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    """The artifact is what reading everything gives, to the byte, and large data is not copied."""
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", part_rows)
    take_in(folder, categorical=("kind",))
    assert sorted(read) == ["0.parquet", "1.parquet", "2.parquet"]
    part(9).to_parquet(folder / "00.parquet")
    grown = take_in(folder, categorical=("kind",))
    assert read[3:] == ["00.parquet"]
    expected = pd.concat([part(number) for number in (0, 9, 1, 2)], ignore_index=True)
    pd.testing.assert_frame_equal(rows_of(grown, folder), expected[["x", "z", "kind", "y"]])
    assert {Path(file.path).parts[0] for file in grown.starting_with(DATA).files.values()} == {
        "files" if part_rows == 100 else "ingest"
    }
    monkeypatch.setattr("tasks.ingest.remembered", lambda *_: None)
    anew = take_in(folder, categorical=("kind",))
    assert len(read) == 8
    assert anew == grown


def test_what_a_file_is_read_for_counts(folder: Path, read: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other columns, other contents, another way with missing values or other code: read again; another name: not."""
    take_in(folder)
    read.clear()
    (folder / "1.parquet").rename(folder / "renamed.parquet")
    take_in(folder)
    assert read == []
    part(7).to_parquet(folder / "0.parquet")
    take_in(folder)
    assert read == ["0.parquet"]
    take_in(folder, missing="mean")
    take_in(folder, features=("x",))
    assert len(read) == 7
    monkeypatch.setattr("tasks.runtime.user_table._code", lambda: "other")
    take_in(folder)
    assert len(read) == 10


def test_findings_are_judged_anew_over_all_files(folder: Path, read: Taken) -> None:
    """What is wrong is in the new file; nothing is left of it; and the warnings of the old ones are told again."""
    take_in(folder, warn=("missing-values",))
    bad = part(5)
    bad.loc[[3, 8], "x"] = np.nan
    bad.to_parquet(folder / "bad.parquet")
    before = sorted(folder.parent.joinpath("store").rglob("*"))
    with pytest.raises(BadTable) as caught:
        take_in(folder)
    (finding,) = caught.value.violations
    assert (finding.file, finding.column, finding.count, finding.row) == ("bad.parquet", "x", 2, 4)
    assert sorted(folder.parent.joinpath("store").rglob("*")) == before
    warned = take_in(folder, warn=("missing-values",))
    assert read_facts(warned).dropped == 2
    part(6).to_parquet(folder / "more.parquet")
    read.clear()
    assert take_in(folder, warn=("missing-values",)).notes == warned.notes
    assert read == ["more.parquet"]


class Killed(BaseException):
    """Ends a run where it is, as a signal does."""


@pytest.mark.parametrize("part_rows", [10**9, 100], ids=["small", "large"])
def test_a_run_that_is_stopped_goes_on_at_the_file(
    folder: Path, read: Taken, monkeypatch: pytest.MonkeyPatch, part_rows: int
) -> None:
    """What was read before is not read again, and the artifact is that of a run that nothing stopped."""
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", part_rows)
    monkeypatch.setattr("tasks.neuron.workers.cores", lambda: 1)
    whole = take_in(folder)
    shutil.rmtree(folder.parent / "store")
    read.clear()
    original = casting.taken

    def stopped(look: Preview, plan: CastPlan) -> Iterator[Any]:
        if look.member.name == "2.parquet":
            raise Killed
        read.append(look.member.name)
        return original(look, plan)

    with monkeypatch.context() as patch:
        patch.setattr(files, "taken", stopped)
        with pytest.raises(Killed):
            take_in(folder)
    assert read == ["0.parquet", "1.parquet"]
    table = table_of(Input(data=str(folder), target="y"), root=folder.parent / "store")
    assert files_to_read(table, folder.parent / "store") == "1 of 3 files to read"
    path = next((folder.parent / "store" / "files").glob("*/rows-00000.parquet"))
    path.write_bytes(path.read_bytes()[:-9] + b"damagedxx")
    assert files_to_read(table, folder.parent / "store") == "2 of 3 files to read"
    assert take_in(folder) == whole
    assert len(read) == 4, "one is damaged"
    assert files_to_read(table, folder.parent / "store") == "0 of 3 files to read"


def test_a_refused_table_takes_out_what_it_has_put_in(folder: Path, read: Taken) -> None:
    """But not the rows that another file has too."""
    take_in(folder, features=("x",))
    store = folder.parent / "store"
    before = sorted(store.rglob("*"))
    part(0).assign(extra=1).to_parquet(folder / "same-rows.parquet")
    part(5).assign(x=np.nan).to_parquet(folder / "zz.parquet")
    read.clear()
    with pytest.raises(BadTable, match="column 'x' has 400 missing values"):
        take_in(folder, features=("x",))
    assert sorted(read) == ["same-rows.parquet", "zz.parquet"]
    assert sorted(store.rglob("*")) == before


@pytest.mark.slow
def test_processes_leave_the_same_bytes(folder: Path) -> None:
    """Files are read wherever work is done."""
    left = {}
    for execution in (Execution(), Execution(runner="processes", workers=2)):
        with working(execution):
            left[execution.runner] = take_in(folder, categorical=("kind",))
        shutil.rmtree(folder.parent / "store")
    assert left["processes"] == left["local"]


def test_a_copied_target_is_found_across_remembered_files(folder: Path) -> None:
    """The moments of the files that were read before count as those of the new one do."""
    for path in folder.iterdir():
        frame = pd.read_parquet(path)
        frame.assign(copy=frame["y"] * 2).to_parquet(path)
    with pytest.raises(BadTable, match="feature 'copy' copies the target 'y'"):
        take_in(folder)
    one = pd.read_parquet(folder / "0.parquet")
    one.assign(copy=one["copy"] + one["x"]).to_parquet(folder / "0.parquet")
    take_in(folder)
    (folder / "0.parquet").unlink()
    with pytest.raises(BadTable, match="feature 'copy' copies the target 'y'"):
        take_in(folder)


def test_a_damaged_part_is_read_again(folder: Path, read: Taken, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the user's file, and the artifact is whole afterwards."""
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 100)
    first = take_in(folder)
    store = folder.parent / "store"
    path = first.path(store, row_file(1))
    path.write_bytes(path.read_bytes()[:-9] + b"damagedxx")
    read.clear()
    again = take_in(folder)
    assert read == ["1.parquet"]
    assert again == first
    assert damage(store, again) is None


def test_what_was_cleaned_away_is_read_again(folder: Path, read: Taken) -> None:
    """And what told of it goes with it."""
    take_in(folder)
    store = folder.parent / "store"
    assert {each.path.split("/")[0] for each in artifacts(store)} == {"files", "ingest"}
    remove_remains(store)
    assert len(list((store / "known").iterdir())) == 3
    shutil.rmtree(next((store / "files").iterdir()))
    remove_remains(store)
    assert len(list((store / "known").iterdir())) == 2
    read.clear()
    take_in(folder)
    assert len(read) == 1


def test_digests_of_large_files_are_remembered(tmp_path: Path) -> None:
    """By size, times and inode, across processes; a file that was written just now is read again."""
    known = digests.Digests(tmp_path)
    calls: list[int] = []

    def compute() -> str:
        calls.append(1)
        return "abc"

    old, large = time.time_ns() - 10**10, 2**21
    looks = [(large, old, old, 1), (large, old, old, 2), (large, time.time_ns(), old, 1), (10, old, old, 1)]
    for number, look in enumerate(looks):
        assert known.of(str(number), look, compute) == "abc"
    known.write()
    again = digests.Digests(tmp_path)
    for number, look in enumerate(looks):
        again.of(str(number), look, compute)
    assert len(calls) == 4 + 2
    assert again.of("0", (large, old, old, 9), compute) == "abc"
    assert len(calls) == 7
    (tmp_path / digests.FILE).write_text("[garbled")
    assert digests.Digests(tmp_path).of("0", looks[0], compute) == "abc"
    assert len(calls) == 8


def test_digests_leave_nothing_where_there_is_no_store(tmp_path: Path) -> None:
    known = digests.Digests(tmp_path / "absent")
    known.of("a", (2**21, 0, 0, 0), lambda: "abc")
    known.write()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("prefect_server")
def test_a_night_with_a_new_file_reads_it_alone(
    folder: Path, settings: Settings, read: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the flow: unchanged, all stages are cached; with a new file its name is why `ingest` ran; damage is mended."""
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 100)
    monkeypatch.setattr("tasks.store.verification.SMALL", 10)
    given = {"data": str(folder), "target": "y"}
    quick = {"input": given, "training": {"epochs": 2}}
    asked = Settings.model_validate(settings.model_dump(exclude_unset=True) | quick)
    regression(asked)
    assert {stage.state for stage in regression(asked).stages.values()} == {"cached"}
    assert len(read) == 3
    part(9).to_parquet(folder / "9.parquet")
    grown = regression(asked)
    assert read[3:] == ["9.parquet"]
    assert re.fullmatch(r"`contents of 9.parquet`: absent → [0-9a-f]{8}", grown.stages["ingest"].reason)
    assert list(grown.stages) == ["ingest", "split", "train", "evaluate", "report"]
    assert grown.metrics.train.rows == 1280
    root = Path(asked.artifacts)
    path = root / grown.stages["ingest"].files[2].path
    path.write_bytes(path.read_bytes()[:-9] + b"damagedxx")
    look = verification._look(path.stat())  # as where a disk fails, which leaves no trace outside
    seal = path.with_name(verification.SEAL)
    seal.write_text(json.dumps({"format": 1, "looks": {str(path.relative_to(root)): look}}))
    read.clear()
    other = overlaid(asked.model_dump(exclude_unset=True), {"split": {"test_fraction": 0.1}})
    mended = regression(Settings.model_validate(other))
    assert read == ["2.parquet"]
    assert mended.stages["ingest"].files == grown.stages["ingest"].files
    assert mended.metrics.train.rows == 1440
