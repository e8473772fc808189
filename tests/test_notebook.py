"""The notebook of docs/, run from top to bottom as a reader would, with an empty home of Prefect's."""

import ast
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tasks.outputs import runs
from tests.paths import ROOT
from tests.processes import environment

NOTEBOOK = ROOT / "docs" / "notebook.ipynb"

Cell = Any  # nbformat publishes no types


def code_cells() -> list[Cell]:
    return [cell for cell in _read().cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder that looks like the checkout's `docs/`."""
    checkout = tmp_path_factory.mktemp("checkout")
    (checkout / "tests").symlink_to(ROOT / "tests")
    (checkout / "docs").mkdir()
    return checkout / "docs"


@pytest.fixture(scope="module")
def outputs(folder: Path) -> list[list[Cell]]:
    """Run the notebook; give what each of its code cells shows. A cell that raises fails the test."""
    notebook = _read()
    client = NotebookClient(
        notebook, kernel_name="python3", timeout=300, resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=environment(folder / "home"))
    return [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_committed_without_outputs() -> None:
    """They would change with every run, and with the machine."""
    nbformat.validate(_read())
    assert [(cell.outputs, cell.execution_count) for cell in code_cells()] == [([], None)] * len(code_cells())


@pytest.mark.slow
def test_it_shows_its_results_and_nothing_else(outputs: list[list[Cell]], folder: Path) -> None:
    """The summary, a figure, weights, predictions, what ran again, what changed, SQL; no line of a library's."""
    noise = [each for shown in outputs for each in shown if each.get("name") == "stderr"]
    assert noise == []
    fitted, report, weights, predicted, states, changed, exported = outputs

    assert [each.output_type for each in fitted] == ["execute_result"]
    assert "usable?   Yes: the test RMSE of " in fitted[0].data["text/html"]
    assert report[0].text.startswith("Yes: the test RMSE of ")
    assert "image/png" in report[1].data
    assert "flipper_len" in weights[0].data["text/plain"]
    assert len(predicted[0].data["text/plain"].splitlines()) == 6
    assert ast.literal_eval(states[0].data["text/plain"]) == {
        "ingest": "cached",
        "split": "cached",
        **dict.fromkeys(("train", "evaluate", "report"), "ran"),
    }
    assert changed[0].text.startswith("The RMSE went from ")
    assert 'WHEN "species" = ' in exported[0].text

    first, second = (
        runs.read(folder.parent / "artifacts", run) for run in runs.finished(folder.parent / "artifacts")
    )
    assert first
    assert second
    assert (first.name, second.name) == ("penguins", "penguins")
    assert 200 < first.rmse < 400
    assert f"test RMSE {first.rmse:.1f}" in fitted[0].data["text/plain"]


def _read() -> Cell:
    return nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
