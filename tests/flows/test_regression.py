"""The flow as a whole, in this process, on a server in memory."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.publishing import report_key
from flows.regression import regression
from tasks.config import Settings, overlaid
from tasks.neuron.recipe import Diverged
from tasks.outputs import data, distributions, figures, model, parts, runs, scores, uncertainty
from tasks.outputs.result import Result
from tasks.store.formats import write_parquet
from tasks.table.errors import BadTable
from tests.flow_runs import artifacts_of

pytestmark = pytest.mark.usefixtures("prefect_server")

STAGES = ["generate", "split", "train", "evaluate", "report"]


def changed(settings: Settings, changes: dict[str, Any]) -> Settings:
    """Return settings with some of them replaced, validated anew."""
    return Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes))


@pytest.fixture
def root(settings: Settings) -> Path:
    return Path(settings.artifacts)


def states(result: Result) -> dict[str, str]:
    return {name: stage.state for name, stage in result.stages.items()}


def test_a_run_leaves_the_files_of_every_stage_and_a_report_of_the_run(
    settings: Settings, root: Path
) -> None:
    """The files are the interface: their names and contents are what other programs rely on."""
    result = regression(settings)
    left = {name: {Path(file.path).name for file in stage.files} for name, stage in result.stages.items()}
    assert left == {
        "generate": {data.ARRAYS},
        "split": {
            parts.ENCODING,
            parts.ORDER,
            parts.PROFILE,
            distributions.SAMPLE,
            f"{parts.TRAIN}.parquet",
            f"{parts.TEST}.parquet",
        },
        "train": {model.KERAS, model.WEIGHTS, model.HISTORY},
        "evaluate": {scores.METRICS, f"{scores.PREDICTIONS}.parquet", uncertainty.FILE},
        "report": {
            "coefficients.png",
            "diagnostics.png",
            figures.INDEX,
            "loss_curve.png",
            "predicted_against_actual.png",
            "test_residuals.png",
        },
    }
    run = (root / result.report).parent
    pictures = left["report"] - {figures.INDEX}
    assert {path.name for path in run.iterdir()} == pictures | {
        "model.json",
        "model.sql",
        "model_interval.sql",
        runs.REPORT,
        runs.PAGE,
        runs.RESULT,
    }
    assert Result.model_validate_json((run / runs.RESULT).read_bytes()) == result
    for figure in pictures:
        assert f"({figure})" in (run / runs.REPORT).read_text()


def test_data_npz_is_what_the_example_says(settings: Settings, root: Path) -> None:
    """`inputs` (n, 2) uniform in the range, `targets` (n, 1) within the noise of the true plane."""
    result = regression(settings)
    data = np.load(root / result.stages["generate"].files[0].path)
    assert data["inputs"].shape == (1000, 2)
    assert data["targets"].shape == (1000, 1)
    assert -10 <= data["inputs"].min() < -9.8 < 9.8 < data["inputs"].max() <= 10
    noise = data["targets"][:, 0] - (2 * data["inputs"][:, 0] - 3 * data["inputs"][:, 1] + 5)
    assert 0.99 < np.abs(noise).max() <= 1


def test_a_second_run_takes_every_stage_from_the_cache(settings: Settings) -> None:
    """Nothing changed, nothing runs; the findings are the same and the second run has a report of its own."""
    first, second = regression(settings), regression(settings)
    assert states(first) == dict.fromkeys(STAGES, "ran")
    assert states(second) == dict.fromkeys(STAGES, "cached")
    assert second.model == first.model
    assert second.report != first.report


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_recipe_agrees_with_least_squares(settings: Settings, root: Path, seed: int) -> None:
    """The weights in the result are within 0.1 standard errors of `np.linalg.lstsq` on the training rows."""
    result = regression(changed(settings, {"seed": seed}))
    train = next(
        file.path for file in result.stages["split"].files if file.path.endswith(f"{parts.TRAIN}.parquet")
    )
    x, z, y = (column.to_numpy() for column in pq.read_table(root / train).columns)
    design = np.column_stack([x, z, np.ones_like(x)])
    solution, rss, *_ = np.linalg.lstsq(design, y)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * rss[0] / (len(y) - 3))
    fitted = np.array([result.model.weights["x"], result.model.weights["z"], result.model.bias])
    assert np.all(np.abs(fitted - solution) <= 0.1 * errors)
    assert np.allclose(
        solution, [*result.least_squares.weights.values(), result.least_squares.bias], rtol=1e-9
    )
    assert np.allclose(
        errors, np.array(list(result.least_squares.standard_errors.values()), float), rtol=1e-9
    )
    assert result.verdict.converged


def test_the_saved_model_predicts_raw_inputs_as_the_predictions_say(settings: Settings, root: Path) -> None:
    """`model.keras` needs no preprocessing: raw inputs in, predictions in the target's units out."""
    import keras

    result = regression(settings)
    paths = {
        Path(file.path).name: root / file.path for stage in result.stages.values() for file in stage.files
    }
    saved = keras.models.load_model(paths[model.KERAS])
    test = pq.read_table(paths[f"{parts.TEST}.parquet"]).select(["x", "z"]).to_pandas().to_numpy(np.float32)
    predictions = pq.read_table(paths[f"{scores.PREDICTIONS}.parquet"]).to_pandas()
    stored = predictions[predictions["part"] == "test"]["predicted"].to_numpy()
    assert np.allclose(saved.predict(test, verbose=0)[:, 0], stored, rtol=1e-5, atol=1e-4)
    assert saved.count_params() == result.model.parameters == 3


