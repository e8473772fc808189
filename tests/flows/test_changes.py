"""From night to night: columns that go, come or change their kind, and values far out of their range."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.regression import regression, stages
from tasks.config import Settings, overlaid
from tasks.outputs.result import Result
from tasks.runtime.dry_run import DryRun
from tasks.table.errors import BadTable

pytestmark = pytest.mark.usefixtures("prefect_server")

RNG = np.random.default_rng(0)
FIRST = pd.DataFrame(RNG.normal(size=(60, 3)), columns=["x", "z", "y"]).assign(k=RNG.choice(["a", "b"], 60))


@pytest.fixture
def asked(settings: Settings, tmp_path: Path) -> Settings:
    """Return the settings of a nightly run, of which the first has passed."""
    FIRST.to_csv(tmp_path / "t.csv", index=False)
    given = {"data": str(tmp_path / "t.csv"), "target": "y", "categorical": ["k"]}
    asked = changed(settings, input=given, training={"epochs": 1})
    regression(asked)
    return asked


def changed(settings: Settings, **changes: Any) -> Settings:
    return Settings.model_validate(overlaid(settings.model_dump(exclude_unset=True), changes))


def night(asked: Settings, frame: pd.DataFrame, **given: Any) -> Result:
    """Run on other rows."""
    frame.to_csv(str(asked.input.data), index=False)
    return regression(changed(asked, input=given))


def told(result: Result) -> list[str]:
    """Return the notes that are not about the encoding."""
    return [note for note in result.notes if "reference level" not in note]


def test_the_same_columns_are_no_news(asked: Settings) -> None:
    """Other rows of the same kind, and other choices of columns, which are no change of the table."""
    assert told(night(asked, FIRST.assign(x=FIRST["x"] * 1.2))) == []
    assert told(night(asked, FIRST, exclude=("z",))) == []


def test_new_columns_and_drift_are_told(asked: Settings) -> None:
    """They are warnings, and no part of what is cached: the night after, the same rows are no news."""
    other = FIRST.assign(z=FIRST["z"] * 1000, more=FIRST["x"] ** 2)
    result = night(asked, other)
    low, high = other["z"].min(), other["z"].max()
    before = f"{FIRST['z'].min():g} to {FIRST['z'].max():g}"
    drift = f"column 'z' reaches from {low:g} to {high:g}, in the last run from {before}"
    assert told(result) == [
        f"{drift}; see whether its unit or its source has changed",
        "column 'more' is new since the last run; `exclude` it if it is not meant to be learnt from",
    ]
    again = regression(asked)
    assert told(again) == []
    assert {stage.state for stage in again.stages.values()} == {"cached"}


def test_lost_columns_are_refused_once(asked: Settings) -> None:
    """A plan says so, too; accepted as a warning, the new columns are what the next night is held against."""
    less = FIRST.drop(columns="z").assign(x=[f"c{row % 3}" for row in range(60)], w=FIRST["z"] ** 2)
    with pytest.raises(BadTable) as caught:
        night(asked, less)
    assert [str(finding) for finding in caught.value.violations] == [
        "column 'x', used in the last run, holds no numbers any more; mend it, or accept it by `warn` this once",
        "column 'z', used in the last run, is gone; bring it back, or accept it by `warn` this once",
    ]
    with pytest.raises(BadTable, match="column 'z', used in the last run, is gone"):
        stages(DryRun(Path(asked.artifacts)), asked)
    accepted = told(night(asked, less, warn=("removed-columns", "retyped-columns")))
    assert [note[:10] for note in accepted] == ["left out, ", "column 'x'", "column 'z'", "column 'w'"]
    assert len(told(regression(asked))) == 1
