"""Dealing large tables part by part: the same bytes whoever works, and a run that is stopped goes on at the part."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from tasks.config import Beside, Execution, Split
from tasks.outputs import dealing
from tasks.outputs.data import DataFacts, row_file
from tasks.outputs.dealing import Gathering, Shard, Source
from tasks.outputs.parts import TEST, TRAIN, Name
from tasks.runtime.checkpoints import begun
from tasks.runtime.spreading import working
from tasks.split import split
from tasks.store.artifact import Artifact
from tasks.store.parts import part_paths
from tasks.store.pieces import kept
from tasks.store.writing import draft, publish
from tasks.table.errors import BadTable
from tests.processes import environment

KEY = "1e" * 32
ROWS, FILES = 3000, 4

Made = list[str]


class Killed(BaseException):
    """Ends a run where it is, as a signal does."""


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink(monkeypatch)


def shrink(patch: pytest.MonkeyPatch) -> None:
    """Call large what has more than 1,000 rows, make parts of 700, and work on one after the other."""
    patch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    patch.setattr("tasks.store.parts.PART_ROWS", 700)
    patch.setattr("tasks.store.parts.GROUP_ROWS", 256)
    patch.setattr("tasks.neuron.workers.cores", lambda: 1)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    """Note the parts that are dealt and the shards that are written; run as a stage of a key."""
    names: Made = []
    write_dealt, write_shard = dealing._write_dealt, dealing._write_shard

    def dealt(common: dealing.Dealing, source: Source, folder: Path) -> None:
        names.append(f"part {source.number}")
        write_dealt(common, source, folder)

    def shard(common: Gathering, slices: int, each: Shard, folder: Path) -> None:
        names.append(f"{each.name} {each.number}")
        write_shard(common, slices, each, folder)

    monkeypatch.setattr(dealing, "_write_dealt", dealt)
    monkeypatch.setattr(dealing, "_write_shard", shard)
    monkeypatch.setattr("tasks.split.stage_key", lambda: KEY)
    monkeypatch.setattr("tasks.store.pieces.SPARED", 0)
    return names


def ingested(root: Path) -> Artifact:
    """Leave rows in several files, as the stage before does: sorted, with text, gaps and dates."""
    rng = np.random.default_rng(0)
    days = [date(2024, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 300, ROWS)]
    rows = pa.table(
        {
            "bill": pa.array(rng.normal(44, 5, ROWS), mask=rng.random(ROWS) < 0.1),
            "island": rng.choice(["Dream", "Biscoe"], ROWS),
            "mass": np.arange(ROWS, dtype=np.float64),
            "day": days,
        }
    )
    given = {"features": ["bill", "island"], "target": "mass", "categorical": ["island"], "missing": "mean"}
    with draft(root) as folder:
        for number, some in enumerate(np.array_split(np.arange(ROWS), FILES)):
            pq.write_table(rows.slice(some[0], len(some)), folder / row_file(number))
        return publish(folder, root, "ingest", DataFacts.model_validate(given).as_json())


def dealt(root: Path, options: Split | None = None, **more: Any) -> Artifact:
    found: Artifact = split.fn(ingested(root), options or Split(), 3, root, **more)
    return found


def stopping(monkeypatch: pytest.MonkeyPatch, name: str, at: Callable[[Any], bool]) -> None:
    original: Callable[..., None] = getattr(dealing, name)

    def stop(*given: Any) -> None:
        if at(given[-2]):
            raise Killed
        original(*given)

    monkeypatch.setattr(dealing, name, stop)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    ("name", "at", "left"),
    [
        ("_write_dealt", lambda source: source.number == 2, ["part 2", "part 3", "train 0"]),
        ("_write_shard", lambda shard: shard.number == 1, ["train 1", "train 2"]),
    ],
)
def test_a_run_that_is_stopped_goes_on_at_the_part(
    tmp_path: Path,
    made: Made,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    at: Callable[[Any], bool],
    left: list[str],
) -> None:
    """The files are those of a run that nothing stopped, and of the pieces nothing is left then."""
    whole = dealt(tmp_path / "whole")
    every = [*made]
    made.clear()
    with monkeypatch.context() as patch:
        stopping(patch, name, at)
        with pytest.raises(Killed):
            dealt(tmp_path / "stopped")
    done = len(made)
    assert begun(tmp_path / "stopped", KEY) == f"{len(every) - done} of {len(every)} parts to do"
    made.clear()
    assert dealt(tmp_path / "stopped") == whole
    assert made[: len(left)] == left
    assert len(made) == len(every) - done
    assert kept(tmp_path / "stopped") == []
    assert begun(tmp_path / "stopped", KEY) is None


@pytest.mark.usefixtures("small_parts")
def test_a_damaged_piece_is_made_again(tmp_path: Path, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = dealt(tmp_path / "whole")
    with monkeypatch.context() as patch:
        stopping(patch, "_write_shard", lambda shard: shard.number == 1)
        with pytest.raises(Killed):
            dealt(tmp_path / "damaged")
    (pieces,) = kept(tmp_path / "damaged")
    for path in (pieces / "dealt-00001" / dealing.ROWS, pieces / "train-00000" / "train-00000.parquet"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    made.clear()
    assert dealt(tmp_path / "damaged") == whole
    assert made[:3] == ["part 1", "train 0", "train 1"]


@pytest.mark.usefixtures("small_parts", "made")
def test_of_a_refused_table_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match="`cluster` misses"):
        dealt(tmp_path, beside=Beside(cluster="bill"))
    assert kept(tmp_path) == []


@pytest.mark.usefixtures("small_parts")
def test_lots_are_exact_and_even_over_the_parts(tmp_path: Path) -> None:
    """So many test rows as asked for, each part its share, and no part's rows together in a shard."""
    found = dealt(tmp_path)
    tests = np.concatenate(list(masses(found, tmp_path, TEST)))
    assert len(tests) == 600
    assert all(100 < count < 200 for count in np.bincount((tests // 750).astype(int)))
    for shard in masses(found, tmp_path, TRAIN):
        assert min(np.bincount((shard // 750).astype(int), minlength=FILES)) > len(shard) / 8
        assert abs(np.corrcoef(shard, np.arange(len(shard)))[0, 1]) < 0.15


def masses(artifact: Artifact, root: Path, name: Name) -> Iterator[NDArray[np.float64]]:
    """Yield the targets of each shard, which say from where in the table a row is."""
    for path in part_paths(artifact, root, name):
        yield pq.read_table(path)["mass"].to_numpy()


@pytest.mark.slow
def test_every_runner_leaves_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule, and what weighs rows, goes to other processes."""
    # Known to this process alone: nothing that a worker does may depend on it.
    monkeypatch.setattr("tasks.store.parts.MOST_ROWS", 1000)
    monkeypatch.setattr("tasks.store.parts.PART_ROWS", 700)
    rules = (
        Split(),
        Split(method="hash", by=("day",)),
        Split(method="time", by=("day",), half_life="90d"),
    )
    left = {}
    for runner in ("local", "processes", "dask"):
        with working(Execution(runner=runner, workers=None if runner == "local" else 2)):
            left[runner] = [dealt(tmp_path / runner, rule) for rule in rules]
    assert all(len(each.starting_with(TRAIN).files) > 2 for each in left["local"])
    assert left["processes"] == left["local"]
    assert left["dask"] == left["local"]


@pytest.mark.slow
@pytest.mark.usefixtures("small_parts")
def test_a_process_that_is_killed_leaves_pieces_that_count(tmp_path: Path, made: Made) -> None:
    """By SIGKILL, in the midst of its second shard: all that came before is used."""
    whole = dealt(tmp_path / "whole")
    every = len(made)
    made.clear()
    program = f"from tests.outputs.test_dealing import killed; killed({str(tmp_path / 'killed')!r})"
    done = subprocess.run([sys.executable, "-c", program], env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    assert dealt(tmp_path / "killed") == whole
    assert made[0] == "train 1"
    assert len(made) == every - FILES - 1
    assert kept(tmp_path / "killed") == []


def killed(root: str) -> None:
    """Split until the second shard is half written."""
    write = dealing._write_shard

    def kill(common: Gathering, slices: int, shard: Shard, folder: Path) -> None:
        write(common, slices, shard, folder)
        if shard.number == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setattr("tasks.split.stage_key", lambda: KEY)
        patch.setattr("tasks.store.pieces.SPARED", 0)
        patch.setattr(dealing, "_write_shard", kill)
        dealt(Path(root))
