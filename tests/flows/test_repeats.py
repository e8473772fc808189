"""Several trainings of one run: each the same as alone, cached by itself, and held against each other."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from flows.regression import regression, stages
from tasks.config import Settings, overlaid
from tasks.outputs.model import WEIGHTS
from tasks.outputs.result import Result
from tasks.page.summary import summary
from tasks.runtime.dry_run import DryRun
from tests.paths import DATA

pytestmark = pytest.mark.usefixtures("prefect_server")

PENGUINS = str(DATA / "penguins.csv")


def given(settings: Settings, **changes: Any) -> Settings:
    """Return settings for the penguins, all of them to learn from, so that a seed changes the training alone."""
    table = {"input": {"data": PENGUINS, "target": "body_mass"}, "split": {"test_fraction": 0.0}}
    return Settings.model_validate(
        overlaid(overlaid(settings.model_dump(exclude_unset=True), table), changes)
    )


def weights(result: Result) -> list[str]:
    return [file.sha256 for file in result.stages["train"].files if file.path.endswith(WEIGHTS)]


def test_each_seed_is_the_training_that_it_would_be_alone(settings: Settings, tmp_path: Path) -> None:
    """Threads side by side leave the same bytes as a run of its own, and such a run finds them in the cache."""
    several = regression(given(settings, seed=5, repeats=3))
    alone = regression(given(settings, seed=7, artifacts=str(tmp_path / "elsewhere")))
    assert len(weights(several)) == 3
    assert weights(alone) == weights(several)[2:]
    cached = regression(given(settings, seed=6))
    assert cached.stages["train"].state == "cached"
    assert weights(cached) == weights(several)[1:2]
    assert cached.repeats is None


def test_more_repeats_train_only_the_new_seeds(settings: Settings) -> None:
    regression(given(settings, repeats=2))
    forecast = DryRun(Path(settings.artifacts).resolve())
    stages(forecast, given(settings, repeats=4))
    assert forecast.stages["train"][0] == "will run"
    assert forecast.stages["train"][1].startswith("2 of 4: `seed`")
    assert forecast.stages["repeats"] == ("will run", "unless `train` leaves the same files as before")
    more = regression(given(settings, repeats=4))
    assert more.stages["train"].reason.startswith("2 of 4: `seed`")
    again = regression(given(settings, repeats=4))
    assert {stage.state for stage in again.stages.values()} == {"cached"}
    assert again.repeats == more.repeats


@pytest.mark.parametrize("recipe", ["calibrated", "tutorial"])
def test_the_spread_is_that_of_the_weights_and_of_their_errors(settings: Settings, recipe: str) -> None:
    """Mean, sd, min and max are NumPy's over the trained weights; each RMSE is that of its weights on its rows."""
    root = Path(settings.artifacts)
    training = {"recipe": recipe, "epochs": 20, "bias": recipe == "tutorial"}
    result = regression(
        Settings.model_validate(
            overlaid(settings.model_dump(exclude_unset=True), {"repeats": 4, "seed": 1, "training": training})
        )
    )
    told = result.repeats
    assert told is not None
    assert told.seeds == [1, 2, 3, 4]
    files = [file.path for file in result.stages["train"].files if file.path.endswith(WEIGHTS)]
    fitted = [np.load(root / file) for file in files]
    trained = np.array([[*each["weights"], each["bias"]] for each in fitted])
    for column, spread in zip(trained.T, [told.weights["x"], told.weights["z"]], strict=False):
        figures = [spread.mean, spread.sd, spread.min, spread.max]
        np.testing.assert_allclose(figures, [column.mean(), column.std(ddof=1), column.min(), column.max()])
        assert spread.expected_sd is not None
        assert 0.05 < spread.sd / spread.expected_sd < 3
    assert [told.weights["x"].expected, told.weights["z"].expected] == list(
        result.least_squares.weights.values()
    )
    assert (told.bias is None) == (recipe == "calibrated")
    for part, spread in told.rmse.items():
        path = next(
            file.path for file in result.stages["split"].files if file.path.endswith(f"{part}.parquet")
        )
        x, z, y = (column.to_numpy() for column in pq.read_table(root / path).columns)
        errors = trained[:, :2] @ np.stack([x, z]) + trained[:, 2:] - y
        rmse = np.sqrt(np.mean(errors**2, axis=1))
        np.testing.assert_allclose(
            [spread.min, spread.max, spread.mean], [rmse.min(), rmse.max(), rmse.mean()]
        )
        assert spread.expected == pytest.approx(rmse.mean(), rel=0.1)
    page = (root / result.report).read_text()
    assert "## Repeats" in page
    assert "with seeds 1 to 4" in page
    assert "repeats   4 seeds: SD (expected) x" in summary(result)


def test_a_damaged_model_is_made_again_by_its_own_seed(settings: Settings) -> None:
    """Of four trainings one is repeated."""
    root = Path(settings.artifacts)
    first = regression(given(settings, repeats=4))
    victim = [file.path for file in first.stages["train"].files if file.path.endswith(WEIGHTS)][2]
    (root / victim).unlink()
    again = regression(given(settings, repeats=4))
    assert again.stages["train"].reason == f"1 of 4: {victim} is missing"
    assert again.repeats == first.repeats
