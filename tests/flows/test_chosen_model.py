"""Which model a command uses: a file, a folder, a run, a name, an alias or a version; what is not there is named."""

from pathlib import Path

import pytest

from flows.chosen_model import chosen
from tasks.outputs import registry, runs
from tasks.outputs.registry import CHAMPION, NamedModel
from tasks.table.errors import BadTable
from tasks.table.model.linear import FILE
from tests.page.examples import result_of

RUNS = ["20261122T000001-0123abcd", "20261123T000001-0123abcd"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Make a store with two runs, the first one in use as the champion of `sales`."""
    root = tmp_path / "store"
    model = NamedModel(name="sales", owner="o", table="t")
    for run in RUNS:
        runs.write(root, result_of().model_copy(update={"run": run}), {FILE: run.encode()})
        model = model.with_run(run)
    registry.write(root, model.moved(CHAMPION, RUNS[0], by="me", why="the first"))
    return root


@pytest.mark.parametrize(
    ("model", "run"),
    [
        ("latest", RUNS[1]),
        (RUNS[0], RUNS[0]),
        ("sales", RUNS[1]),
        ("sales@champion", RUNS[0]),
        ("sales@1", RUNS[0]),
        ("sales@2", RUNS[1]),
    ],
)
def test_every_way_of_naming_a_run(store: Path, model: str, run: str) -> None:
    found = chosen(model, store)
    assert found.path.read_bytes() == run.encode()
    assert found.origin["run"] == run
    assert (found.origin["name"] == "sales") == model.startswith("sales")
    assert f"run {run}, due {run[:4]}-{run[4:6]}-{run[6:8]} 00:00 UTC" in found.said


def test_a_file_or_a_folder_is_taken_as_it_is(store: Path, tmp_path: Path) -> None:
    """A run's folder says where its model comes from, a file does not."""
    (tmp_path / "m.json").write_bytes(b"{}")
    found = chosen(str(tmp_path / "m.json"), store)
    assert (found.path, found.origin) == (tmp_path / "m.json", {})
    assert chosen(str(store / "runs" / RUNS[0]), store).origin["run"] == RUNS[0]


MISSING = {
    "nothing": r"`model` of 'nothing' is neither a file, .*; the names there are sales",
    "sales@third": r"`model` of 'sales@third': no alias and no version 'third'; there is champion",
    "sales@3": r"no alias and no version '3'",
    "sales@": r"no alias and no version ''",
}


@pytest.mark.parametrize("model", MISSING)
def test_what_is_not_there_is_refused_with_what_is(store: Path, model: str) -> None:
    with pytest.raises(BadTable, match=MISSING[model]):
        chosen(model, store)


def test_an_empty_store_has_no_latest(tmp_path: Path) -> None:
    with pytest.raises(BadTable, match=r"there is no run in '.*runs'; `linear-neuron run` first"):
        chosen("latest", tmp_path)


def test_a_model_that_was_altered_is_refused(store: Path) -> None:
    (store / "runs" / RUNS[1] / FILE).write_bytes(b"other")
    with pytest.raises(
        BadTable, match=r"`model` of 'latest': .*; restore it from a backup, or make the run again"
    ):
        chosen("latest", store)
    (store / "runs" / RUNS[1] / FILE).unlink()
    with pytest.raises(BadTable, match=r"there is no model.json in the folder; make the run again"):
        chosen("sales@2", store)
