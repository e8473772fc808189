"""A store that the first release wrote: its runs count, its files are verified and cleaned, its records do no harm.

`tests/data/store-1` was made by that release: `linear-neuron run --data nights --target price --epochs 3`.
"""

import shutil
from pathlib import Path

import pytest

from flows.command import cache
from flows.command.predict import predict
from flows.regression import regression
from tasks.config import Cleaning, Prediction, Settings
from tasks.outputs import runs
from tasks.runtime.cleaning import verify
from tests.paths import DATA

RUN = "20261127T130735-696f860f"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(DATA / "store-1", tmp_path / "old")
    monkeypatch.chdir(tmp_path / "old")
    return tmp_path / "old" / "store"


def command(task: str, store: Path, **options: object) -> int:
    return cache.TASKS[task](Cleaning.model_validate({"artifacts": str(store)} | options), False)


def test_its_runs_are_listed_and_read(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("cache list", store) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert {line.split()[0]: line.split()[1] for line in printed.out.splitlines()[1:]} == {
        **dict.fromkeys(["ingest", "split", "train", "evaluate", "report", "runs"], "1"),
        "files": "2",
    }
    result = runs.read(store, RUN)
    assert result is not None
    assert (result.format, result.checksum) == (1, "")
    assert runs.latest(store) == RUN
    assert len(runs.uses(result)) == 5


def test_its_files_are_verified(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of the stages and of the table; a run's own files had no digests yet."""
    assert command("cache verify", store) == 0
    assert capsys.readouterr().out == "read 21 files of 7 folders: every file is as it was written\n"
    path = next(store.glob("train/*/weights.npz"))
    path.write_bytes(path.read_bytes()[:-1])
    assert verify(store).damaged == [
        f"{path.relative_to(store)} holds {path.stat().st_size} bytes instead of 532"
    ]


def test_its_model_predicts(store: Path) -> None:
    for model in ("latest", RUN, str(store / "runs" / RUN)):
        output = f"{len(model)}.csv"
        options = {"artifacts": str(store), "model": model, "data": "nights", "output": output}
        assert predict(Prediction.model_validate(options), False) == 0
        assert len(Path(output).read_text().splitlines()) == 81


def test_it_is_cleaned(store: Path) -> None:
    """What its run uses stays; without the run all goes, records included."""
    assert command("cache clean", store, keep_runs=1) == 0
    assert verify(store).files == 15  # without those of the table's files, which are a cache
    assert command("cache clean", store, keep_runs=0) == 0
    assert [path for path in store.rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("prefect_server")
def test_a_new_run_misses_its_records_and_compares_with_its_run(store: Path) -> None:
    """The trend has both runs, and drift is found against the first release's schema."""
    text = (Path("nights") / "monday.csv").read_text().splitlines()
    area, rooms, price = text[1].split(",")
    (Path("nights") / "monday.csv").write_text(
        "\n".join([*text, f"{float(area) + 1000},{rooms},{price}"]) + "\n"
    )
    settings = {
        "artifacts": str(store),
        "input": {"data": "nights", "target": "price"},
        "training": {"epochs": 3},
    }
    result = regression(Settings.model_validate(settings))
    assert {stage.state for stage in result.stages.values()} == {"ran"}
    assert [past.run for past in runs.earlier(store, result)] == [RUN]
    assert any("'area' reaches from" in note and "in the last run from" in note for note in result.notes)
    assert runs.finished(store) == [RUN, result.run]
    assert verify(store).damaged == []
