"""What a run leaves for people: its folder, its two reports, and the artifact in Prefect's UI."""

import json
import re
import shlex
from html.parser import HTMLParser
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from flows.command import cli
from flows.publishing import report_key, table_key
from flows.regression import regression
from tasks.config import Prediction, Settings
from tasks.outputs import runs
from tasks.outputs.result import Result
from tasks.page.size_limit import LIMIT
from tasks.page.text import number
from tasks.table.model.linear import LinearModel, predict
from tests.flow_runs import artifacts_of

pytestmark = pytest.mark.usefixtures("prefect_server")

FIGURES = {
    "coefficients.png",
    "diagnostics.png",
    "loss_curve.png",
    "predicted_against_actual.png",
    "test_residuals.png",
}


class Pictures(HTMLParser):
    """Collects what a page would show as pictures."""

    def __init__(self, page: str) -> None:
        """Read a page."""
        super().__init__()
        self.sources: list[str] = []
        self.alts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.sources.append(str(dict(attrs)["src"]))
            self.alts.append(str(dict(attrs)["alt"]))


def folder_of(settings: Settings, result: Result) -> Path:
    return (Path(settings.artifacts) / result.report).parent


def artifact_of(result: Result, key: str = "") -> str:
    """Return what an artifact of the run holds: markdown, or a table as JSON."""
    assert result.lineage is not None
    (artifact,) = artifacts_of(UUID(result.lineage.flow_run), key=key or report_key(result.name or ""))
    return str(artifact.data)


def test_the_folder_holds_both_reports_and_every_figure(settings: Settings) -> None:
    """`report.md` links the figures beside it, `report.html` carries them."""
    folder = folder_of(settings, regression(settings))
    assert {path.name for path in folder.iterdir()} == FIGURES | {
        "model.json",
        "model.sql",
        "model_interval.sql",
        runs.REPORT,
        runs.PAGE,
        runs.RESULT,
    }
    assert all(f"({figure})" in (folder / runs.REPORT).read_text() for figure in FIGURES)
    pictures = Pictures((folder / runs.PAGE).read_text())
    assert len(pictures.sources) == 5
    assert all(source.startswith("data:image/png;base64,") for source in pictures.sources)
    assert all(any(c.isdigit() for c in alt) for alt in pictures.alts)


def test_the_exported_model_is_the_saved_one(settings: Settings) -> None:
    """`model.json` and `model.keras` predict the same from raw inputs, within the rounding of float32."""
    import keras

    result = regression(settings)
    model = LinearModel.model_validate_json((folder_of(settings, result) / "model.json").read_bytes())
    assert [column.name for column in model.inputs] == ["x", "z"]
    saved = next(file.path for file in result.stages["train"].files if file.path.endswith(".keras"))
    rows = np.random.default_rng(0).uniform(-10, 10, (1000, 2))
    expected = keras.models.load_model(Path(settings.artifacts) / saved).predict(rows, verbose=0)[:, 0]
    found = predict(model, {"x": pa.array(rows[:, 0]), "z": pa.array(rows[:, 1])})
    np.testing.assert_allclose(found.values, expected, rtol=1e-6, atol=1e-6)


def test_the_second_run_is_compared_with_the_first(settings: Settings) -> None:
    """The trend has both, its picture is new in the cached run, and the drift of equal data is zero."""
    first, second = regression(settings), regression(settings)
    text = (folder_of(settings, second) / runs.REPORT).read_text()
    assert "**the same**" in text
    assert first.run in text
    assert "(trend.svg)" in text
    assert "5 cached, 0 ran" in text
    assert not (folder_of(settings, first) / "trend.svg").exists()


