"""A run that fits the target's logarithm: weights of statsmodels on log y, all else in the target's own units."""

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm

from flows import fit
from flows.fitting import FittedModel
from tasks.neuron.student_t import critical
from tasks.table.errors import BadTable
from tasks.table.model.linear import predict
from tasks.table.model.uncertainty import Interval, Kind

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return drawn(600)


def drawn(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    area, city = rng.uniform(30, 150, rows), rng.choice(["Oslo", "Rome"], rows)
    price = np.exp(10 + 0.01 * area + 0.5 * (city == "Oslo") + rng.normal(0, 0.4, rows))
    return pd.DataFrame({"area": area, "city": city, "price": price})


def fitted(frame: pd.DataFrame, root: Path, **more: Any) -> FittedModel:
    options = {"categorical": ["city"], "log_target": True, "epochs": 30} | more
    return fit(frame, "price", artifacts=root, **options)


def test_weights_are_of_the_logarithm_and_errors_in_its_own_units(
    frame: pd.DataFrame, tmp_path: Path
) -> None:
    model = fitted(frame, tmp_path, test_fraction=0.0)
    found = model.result
    design = sm.add_constant(np.column_stack([frame["area"], frame["city"] == "Rome"]).astype(float))
    logs = np.log(frame["price"])
    wls = sm.OLS(logs, design).fit()
    np.testing.assert_allclose(list(found.least_squares.weights.values()), wls.params[1:], rtol=1e-9)
    assert found.least_squares.standard_errors["area"] == pytest.approx(wls.bse.iloc[1], rel=1e-9)
    smearing = np.exp(wls.resid).mean()
    assert found.smearing == pytest.approx(smearing, rel=1e-3)
    rmse = np.sqrt(np.mean((frame["price"] - np.exp(wls.fittedvalues) * smearing) ** 2))
    assert found.metrics.train.rmse == pytest.approx(rmse, rel=1e-3)
    assert found.baseline.train.rmse == pytest.approx(frame["price"].std(ddof=0), rel=1e-9)
    assert found.gain is not None
    assert found.gain.p == pytest.approx(wls.f_pvalue, rel=1e-6)
    predicted = model.predict(frame)
    assert np.mean(predicted) == pytest.approx(frame["price"].mean(), rel=0.01)
    text = (tmp_path / found.report).read_text()
    assert "mean of exp(residual) over the training rows" in text


def test_predictions_hold_in_sql_and_intervals_cover(frame: pd.DataFrame, tmp_path: Path) -> None:
    """SQL by DuckDB; 95 % intervals, normal and conformal, over other rows of the same kind."""
    model = fitted(frame, tmp_path)
    folder = (tmp_path / model.result.report).parent
    assert not (folder / "model_interval.sql").exists()
    with duckdb.connect() as database:
        database.register("t", frame)
        text = (folder / "model.sql").read_text()
        found = database.execute(f"SELECT {text} FROM t").fetchnumpy()  # noqa: S608
    (computed,) = found.values()
    np.testing.assert_allclose(computed, model.predict(frame), rtol=1e-9)

    other = drawn(4000, seed=1)
    columns = {"area": pa.array(other["area"]), "city": pa.array(other["city"])}
    kinds: dict[Kind, float | None] = {"prediction": critical(0.05, 477), "conformal": None}
    for kind, t in kinds.items():
        low, high = predict(model.model, columns, Interval(0.95, kind, t)).bounds
        covered = np.mean((low <= other["price"]) & (other["price"] <= high))
        assert covered == pytest.approx(0.95, abs=0.025), kind


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"cross_validate": 5}, "`cross_validate` knows the errors of the logarithm alone"),
        ({"repeats": 3}, "`repeats` compares errors of least squares"),
    ],
)
def test_what_does_not_go_with_it_is_refused(
    frame: pd.DataFrame, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        fitted(frame, tmp_path, **more)


def test_a_target_without_a_logarithm_is_refused(frame: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(
        BadTable, match=r"`log_target`: column 'price' has values down to 0, which have no logarithm"
    ):
        fitted(frame.assign(price=frame["price"].where(frame.index != 3, 0.0)), tmp_path)


def test_the_champion_is_compared_in_the_targets_own_units(frame: pd.DataFrame, tmp_path: Path) -> None:
    """A champion of the plain target with a new model of its logarithm: each by its own predictions."""
    first = fitted(frame, tmp_path, log_target=False, promote_if="better").result
    second = fitted(frame, tmp_path, promote_if="better").result
    assert first.metrics.test is not None
    assert second.metrics.test is not None
    assert second.decision is not None
    assert second.decision.comparison is not None
    assert second.decision.comparison.champion_rmse == pytest.approx(first.metrics.test.rmse, rel=1e-9)
    assert second.decision.comparison.rmse == pytest.approx(second.metrics.test.rmse, rel=1e-9)
