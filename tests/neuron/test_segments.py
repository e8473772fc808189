"""Errors by segment: what pandas' groupby says, on the levels of categories and the tenths of numbers."""

import numpy as np
import pandas as pd
import pytest

from tasks.neuron.segments import FEWEST, SegmentColumn, segments

ROWS = 2000


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    city = rng.choice(["Oslo", "Rome", "Turin"], ROWS, p=[0.6, 0.3, 0.1])
    error = rng.normal(size=ROWS) * np.where(city == "Turin", 5, 1)
    return pd.DataFrame(
        {"age": rng.exponential(size=ROWS), "flag": rng.integers(0, 2, ROWS), "city": city, "error": error}
    )


def features(frame: pd.DataFrame) -> np.ndarray:
    levels = [frame["city"] == level for level in ("Rome", "Turin")]
    return np.column_stack([frame["age"], *levels, frame["flag"]]).astype(float)


COLUMNS = [
    SegmentColumn("age", 0),
    SegmentColumn("city", 1, ("Oslo", "Rome", "Turin")),
    SegmentColumn("flag", 3),
]


def test_each_level_and_tenth_is_a_segment(frame: pd.DataFrame) -> None:
    found = segments(COLUMNS, features(frame), frame["error"].to_numpy())
    assert [each.rmse for each in found] == sorted((each.rmse for each in found), reverse=True)
    by_city = frame.groupby("city")["error"]
    for level, errors in by_city:
        (own,) = (each for each in found if each.label == level)
        assert own.rmse == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-12)
        assert own.mean == pytest.approx(errors.mean(), rel=1e-12)
        assert own.rows == len(errors)
    tenths = pd.qcut(frame["age"], 10)
    expected = frame.groupby(tenths, observed=True)["error"].apply(lambda e: np.sqrt(np.mean(e**2)))
    age = [each for each in found if each.column == "age"]
    assert sorted(each.rmse for each in age) == pytest.approx(sorted(expected), rel=0.05)
    assert sum(each.rows for each in age) == ROWS
    assert {each.label for each in found if each.column == "flag"} == {"0", "1"}
    assert (found[0].column, found[0].label) == ("city", "Turin")


def test_an_unknown_level_and_a_small_segment_count_nowhere(frame: pd.DataFrame) -> None:
    """Unknown levels are encoded by shares; a constant column has no segments at all."""
    x = features(frame)
    x[:10, 1:3] = 0.3, 0.1
    found = segments(COLUMNS, x, frame["error"].to_numpy())
    assert sum(each.rows for each in found if each.column == "city") == ROWS - 10
    few = segments(COLUMNS, x[: FEWEST - 1], frame["error"].to_numpy()[: FEWEST - 1])
    assert few == []
    assert segments([SegmentColumn("one", 0)], np.ones((ROWS, 1)), frame["error"].to_numpy()) == []