def test_the_metrics_are_those_of_the_predictions(settings: Settings, root: Path) -> None:
    """RMSE, MAE and R² are recomputed from the predictions' file, the baseline from the training mean."""
    result = regression(settings)
    rows = pq.read_table(root / result.stages["evaluate"].files[1].path).to_pandas()
    by_part = {
        part: (group["actual"].to_numpy(), group["predicted"].to_numpy())
        for part, group in rows.groupby("part")
    }
    for part, score in (("train", result.metrics.train), ("test", result.metrics.test)):
        assert score is not None
        actual, predicted = by_part[part]
        residuals = actual - predicted
        assert score.rows == len(actual) == {"train": 800, "test": 200}[part]
        assert score.rmse == pytest.approx(np.sqrt(np.mean(residuals**2)))
        assert score.mae == pytest.approx(np.mean(np.abs(residuals)))
        assert score.r2 == pytest.approx(1 - np.sum(residuals**2) / np.sum((actual - actual.mean()) ** 2))
    assert result.baseline.train.rmse == pytest.approx(np.std(by_part["train"][0]))


def test_an_rmse_against_rounded_targets_would_be_noticed(settings: Settings, root: Path) -> None:
    """The tutorial printed 0.0289 because it compared targets with rounded targets; noise alone is 20 times that."""
    result = regression(changed(settings, {"preset": "course"}))
    assert result.rounding_rmse is not None
    assert result.rounding_rmse == pytest.approx(0.1 / np.sqrt(12), rel=0.1)
    assert result.metrics.train.rmse > 0.95 / np.sqrt(3) > 10 * result.rounding_rmse
    assert result.metrics.test is None


def test_nothing_of_the_test_rows_reaches_the_training(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With other values in the test rows the training's files are the same to the last bit."""
    before = regression(settings)
    monkeypatch.setattr("tasks.outputs.parts.write_parquet", spoiling_test_rows(write_parquet))
    after = regression(changed(settings, {"artifacts": f"{settings.artifacts}-spoilt"}))
    digests = [[file.sha256 for file in result.stages["train"].files] for result in (before, after)]
    assert digests[0] == digests[1]
    assert before.metrics.test != after.metrics.test


def spoiling_test_rows(write: Callable[..., None]) -> Callable[..., None]:
    """Return a writer that replaces all values of `test.parquet`."""

    def spoilt(path: Path, table: pa.Table) -> None:
        if path.name == f"{parts.TEST}.parquet":
            table = pa.table({name: table[name].to_numpy() * 1e3 + 7 for name in table.column_names})
        write(path, table)

    return spoilt


def test_a_real_table_is_learnt_from(settings: Settings, penguins: Path) -> None:
    """On the penguins, where raw inputs diverge, the fit agrees with least squares."""
    given = {"input": {"data": str(penguins), "target": "body_mass"}}
    result = regression(changed(settings, given))
    assert set(result.model.weights) == {"bill_len", "bill_dep", "flipper_len"}
    assert result.verdict.D is not None
    assert result.verdict.D <= 0.01
    assert result.verdict.z is not None
    assert result.verdict.z <= 0.1
    assert result.truth is None
    assert list(result.stages) == ["ingest", *STAGES[1:]]


def test_without_a_bias_the_line_goes_through_the_origin(settings: Settings) -> None:
    """`bias` false leaves one parameter a feature."""
    result = regression(changed(settings, {"training": {"bias": False}}))
    assert result.model.bias == 0
    assert result.model.parameters == 2
    assert "bias" not in result.least_squares.standard_errors


def test_a_diverging_training_is_refused_and_leaves_no_weights(settings: Settings, root: Path) -> None:
    """The message has the epoch and the end of the stable range; a second try is no use and not made."""
    given = {"preset": "article", "training": {"learning_rate": 1.0}}
    with pytest.raises(
        Diverged, match=r"diverged at epoch \d+; the stable range for this data ends at 0\.02\d+"
    ):
        regression(changed(settings, given))
    assert not (root / "train").exists()
    assert not [*(root / "runs").glob("*/result.json")]
    assert not any((root / "drafts").iterdir())


def test_a_rate_above_the_stable_range_that_ended_well_is_said(settings: Settings) -> None:
    """In the result's notes; a training within the range has none."""
    (note,) = regression(changed(settings, {"training": {"learning_rate": 1.0}})).notes
    assert note.startswith(
        "the learning rate of 1 is above the stable range for this data, which ends at 0.9"
    )
    assert regression(settings).notes == []


def test_too_few_rows_for_a_test_part_are_refused(settings: Settings) -> None:
    with pytest.raises(BadTable, match="test_fraction"):
        regression(changed(settings, {"problem": {"rows": 20}, "split": {"test_fraction": 0.01}}))


def test_the_report_is_published_as_an_artifact_with_its_figures(settings: Settings) -> None:
    """Prefect's UI shows the report with the figures inside, in less than 200 kB."""
    result = regression(settings)
    assert result.lineage is not None
    (artifact,) = artifacts_of(UUID(result.lineage.flow_run), key=report_key("example"))
    mine = str(artifact.data)
    assert result.run in mine
    assert mine.count("data:image/png;base64,") == 5
    assert len(mine) < 200_000


def test_the_tutorials_weights_scatter_as_theory_says(settings: Settings) -> None:
    """The settings of the preset reach the training: raw inputs, constant rate, all rows."""
    result = regression(changed(settings, {"preset": "article"}))
    assert result.learning_rate == 0.02
    assert not result.verdict.converged
    assert json.loads(json.dumps(result.settings))["problem"]["noise"] == 10
    assert result.metrics.train.rows == 1000
    assert 5.5 < result.metrics.train.rmse < 14
