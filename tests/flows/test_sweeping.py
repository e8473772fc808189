"""A sweep: every combination by folds of the training rows, against scikit-learn; cached; what diverges is the last."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from flows.regression import regression
from flows.sweeping import best_settings, fold_notes, sweep
from tasks.config import Settings, SweepPlan, overlaid
from tasks.neuron.recipe import Diverged
from tasks.neuron.ridge import fold_of_rows

pytestmark = pytest.mark.usefixtures("prefect_server")


def plan(settings: Settings, penguins: Path, values: dict[str, Any], **changes: Any) -> SweepPlan:
    """Return a plan over the penguins, all of them to learn from."""
    given = {
        "input": {"data": str(penguins), "target": "body_mass"},
        "split": {"test_fraction": 0.0},
        "training": {"epochs": 20},
    }
    base = overlaid(settings.model_dump(include={"artifacts"}), overlaid(given, changes))
    return SweepPlan.model_validate({"settings": base, "training": values, "folds": 4})


@pytest.mark.slow
def test_errors_are_those_of_fits_without_the_fold_and_the_best_is_run(
    settings: Settings, penguins: Path
) -> None:
    """Ridge as scikit-learn fits it to the other folds; the best is a run of its own, and finds its parts cached."""
    asked = plan(settings, penguins, {"l2": [0.0, 30.0, 1000.0], "epochs": [20, 30]})
    found = sweep(asked)
    assert found.notes == []
    table = pd.read_csv(penguins)
    x, y = table.drop(columns="body_mass").to_numpy(float), table["body_mass"].to_numpy(float)
    codes = fold_of_rows(len(x), 4)
    for each in found.candidates:
        errors = np.empty(len(y))
        for number in range(4):
            rest, own = codes != number, codes == number
            scaler = StandardScaler().fit(x[rest])
            fitted = Ridge(alpha=each.training["l2"]).fit(scaler.transform(x[rest]), y[rest])
            errors[own] = y[own] - fitted.predict(scaler.transform(x[own]))
        assert each.error is not None
        assert each.error.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=2e-3)
        assert each.error.low is not None
        assert each.error.low < each.error.rmse < (each.error.high or 0)
    by_error = [each.error.rmse for each in found.candidates if each.error]
    assert by_error == sorted(by_error)
    assert len(by_error) == 6
    assert found.candidates[-1].training["l2"] == 1000.0

    best = best_settings(asked, found)
    result = regression(best)
    assert result.settings["training"]["l2"] == found.candidates[0].training["l2"]  # type: ignore[index]
    assert {name: result.stages[name].state for name in ("ingest", "split")} == dict.fromkeys(
        ("ingest", "split"), "cached"
    )


def test_folds_that_ignore_the_splits_groups_are_said(settings: Settings, penguins: Path) -> None:
    split = {"method": "group", "by": "bill_len", "test_fraction": 0.2}
    asked = plan(settings, penguins, {"epochs": [1]}, split=split)
    (note,) = fold_notes(asked.settings)
    assert note.startswith("the folds are dealt row by row, not by 'bill_len': if rows that share it")


def test_more_values_train_only_what_is_new(
    settings: Settings, penguins: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was tried is taken from the cache; the same sweep twice trains nothing, and finds the same."""
    trained: list[int] = []
    monkeypatch.setattr("tasks.train.load", lambda: trained.append(1))
    counts, found = [], []
    for values in ([2], [2], [2, 3]):
        asked = plan(settings, penguins, {"epochs": values}).model_copy(update={"folds": 2})
        found.append(sweep(asked))
        counts.append(len(trained))
    assert counts == [2, 2, 4]
    assert found[0] == found[1]
    assert all(each in found[2].candidates for each in found[0].candidates)


@pytest.mark.slow
def test_what_diverges_comes_last_with_its_reason(settings: Settings, penguins: Path) -> None:
    """And if all do, that is said."""
    steep = {"training": {"recipe": "tutorial", "epochs": 2}}
    found = sweep(plan(settings, penguins, {"learning_rate": [50.0, 1e-12]}, **steep))
    assert [each.training["learning_rate"] for each in found.candidates] == [1e-12, 50.0]
    assert found.candidates[1].error is None
    assert str(found.candidates[1].refused).startswith("diverged")
    with pytest.raises(Diverged):
        sweep(plan(settings, penguins, {"learning_rate": [50.0]}, **steep))
