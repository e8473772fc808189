"""A run whose rows count by weights: the statsmodels fit of the same rows, and what no row can count by refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from flows import fit
from flows.fitting import FittedModel
from tasks.table.errors import BadTable
from tests.paths import DATA

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """The penguins, some of them measured more often than others, on days of a year."""
    rng = np.random.default_rng(0)
    penguins = pd.read_csv(DATA / "penguins.csv")
    penguins["times"] = rng.integers(1, 6, len(penguins))
    penguins["seen"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, len(penguins)), "D")
    return penguins


def fitted(frame: pd.DataFrame, root: Path, **more: Any) -> FittedModel:
    return fit(frame, "body_mass", artifacts=root, test_fraction=0.0, epochs=30, **more)


def expected(frame: pd.DataFrame, weights: Any) -> Any:
    features = frame[["bill_len", "bill_dep", "flipper_len"]]
    return sm.WLS(frame["body_mass"], sm.add_constant(features), weights).fit()


def test_a_run_is_weighted_least_squares(frame: pd.DataFrame, tmp_path: Path) -> None:
    found = fitted(frame, tmp_path, weights="times").result
    wls = expected(frame, frame["times"])
    assert found.least_squares.weights == pytest.approx(wls.params.drop("const").to_dict(), rel=1e-10)
    assert found.least_squares.standard_errors["flipper_len"] == pytest.approx(
        wls.bse["flipper_len"], rel=1e-10
    )
    assert found.metrics.train.rmse == pytest.approx(np.sqrt(wls.ssr / frame["times"].sum()), rel=1e-3)
    assert found.metrics.train.r2 == pytest.approx(wls.rsquared, rel=1e-3)
    assert found.verdict.converged
    assert found.weights == "by 'times'"
    assert "times" not in found.model.weights
    assert (
        "rows count by 'times', in the fit and in all errors; in conformal intervals each test row counts once, as new "
        "rows have no weight" in found.notes
    )


def test_a_weight_of_zero_leaves_a_row_out(frame: pd.DataFrame, tmp_path: Path) -> None:
    some = frame.assign(times=frame["times"].where(frame.index % 10 != 0, 0))
    found = fitted(some, tmp_path, weights="times").result
    kept = some[some["times"] > 0]
    assert found.metrics.train.rows == len(kept)
    assert found.least_squares.bias == pytest.approx(expected(kept, kept["times"]).params["const"], rel=1e-10)
    assert f"{len(some) - len(kept)} rows of weight 0 left out" in found.notes


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (-1.5, "column 'times' of `weights` has 1 negative value, first -1.5 in row 8"),
        (np.nan, "column 'times' of `weights` has 1 missing value, first in row 8"),
        (np.inf, "column 'times' of `weights` has 1 infinite value, first in row 8"),
    ],
)
def test_what_no_row_can_count_by_is_refused(
    frame: pd.DataFrame, tmp_path: Path, value: float, said: str
) -> None:
    bad = frame.assign(times=frame["times"].astype(float))
    bad.loc[7, "times"] = value
    with pytest.raises(BadTable) as refused:
        fitted(bad, tmp_path, weights="times")
    assert str(refused.value).startswith(said)


def test_text_is_no_weight(frame: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "penguins.csv"
    frame.assign(times=frame["times"].astype(str).where(frame.index != 7, "often")).to_csv(path, index=False)
    with pytest.raises(BadTable, match=r"of `weights` has 1 text cell, first 'often' in row 8"):
        fit(path, "body_mass", artifacts=tmp_path, weights="times", exclude=["seen"])
    with pytest.raises(BadTable, match=r"column 'seen' of `weights` holds 'timestamp"):
        fitted(frame, tmp_path, weights="seen")


def test_recent_rows_count_more(frame: pd.DataFrame, tmp_path: Path) -> None:
    """By statsmodels with the same weights, whose mean is 1: s is that of the rows."""
    found = fitted(frame, tmp_path, by="seen", half_life="90d", exclude=["times"]).result
    age = (frame["seen"].max() - frame["seen"]).dt.days
    weights = 0.5 ** (age / 90)
    wls = expected(frame, weights / weights.mean())
    features = ["bill_len", "bill_dep", "flipper_len"]
    assert {name: found.least_squares.weights[name] for name in features} == pytest.approx(
        wls.params[features].to_dict(), rel=1e-9
    )
    assert found.least_squares.standard_errors["bill_len"] == pytest.approx(wls.bse["bill_len"], rel=1e-9)
    assert found.verdict.converged
    assert found.weights == "by age, half for every 90d before the latest 'seen'"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"half_life": "90d"}, "`half_life` needs `by`"),
        ({"half_life": "90d", "by": "seen", "method": "hash"}, "`half_life` needs `by`"),
        ({"half_life": "3 months", "by": "seen"}, "write 12h, 90d or 8w"),
        ({"half_life": "90d", "by": "seen", "weights": "times"}, "give one of them"),
        ({"weights": "body_mass"}, "a column has one role"),
        ({"weights": "often"}, "often"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    frame: pd.DataFrame, tmp_path: Path, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        fitted(frame, tmp_path, **more)


@pytest.mark.slow
@pytest.mark.parametrize("log_target", [False, True])
def test_conformal_intervals_take_the_errors_by_their_age(
    frame: pd.DataFrame, tmp_path: Path, log_target: bool
) -> None:
    """Of the test rows, the newest counting as 1; of a logarithm the errors are its own."""
    given: dict[str, Any] = {"by": "seen", "half_life": "30d", "exclude": ["times"], "log_target": log_target}
    model = fit(frame, "body_mass", artifacts=tmp_path, method="time", epochs=30, **given)
    note = "by age, half for every 30d before the latest 'seen', in the fit, in all errors and in conformal intervals"
    assert any(note in each for each in model.result.notes)
    conformal = model.model.conformal
    assert conformal is not None
    assert conformal.shares is not None

    tests = frame[frame["seen"] >= frame["seen"].sort_values().iloc[-conformal.rows]]
    assert len(tests) == conformal.rows
    transformed = np.log if log_target else np.asarray
    smearing = model.result.smearing or 1.0
    errors = np.abs(transformed(tests["body_mass"].to_numpy()) - transformed(model.predict(tests) / smearing))
    weights = 0.5 ** ((tests["seen"].max() - tests["seen"]).dt.days / 30).to_numpy()
    order = np.argsort(errors)
    np.testing.assert_allclose(conformal.errors, errors[order], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(conformal.shares, np.cumsum(weights[order]) / (weights.sum() + 1), rtol=1e-9)