def test_the_artifact_stays_below_its_size(settings: Settings) -> None:
    """With the default data nothing is left out; with 200 features the figures and the first rows are there."""
    page = artifact_of(regression(settings))
    assert len(page.encode()) < LIMIT
    assert page.count("data:image/png;base64,") == 5
    assert "more rows" not in page
    weights = tuple(float(w) for w in np.linspace(-3, 3, 200))
    wide = settings.model_copy(
        update={"problem": settings.problem.model_copy(update={"true_weights": weights, "rows": 2000})}
    )
    result = regression(wide)
    page = artifact_of(result)
    assert len(page.encode()) < LIMIT
    assert page.count("data:image/png;base64,") >= 3
    assert "the 20 of 200 weights with the largest |t|" in page.replace("\\", "")
    html = (folder_of(settings, result) / runs.PAGE).read_text()
    assert html.count('<th scope="row">x200</th>') == 2


def test_the_coefficients_are_a_table_of_their_own(settings: Settings) -> None:
    """A row a weight and one for the bias, with the numbers of the result; a cached run publishes it too."""
    regression(settings)
    result = regression(settings)
    rows = json.loads(artifact_of(result, table_key("example")))
    assert {row["name"]: row["estimate"] for row in rows} == {
        **result.model.weights,
        "bias": result.model.bias,
    }
    errors = result.least_squares.standard_errors
    assert {row["name"]: row["standard error"] for row in rows} == errors
    for row in rows:
        assert row["from"] < row["least squares"] < row["to"]
        assert row["t"] == pytest.approx(row["least squares"] / row["standard error"])


def test_the_lineage_leads_back(settings: Settings, penguins: Path) -> None:
    """The command, run as it stands, is the same run; the user's file, code and libraries are named."""
    own = Settings.model_validate(
        {
            **settings.model_dump(include={"artifacts"}),
            "input": {"data": str(penguins), "target": "body_mass"},
        }
    )
    result = regression(own)
    assert result.lineage is not None
    assert result.lineage.source is not None
    assert {"numpy", "tensorflow", "python"} <= set(result.lineage.libraries)
    program, command, *arguments = shlex.split(result.lineage.command)
    assert (program, command) == ("linear-neuron", "run")
    repeated = cli.parse(["run", *arguments]).settings
    assert isinstance(repeated, Settings)
    again = regression(repeated)
    assert {stage.state for stage in again.stages.values()} == {"cached"}
    assert again.lineage is not None
    assert again.lineage.code == result.lineage.code
    assert [column.rows for column in result.profile] == [result.metrics.train.rows] * len(result.profile)


def test_the_report_says_how_to_predict(settings: Settings) -> None:
    """The command in it finds the run's model, whatever folder the runs are in."""
    result = regression(settings)
    text = (folder_of(settings, result) / runs.REPORT).read_text()
    line = next(line for line in text.splitlines() if "linear-neuron predict" in line)
    given = cli.parse(shlex.split(line)[1:]).settings
    assert isinstance(given, Prediction)
    assert (Path(given.artifacts) / "runs" / given.model / "model.json").is_file()


def test_data_that_leave_nothing_over_have_a_report_too(settings: Settings) -> None:
    """Three rows, three parameters, no test: no degree of freedom, no diagnostics, no interval, a report."""
    tiny = Settings.model_validate(
        {
            "artifacts": settings.artifacts,
            "problem": {"rows": 3},
            "split": {"test_fraction": 0},
            "training": {"epochs": 5},
        }
    )
    folder = folder_of(settings, regression(tiny))
    assert "diagnostics.png" not in {path.name for path in folder.iterdir()}
    text = (folder / runs.REPORT).read_text()
    assert not re.search(r"\bnan\b", text)
    assert "no rows were held out" in text


def test_the_runs_state_says_what_came_out(settings: Settings, prefect_server: str) -> None:
    """Target, RMSE, verdict and cause, for the list of runs; whoever calls the flow still gets the result."""
    state = regression(settings, return_state=True)
    result = state.result()
    assert isinstance(result, Result)
    assert state.message == f"y: RMSE {number(result.rmse, 4)}, usable; from generate on: first run"
    again = regression(settings, return_state=True)
    assert again.message == (
        f"y: RMSE {number(result.rmse, 4)} (the same), usable; nothing changed, all from the cache"
    )
